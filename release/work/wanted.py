"""Is a deployment still wanted? Stops are written at any time, so they are read again where it can still end.

Before each step that users would notice, and at every look of the watch. A rollback is stopped by nothing but the wish
that it ends: stops keep releases out, they never keep users on one. So it is not stopped by any that cannot be read.
"""

from typing import TYPE_CHECKING

from release.process.errors import StagelineError
from release.rules.wanted import refuse_stopped

if TYPE_CHECKING:
    from release.work.steps import Work


def refuse_unwanted(work: "Work") -> None:
    """Refused when what stands by now stops this deployment; Broken or Inconclusive when that cannot be told.

    Whoever goes back is not stopped by what cannot be read, but told of it.
    """
    try:
        stops = work.environment.stops.read()
    except StagelineError as error:
        if work.plan.kind != "rollback":
            raise
        work.note_once(f"whether somebody asked to end the rollback is not known, it goes on: {error.args[0]}")
        return
    refuse_stopped(stops, work.plan, work.environment.ledger.now())
