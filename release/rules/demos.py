"""Rules of demos: who may have another one and for how long, whose each is, and which have to go."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network

from release.doors.database.shared import Crowd
from release.process.errors import LeaseHeld, Refused, WrongUsage
from release.process.text import quoted, utc_of
from release.records.demos.demo import Demo
from release.records.demos.registry import Entry
from release.rules.budget import refuse_beyond
from release.rules.owners import is_owners
from settings import model
from settings.demos import BRANCH_RULE, is_demo_branch, span

MOST_AT_ONCE = (
    5  # demos that one reap takes down: what is wrong with it, or with the clock, is seen before all are gone
)
BLUR = timedelta(minutes=5)  # between two clocks: AWS takes no request from one that is further off
MOST_USED = 0.8  # of a base's connections and storage: what is left is its application's


def refuse_branch(branch: str) -> None:
    """WrongUsage for a branch that may have no demo."""
    if not is_demo_branch(branch):
        raise WrongUsage(f"{quoted(branch)} is no branch for a demo", hint=f"it is {BRANCH_RULE}")


def is_span(text: str) -> bool:
    """Whether a text is a time of a demo, like 12h or 3d."""
    return re.fullmatch(model.SPAN_PATTERN, text) is not None


def is_block(text: str) -> bool:
    """Whether a text is an IPv4 block with its prefix spelled out and no host bits."""
    try:
        return "/" in text and str(IPv4Network(text)) == text
    except ValueError:
        return False


def age(demo: Demo, now: datetime) -> str:
    """How long there has been a demo: in days, or hours where it is younger."""
    hours = int((now - utc_of(demo.made)).total_seconds()) // 3600
    return f"{hours // 24}d" if hours >= 24 else f"{max(hours, 0)}h"


def lifetime(limits: model.Demo, ttl: str | None) -> timedelta:
    """How long a demo lives from now on; Refused beyond what settings allow."""
    asked = span(ttl or limits.ttl)
    if asked > span(limits.max_ttl):
        raise Refused(f"a demo lives {limits.max_ttl} at most, not {ttl}", hint="release demo extend renews it later")
    return asked


def refuse_another(limits: model.Demo, others: Collection[Demo], demo: Demo) -> None:
    """Refused for a demo besides which there are as many as there may be: of its owner, in all, or for the budget."""
    own = sum(other.owner == demo.owner for other in others)
    if own >= limits.most_per_owner:
        raise Refused(
            f"you have {own} demos, and {limits.most_per_owner} is the most (demo.most_per_owner)",
            hint="end one of them: release demo down BRANCH",
        )
    if len(others) >= limits.most:
        raise Refused(
            f"there are {len(others)} demos, and {limits.most} is the most (demo.most)",
            hint="ask an owner to end one, see: release demo list",
        )
    refuse_beyond(limits, others, demo.cost)


def refuse_crowded(limits: model.Demo, base: str, crowd: Crowd, free_share: float | None) -> None:
    """Refused where the base's database has no room for one more demo. What nobody has measured refuses nothing."""
    demos, used = len(crowd.databases), crowd.connections
    if demos >= limits.most:
        raise Refused(
            f"the database of {base} has {demos} of demos, and {limits.most} is the most (demo.most)",
            hint="end one, or see which belong to none: release demo reap --dry-run",
        )
    if used >= MOST_USED * crowd.most_connections:
        raise Refused(
            f"the database of {base} has {used} connections of {crowd.most_connections}",
            hint="wait, end a demo, or give it a larger database.instance_class",
        )
    if free_share is not None and free_share < 1 - MOST_USED:
        raise Refused(
            f"the database of {base} has {free_share:.0%} of its storage free", hint="raise database.storage_gb there"
        )


def refuse_no_seed(data: str, database: str, *, has_seed: bool) -> None:
    """Refused where example data are asked for and there is nothing that brings them, or nothing to bring them to."""
    if data == "none":
        return
    if database == "none":
        raise Refused("the demo has no database to bring data to", hint="leave out --data, see demo.database")
    if not has_seed:
        raise Refused("the artifact has no bin/seed", hint="ship one, or leave out --data")


