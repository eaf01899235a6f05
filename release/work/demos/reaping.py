"""Demos whose time is over, taken down one after the other: one that fails stops no other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from release.process.errors import Interrupted, LeaseHeld, LeaseLost, StagelineError
from release.process.output import Progress
from release.process.text import listed
from release.records.demos.registry import Entry, Listing
from release.records.ledger.ledger import Writer
from release.rules.demos import due
from release.work.demos.base import Base
from release.work.demos.ending import leftovers_of, take_down
from release.work.demos.sweep import MOST_TOLD
from settings import demos

How = Literal["gone", "due", "skipped", "failed"]


@dataclass(frozen=True, kw_only=True)
class Reaped:
    """What became of a demo, or would (`due`), and why it is still there."""

    branch: str
    owner: str
    how: How
    why: str = ""


def reap(base: Base, writer: Writer, progress: Progress, *, really: bool) -> tuple[Reaped, ...]:
    """Take down what is due, a few in one run; one that cannot be read is told, as nobody knows what it is."""
    databases = _databases(base, progress)  # before the registry is read: what is made meanwhile stands in there
    listing = base.registry.all()
    entries = due(listing.entries, base.registry.now())
    spoilt = (Reaped(branch=stack, owner="", how="failed", why=why) for stack, why in listing.unread.items())
    reaped = [_reaped(base, entry, writer, progress, really) for entry in entries]
    return (*reaped, *spoilt, *_strays(base, databases, listing, really))


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


def _reaped(base: Base, entry: Entry, writer: Writer, progress: Progress, really: bool) -> Reaped:
    try:
        if really:
            take_down(base, entry, writer, progress)
    except Interrupted:
        raise
    except (LeaseHeld, LeaseLost) as error:
        return _said(entry, "skipped", str(error))
    except Exception as error:
        return _said(entry, "failed", str(error) or type(error).__name__)
    return _said(entry, "gone" if really else "due")


def _said(entry: Entry, how: How, why: str = "") -> Reaped:
    return Reaped(branch=entry.demo.branch, owner=entry.demo.owner, how=how, why=why)
