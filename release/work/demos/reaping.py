"""Demos whose time is over, taken down one after the other: one that fails stops no other."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from release.process.errors import Interrupted, LeaseHeld, LeaseLost
from release.process.output import Progress
from release.records.demos.registry import Entry
from release.records.ledger.ledger import Writer
from release.rules.demos import MOST_AT_ONCE, believed, due
from release.work.demos.base import Base
from release.work.demos.ending import take_down

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
    listing = base.registry.all()
    entries = due([_as_believed(base, entry, really) for entry in listing.entries], base.registry.now())
    spoilt = (Reaped(branch=stack, owner="", how="failed", why=why) for stack, why in listing.unread.items())
    return (*_taken(base, entries, writer, progress, really), *spoilt)


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


def _taken(base: Base, entries: Iterable[Entry], writer: Writer, progress: Progress, really: bool) -> Iterator[Reaped]:
    """Those at which somebody is at work are none of the few."""
    taken = 0
    for entry in entries:
        if taken == MOST_AT_ONCE:
            return
        yield (told := _reaped(base, entry, writer, progress, really))
        taken += told.how != "skipped"


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
