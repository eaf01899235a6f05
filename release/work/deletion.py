"""Deletes what nothing keeps any more, artifacts and snapshots: one after the other, and each one named in the ledger.

It takes minutes, and a hold that somebody sets meanwhile must count: what stands is read again before each one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from release.environment import Environment
from release.process.errors import Refused, StagelineError
from release.process.interruption import INTERRUPTION
from release.process.output import Progress
from release.process.text import listed
from release.records.ledger.bounds import batches
from release.records.ledger.head import Head
from release.records.ledger.ledger import Holder, Writer
from release.records.ledger.stops import Stops
from release.work.maintenance import PRUNING, Task, maintenance, refuse_lost

MOST_LISTED = 200  # characters of the names in an error; the ledger has them all


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """One thing that goes. ``word`` is what the ledger says of it, in the ``part`` of an event's details.

    ``keeps`` is asked right before, with what stands then: why it stays after all, "" where it does not.
    """

    name: str
    part: str
    word: Any
    keeps: Callable[[Stops], str]
    delete: Callable[[], None]


def delete_all(
    environment: Environment, deletions: Sequence[Deletion], head: Head, writer: Writer, progress: Progress
) -> None:
    """Delete these in their order, under a lease for as many as one event can name; an error says how far it came."""
    deleted: list[str] = []
    for batch in batches(deletions, lambda one: one.word):
        task = Task(what=PRUNING, details=details(batch))
        with maintenance(environment, task, head, writer) as holder:
            for one in batch:
                _delete(environment, one, holder, progress, how_far(deleted, deletions))
                deleted.append(one.name)
        head = holder.head


def details(batch: Sequence[Deletion]) -> dict[str, list[Any]]:
    """What the event says that names them, part by part."""
    return {part: [one.word for one in ones] for part, ones in groupby(batch, key=lambda one: one.part)}


def how_far(deleted: Sequence[str], deletions: Sequence[Deletion]) -> str:
    """What was deleted of it, and what was not."""
    done = f" ({listed(deleted, MOST_LISTED)})" if deleted else ""
    left = listed([one.name for one in deletions[len(deleted) :]], MOST_LISTED)
    return f"deleted {len(deleted)} of {len(deletions)}{done}, not deleted: {left}"


def refuse_kept(environment: str, one: Deletion, stops: Stops) -> None:
    """Refused where something keeps by now what was judged to go. Whoever set a hold wants all of it."""
    if stops.hold:
        raise Refused(
            f"{environment} was put on hold by {stops.hold.by}: {stops.hold.reason}",
            hint="run it again when that is lifted",
        )
    if why := one.keeps(stops):
        raise Refused(f"{one.name} stays after all: {why}", hint="run it again, for what still goes")


def _delete(environment: Environment, one: Deletion, holder: Holder, progress: Progress, so_far: str) -> None:
    try:
        INTERRUPTION.check()
        refuse_lost(environment, holder)
        refuse_kept(environment.name, one, environment.stops.read())
        with progress.step(environment.name, f"{one.name} deleted"):
            one.delete()
    except StagelineError as error:
        error.put_in_context(so_far)
        raise
