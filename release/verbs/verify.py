"""``release verify ENV``: is the ledger whole? A cut, edited, reordered or deleted entry is found and named."""

from pathlib import Path

from release.environment import open_environment
from release.errors import Broken


def verify(project_dir: Path, name: str) -> int:
    """How many events there are; Broken, with the first fault and their number, when the chain does not hold."""
    ledger = open_environment(project_dir, name).ledger
    faults = ledger.faults()
    if faults:
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise Broken(
            f"the ledger of {name} was changed: {faults[0]}{more}", hint="compare it with a backup of the table"
        )
    return ledger.head().seq + 1
