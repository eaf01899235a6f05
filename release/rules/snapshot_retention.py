"""Which snapshots may go: the rule of `release prune` and `release tick`, as a pure function.

Only snapshots that were made for a deployment of this environment are ever looked at: their name, their tags and their
database say so, all three. Such a one is kept for every reason that holds, and goes when there is none.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.doors.aws.databases import Snapshot
from release.records.ledger.head import State
from release.rules.retention import Judgement, Use, needed
from settings.names import Names

HOLD = "stageline:hold"
"""The tag that keeps a snapshot whatever its age, for whoever wants it: its value says why."""

_A_DEPLOYMENT = r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}"
_A_DATABASE = r"(postgres|mysql)-[0-9a-z]+"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rule judges by. ``candidates`` are of this environment's deployments.

    The newest ``keep`` good ones stay, and all that are younger than ``keep_days``. On hold nothing goes: somebody is
    looking into what happened.
    """

    candidates: tuple[Snapshot, ...]
    uses: tuple[Use, ...]
    keep: int
    keep_days: int
    now: datetime
    on_hold: bool = False


def of_deployments(snapshots: Iterable[Snapshot], names: Names) -> tuple[Snapshot, ...]:
    """Those that were made for deployments of this environment: by name, tags and database."""
    return tuple(one for one in snapshots if _is_of_deployment(one, names))


def uses_of(state: State) -> Iterator[Use]:
    """The deployments that the way back leads through: what HEAD names."""
    if state.live:
        yield Use(of=state.live.deployment, what="from before the release that is live")
    if state.previous:
        yield Use(of=state.previous.deployment, what="from before the release to go back to")
    if state.open:
        yield Use(of=state.open.deployment, what="of the open deployment")
    for name, slot in state.slots.items():
        if slot is not None:
            yield Use(of=slot.deployment, what=f"from before the release in slot {name}")


def judged(facts: Facts) -> tuple[Judgement[Snapshot], ...]:
    """Every candidate with what keeps it, the newest first."""
    ordered = sorted(facts.candidates, key=lambda one: (_created(one, facts), one.name), reverse=True)
    newest = _newest_good(ordered, facts.keep)
    return tuple(Judgement(candidate=one, reasons=tuple(_reasons(one, facts, newest))) for one in ordered)


def _reasons(one: Snapshot, facts: Facts, newest: frozenset[str]) -> Iterator[str]:
    yield from needed(facts.uses, one.tags["deployment"])
    if one.name in newest:
        yield f"one of the last {facts.keep} good ones" if facts.keep > 1 else "the last good one"
    if one.status == "available" and facts.now - _created(one, facts) < timedelta(days=facts.keep_days):
        yield f"younger than {facts.keep_days} days"
    yield from kept_by_itself(one)
    if facts.on_hold:
        yield "the environment is on hold"


def kept_by_itself(one: Snapshot) -> Iterator[str]:
    """What RDS says of a snapshot that keeps it."""
    if one.status not in ("available", "failed"):
        yield f"RDS says it is {one.status}"
    if HOLD in one.tags:
        yield f"held by its tag {HOLD}"


def _newest_good(ordered: Iterable[Snapshot], keep: int) -> frozenset[str]:
    """The newest that can be restored: one at least, whatever is asked for."""
    good = [one.name for one in ordered if one.status == "available"]
    return frozenset(good[: max(keep, 1)])


def _created(one: Snapshot, facts: Facts) -> datetime:
    """When it was begun; one that RDS tells no time of is being begun now."""
    return one.created or facts.now


def _is_of_deployment(one: Snapshot, names: Names) -> bool:
    prefix = re.escape(f"{names.project}-{names.environment}-")
    deployment = one.tags.get("deployment", "")
    return (
        one.tags.get("project") == names.project
        and one.tags.get("environment") == names.environment
        and re.fullmatch(f"{re.escape(names.environment)}-{_A_DEPLOYMENT}", deployment) is not None
        and re.fullmatch(f"{re.escape(f'{names.project}-{deployment}')}(-[2-9])?", one.name) is not None
        and re.fullmatch(f"{prefix}{_A_DATABASE}", one.database) is not None
    )
