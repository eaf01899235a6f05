"""Demos whose time is over, taken down one after the other: one that fails stops no other."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from release.process.errors import Interrupted, LeaseHeld, LeaseLost, StagelineError
from release.process.output import Progress
from release.process.text import listed
from release.records.demos.registry import Entry, Listing
from release.records.ledger.ledger import Writer
from release.rules.budget import too_many
from release.rules.demos import MOST_AT_ONCE, believed, due, to_warn, warning
from release.work.demos.base import Base
from release.work.demos.ending import leftovers_of, take_down
from release.work.demos.lost import lost
from release.work.demos.sweep import MOST_TOLD
from settings import demos

BEYOND = "all demos cost more than demo.daily_budget, and this is the oldest that nobody pinned"
How = Literal["gone", "due", "warned", "skipped", "failed"]


@dataclass(frozen=True, kw_only=True)
class Reaped:
    """What became of a demo, or would (`due`), and what there is to say of it: why it is still there, or goes early."""

    branch: str
    owner: str
    how: How
    why: str = ""


def reap(base: Base, writer: Writer, progress: Progress, *, really: bool, searching: bool = True) -> tuple[Reaped, ...]:
    """Warn the owners of what goes soon, and take down what is due, a few in one run; one that cannot be read is told,
    as nobody knows what it is. `searching` also looks for what no item speaks of, which takes more rights.
    """
    databases = _databases(base, progress) if searching else ()  # before the registry is read: see `_strays`
    listing, now = base.registry.all(), base.registry.now()
    entries = [_as_believed(base, entry, really) for entry in listing.entries]
    over = due(entries, now)
    beyond = too_many(base.limits, [entry for entry in entries if entry not in over])
    warned = [_warned(base, entry, progress) for entry in to_warn(entries, now, base.limits) if really]
    ending = (*((entry, "") for entry in over), *((entry, BEYOND) for entry in beyond))
    spoilt = (Reaped(branch=stack, owner="", how="failed", why=why) for stack, why in listing.unread.items())
    taken = _taken(base, ending, writer, progress, really)
    unknown = (*_lost(base), *_strays(base, databases, listing, really)) if searching else ()
    return (*taken, *warned, *spoilt, *unknown)


def _databases(base: Base, progress: Progress) -> tuple[str, ...]:
    """Those of demos in the base's instance. That nobody can ask it stops no other part."""
    if base.limits.database != "shared":
        return ()
    try:
        return base.database.crowd().databases
    except StagelineError as error:
        progress.note(f"databases without a demo were not looked for: {error}")
        return ()


def _strays(base: Base, databases: Sequence[str], listing: Listing, really: bool) -> Iterator[Reaped]:
    """Databases whose demo is in no registry. A demo is there from before it has one until that is dropped, so where
    every item can be read and nothing else of the creation is left, its time is proven to be over.
    """
    known = {demo.creation for demo in listing.demos}
    found = {name: of for name in databases if (of := demos.creation_of(name)) and of not in known}
    still = base.database.crowd().databases if found else ()  # others end demos meanwhile, and drop theirs
    for name in sorted(found.keys() & set(still)):
        yield _stray(base, name, found[name], really, unread=bool(listing.unread))


def _stray(base: Base, name: str, creation: str, really: bool, *, unread: bool) -> Reaped:
    what = f"the database {name}"
    if unread or (left := leftovers_of(base, creation).all()):
        why = "items that cannot be read may be of it" if unread else f"{listed([*map(str, left)], MOST_TOLD)} is there"
        return Reaped(branch=what, owner="", how="skipped", why=f"it is in no registry, but {why}")
    try:
        if really:
            base.database.drop(name)
    except StagelineError as error:
        return Reaped(branch=what, owner="", how="failed", why=str(error))
    return Reaped(branch=what, owner="", how="gone" if really else "due", why="it is in no registry")


def _lost(base: Base) -> tuple[Reaped, ...]:
    """What no item speaks of costs all the same; that nobody could look for it stops nothing."""
    try:
        return tuple(Reaped(branch=name, owner="", how="failed", why=why) for name, why in lost(base).items())
    except StagelineError as error:
        return (Reaped(branch="what no item speaks of", owner="", how="skipped", why=str(error)),)


def _as_believed(base: Base, entry: Entry, really: bool) -> Entry:
    """A demo with no more time than it may have, and that is recorded: from a clock that was ahead each run would else
    count anew. Where somebody is at work, the next run does it.
    """
    found = replace(entry, demo=believed(entry.demo, base.registry.now(), base.limits))
    if really and found != entry:
        with suppress(LeaseHeld, LeaseLost):
            base.refuse_held(entry.demo)
            return base.registry.change(found)
    return found


def _warned(base: Base, entry: Entry, progress: Progress) -> Reaped:
    """Told first and then recorded: killed in between, it is told twice, and never not at all."""
    demo = entry.demo
    progress.note(f"{demo.owner}: the demo of {demo.branch} {warning(demo)}")
    with suppress(StagelineError):
        base.refuse_held(demo)
        base.registry.change(entry, warned=demo.expires)
    return _said(entry, "warned", warning(demo))


def _taken(
    base: Base, ending: Iterable[tuple[Entry, str]], writer: Writer, progress: Progress, really: bool
) -> Iterator[Reaped]:
    """Those at which somebody is at work are none of the few."""
    taken = 0
    for entry, early in ending:
        if taken == MOST_AT_ONCE:
            return
        yield (told := _reaped(base, entry, early, writer, progress, really))
        taken += told.how != "skipped"


def _reaped(base: Base, entry: Entry, early: str, writer: Writer, progress: Progress, really: bool) -> Reaped:
    try:
        if really:
            take_down(base, entry, writer, progress)
    except Interrupted:
        raise
    except (LeaseHeld, LeaseLost) as error:
        return _said(entry, "skipped", str(error))
    except Exception as error:
        return _said(entry, "failed", str(error) or type(error).__name__)
    return _said(entry, "gone" if really else "due", early)


def _said(entry: Entry, how: How, why: str = "") -> Reaped:
    return Reaped(branch=entry.demo.branch, owner=entry.demo.owner, how=how, why=why)
