"""CloudWatch behind the API: what the parts measure becomes metrics, and alarms change state by them.

Every twenty seconds of declared time (`Pace`) each part is asked for its figures; they are kept per account and
region for three hours of declared time. Alarms are judged after that, with their periods shortened by the pace.

- `samples`      what is kept of a metric, and its statistics
- `store`        the metrics of one account and region, kept on moto's backend
- `figures`      the parts' figures as CloudWatch's metrics
- `evaluation`   the rule by which an alarm has a state
- `alarms`       moto's alarms judged by that rule, and refused where they cannot be
- `notices`      what an alarm tells its topics
- `watching`     the thread that does all this again and again
"""

from local.watching.figures import balancer_metrics, database_metrics, server_metrics
from local.watching.watching import Watching

__all__ = ["Watching", "balancer_metrics", "database_metrics", "server_metrics"]
