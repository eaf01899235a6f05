"""The faults `busy` and `full`: what RDS says of a database, and that it takes no snapshot of it meanwhile.

PostgreSQL itself answers on, as it does on AWS during a backup.
"""

from typing import Any

from local import inventory
from local.errors import CloudError
from local.faults import Fault

STATES = {"busy": "backing-up", "full": "storage-full"}


class DatabaseStates:
    """Changes the status of the databases whose identifier or ARN a fault names."""

    def __init__(self) -> None:
        self._changed: dict[str, Any] = {}

    def inject(self, fault: Fault) -> None:
        """Raises `CloudError` for a database that is not there, or not available."""
        instance = _named(fault.target)
        if instance.status != "available":
            raise CloudError(f"database {fault.target} is {instance.status} already")
        instance.status = STATES[fault.kind]
        self._changed[fault.id] = instance

    def lift(self, fault: Fault) -> None:
        self._mend(fault.id)

    def close(self) -> None:
        """Mend all: a cloud that is kept comes back without faults."""
        for fault_id in list(self._changed):
            self._mend(fault_id)

    def _mend(self, fault_id: str) -> None:
        instance = self._changed.pop(fault_id)
        if instance.status in STATES.values():
            instance.status = "available"


def _named(target: str) -> Any:
    there = list(inventory.database_instances())
    found = [one for one in there if target in (one.db_instance_identifier, one.db_instance_arn)]
    if not found:
        names = ", ".join(one.db_instance_identifier for one in there) or "none"
        raise CloudError(f"there is no database {target!r}: there are {names}")
    return found[0]
