"""The fault `break`: PostgreSQL dies and stays dead, while RDS still says available."""

import logging

from local.databases.databases import Databases
from local.errors import CloudError
from local.faults import Fault

log = logging.getLogger(__name__)


class BreakDatabase:
    """Breaks the database whose identifier or ARN the fault names."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def inject(self, fault: Fault) -> None:
        addresses = self._databases.named(fault.target)
        if not addresses:
            there = ", ".join(str(each["id"]) for each in self._databases.status()) or "none"
            raise CloudError(f"there is no database {fault.target!r} to break: there are {there}")
        try:
            for address in addresses:
                self._databases.crash(address, fault.id)
        except CloudError:
            self._databases.mend(fault.id)
            raise

    def lift(self, fault: Fault) -> None:
        try:
            self._databases.mend(fault.id)
        except CloudError as error:
            log.error("database %s does not come back: %s", fault.target, error)
