"""Whether a deployment is still wanted, by the stops that stand: what ends it, and what lets it stand where it is."""

from datetime import datetime

from release.process.errors import Refused, ToldToEnd
from release.records.ledger.stops import Ending, Stops, WorkEnding, is_frozen, veto_of
from release.rules.plan import Plan


class Unwanted(ToldToEnd, Refused):
    """Somebody vetoed the release, or asked its deployment, or other work, to end: it is put back (exit code 3)."""


class Held(ToldToEnd, Refused):
    """A hold or a freeze: nothing moves any more, and a person decides what becomes of what moved (exit code 3)."""


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
        raise _asked(stops.ending)
    if plan.kind == "rollback":
        return
    if veto := veto_of(stops, plan.digest):
        raise Unwanted(f"{plan.version} was vetoed by {veto.by}: {veto.reason}")


def refuse_asked_to_end(stops: Stops, fence: int) -> None:
    """Unwanted where somebody asked to end what is done under the lease with this fence, and is no deployment."""
    if stops.work_ending and stops.work_ending.fence == fence:
        raise _asked(stops.work_ending)


def refuse_asked_again(stops: Stops, deployment: str, before: Ending | None) -> None:
    """Unwanted where somebody asked a deployment to end since ``before``, while it was being put back."""
    if stops.ending and stops.ending != before and stops.ending.deployment == deployment:
        raise _asked(stops.ending)


def _asked(ending: Ending | WorkEnding) -> Unwanted:
    return Unwanted(f"{ending.by} asked it to end: {ending.reason}")
