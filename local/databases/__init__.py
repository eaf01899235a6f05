"""RDS behind the API: one PostgreSQL cluster per instance, each on its own address with the instance's own port.

A cluster is a copy of a template that `initdb` made once and that outlives the cloud. A snapshot is a copy taken
from the running cluster; restoring starts a new cluster from it. The master user has the password of the RDS
managed secret, and PostgreSQL checks it. Clusters are known by their address, snapshots by a name given here.

- `databases`    all clusters and snapshots: made, copied, stopped, broken, taken up again
- `declared`     what the API says about a database that the real one follows
- `parameters`   which parameters of a parameter group reach PostgreSQL
- `figures`      how busy a cluster is
- `faults`       breaking one on purpose
- `template`     the cluster that all are copies of
"""

from local.databases.databases import DatabaseFigures, Databases, refuse_engine
from local.databases.declared import Declared, Master
from local.databases.faults import BreakDatabase

__all__ = ["BreakDatabase", "DatabaseFigures", "Databases", "Declared", "Master", "refuse_engine"]
