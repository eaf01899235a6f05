"""Is a deployment still wanted? Stops are written at any time, so they are read again where it can still end.

Before each step that users would notice, and at every look of the watch. A rollback is stopped by nothing but the wish
that it ends: stops keep releases out, they never keep users on one. So it is not stopped by any that cannot be read.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from release.process.errors import Refused, StagelineError
from release.records.ledger.stops import Stops, is_frozen, veto_of
from release.rules.plan import Plan

if TYPE_CHECKING:
    from release.work.steps import Work


class Unwanted(Refused):
    """Somebody vetoed the release, or asked its deployment to end: it is put back (exit code 3)."""


class Held(Refused):
    """A hold or a freeze: nothing moves any more, and a person decides what becomes of what moved (exit code 3)."""


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


def refuse_stopped(stops: Stops, plan: Plan, now: datetime) -> None:
    """The rule. Unwanted for a veto of the very bytes or a wish that names this deployment, Held for the others."""
    refuse_vetoed_or_ended(stops, plan)
    if plan.kind == "rollback":
        return
    if stops.hold:
        raise Held(f"{plan.environment} was put on hold by {stops.hold.by}: {stops.hold.reason}")
    if stops.freeze and is_frozen(stops, now):
        raise Held(f"{plan.environment} was frozen by {stops.freeze.by}: {stops.freeze.reason}")


def refuse_vetoed_or_ended(stops: Stops, plan: Plan) -> None:
    """The part of it that no person passes over: a veto of what goes forward, and the wish that this one ends."""
    if stops.ending and stops.ending.deployment == plan.deployment:
        raise Unwanted(f"{stops.ending.by} asked it to end: {stops.ending.reason}")
    if plan.kind == "rollback":
        return
    if veto := veto_of(stops, plan.digest):
        raise Unwanted(f"{plan.version} was vetoed by {veto.by}: {veto.reason}")