def refuse_other_owner(demo: Demo, caller: str) -> None:
    """Refused where a demo is somebody else's."""
    if not is_owners(demo.owner, caller):
        raise Refused(f"the demo of {demo.branch} is {demo.owner}'s, and you are {caller}", hint="ask its owner")


def refuse_dying(demo: Demo) -> None:
    """Refused for a demo that is being taken down."""
    if demo.state == "dying":
        raise Refused(
            f"the demo of {demo.branch} is being taken down: {demo.why or 'not done yet'}",
            hint=f"finish that first: release demo down {demo.branch}",
        )


def refuse_held(demo: Demo, now: datetime, *, is_gone: bool, longest: timedelta) -> None:
    """LeaseHeld while somebody works on a demo; `is_gone`: the process that did is proven to have ended.

    An end twice as far away as anybody works was written by a clock that was ahead, or by hand: it holds nothing.
    """
    held = demo.held
    if held is not None and not is_gone and now.isoformat() < held.until <= (now + 2 * longest).isoformat():
        raise LeaseHeld(
            f"{held.by} works on {demo.branch} on {held.host}", hint=f"wait for it, until {held.until} at most"
        )


def is_due(demo: Demo, now: datetime) -> bool:
    """Whether a demo has to go. One that began to die does so whatever else is said of it."""
    return demo.state == "dying" or (demo.pinned is None and demo.expires_at <= now)


def due(entries: Sequence[Entry], now: datetime) -> tuple[Entry, ...]:
    """Those that have to go now: the one that is due longest first, and behind them those that have failed before, so
    that they are in nobody's way.
    """
    found = [entry for entry in entries if is_due(entry.demo, now)]
    return tuple(sorted(found, key=lambda one: (bool(one.demo.why), one.demo.expires_at)))


def to_warn(entries: Sequence[Entry], now: datetime, limits: model.Demo) -> tuple[Entry, ...]:
    """Those that go soon and whose owners were not told of that very time yet."""
    soon = now + span(limits.warn_before)
    return tuple(
        entry
        for entry in entries
        if not is_due(entry.demo, now) and is_due(entry.demo, soon) and entry.demo.warned != entry.demo.expires
    )


def warning(demo: Demo) -> str:
    """What its owner is told before it goes."""
    return f"goes at {demo.expires}; to keep it: release demo extend {demo.branch}"


def believed(demo: Demo, now: datetime, limits: model.Demo) -> Demo:
    """A demo with no more time than settings allow, counted from when it was renewed, and from now at most: what a
    clock that was ahead wrote, or a hand, keeps none alive.
    """
    renewed = demo.renewed_at if demo.renewed_at <= now + BLUR else now
    ends = min(demo.expires_at, renewed + span(limits.max_ttl))
    if (renewed, ends) == (demo.renewed_at, demo.expires_at):
        return demo
    return demo.but(renewed=stamp(renewed), expires=stamp(ends))


def stamp(moment: datetime) -> str:
    """A time as demos keep it: UTC, to the second."""
    return moment.isoformat(timespec="seconds")


def refuse_pinning(limits: model.Demo, caller: str) -> None:
    """Refused for whoever settings do not name: what is pinned costs until somebody thinks of it."""
    if not any(is_principal(caller, arn) for arn in limits.pinned_by):
        raise Refused(f"{caller} may pin no demo", hint="ask one of demo.pinned_by in the stack file")


def is_principal(caller: str, arn: str) -> bool:
    """Whether a caller, as STS names it, is this user or role. STS leaves out the path of a role."""
    kind, _, name = arn.partition(":role/")
    role = f"{kind.replace(':iam:', ':sts:')}:assumed-role/{name.rsplit('/', 1)[-1]}/"
    return caller == arn or (bool(name) and caller.startswith(role))
