"""Parameter groups: which parameters reach PostgreSQL, and why others do not.

What concerns clients and statements is given to PostgreSQL as it is. What belongs to the cloud (addresses, files,
how durable writes are) or needs what is not there (extensions, AWS's own formulas) is refused by name. `rds.force_ssl`
is accepted and changes nothing: RDS has it on unless it is told otherwise, while there is no TLS here at all.
"""

import re
from collections.abc import Mapping

from local.errors import CloudError

APPLIED = frozenset(
    {
        "autovacuum",
        "bytea_output",
        "checkpoint_timeout",
        "client_encoding",
        "client_min_messages",
        "datestyle",
        "deadlock_timeout",
        "default_statistics_target",
        "default_transaction_isolation",
        "effective_cache_size",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "intervalstyle",
        "jit",
        "lock_timeout",
        "log_autovacuum_min_duration",
        "log_connections",
        "log_disconnections",
        "log_lock_waits",
        "log_min_duration_statement",
        "log_min_messages",
        "log_statement",
        "log_temp_files",
        "maintenance_work_mem",
        "max_connections",
        "max_locks_per_transaction",
        "max_prepared_transactions",
        "random_page_cost",
        "search_path",
        "seq_page_cost",
        "statement_timeout",
        "temp_buffers",
        "timezone",
        "track_activity_query_size",
        "track_functions",
        "track_io_timing",
        "transaction_timeout",
        "work_mem",
    }
)
WITHOUT_EFFECT = frozenset({"rds.force_ssl"})
PLAIN = re.compile(r"[^\n\r{}]*")


def applicable(parameters: Mapping[str, str]) -> dict[str, str]:
    """Those that PostgreSQL is given. Raises `CloudError` naming all that cannot have an effect here."""
    wanted = {name: value for name, value in parameters.items() if name not in WITHOUT_EFFECT}
    refused = sorted(name for name, value in wanted.items() if name not in APPLIED or not PLAIN.fullmatch(value))
    if refused:
        raise CloudError(
            f"the local cloud cannot set {', '.join(refused)}: leave it out of the local parameter group; what can"
            f" be set, with plain values, is in local/databases/parameters.py"
        )
    return wanted
