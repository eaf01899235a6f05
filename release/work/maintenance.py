"""Work on an environment that is no deployment: under its lease, with its beginning and its end in the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from release.environment import Environment
from release.process.errors import LeaseLost, Refused, StagelineError
from release.process.interruption import INTERRUPTION
from release.records.ledger.head import Head
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Holder, Writer
from release.rules.ways_on import way_on
from release.work.wanted import heeding_who_asks

PRUNING = "pruning"  # the task of deleting old artifacts and old snapshots, as the ledger calls it


@dataclass(frozen=True, kw_only=True)
class Task:
    """What shall be done, in words of the ledger, with what somebody may want to know of it later."""

    what: str
    details: dict[str, Any]


def idle_head(environment: Environment) -> Head:
    """HEAD. LeaseHeld while somebody is at work, Refused while a deployment is open.

    A holder that died is waited for until that is plain: with nothing open, no other verb would end its lease.
    """
    _, head = environment.ledger.at_rest(Patience(until_silent=True))
    if head.state.open is not None:
        raise Refused(
            f"deployment {head.state.open.deployment} is open in {environment.name}",
            hint=way_on(environment.name, head.state),
        )
    return head


@contextmanager
def maintenance(environment: Environment, task: Task, head: Head, writer: Writer) -> Iterator[Holder]:
    """Hold the lease until the end of the block, and record how that ended. HEAD's state stays as it is.

    ``release stop`` is heard wherever a signal is. That a failure cannot be recorded never hides the failure.
    """
    requested = _entry(task, "requested", head)
    free = environment.ledger.free_lease(Patience(until_silent=True))
    again = f"see what was begun with release history {environment.name}, then run it again"
    with INTERRUPTION.watched(way_on=again), environment.ledger.begin(requested, head, writer, free) as holder:
        try:
            with heeding_who_asks(environment, holder):
                yield holder
        except LeaseLost:
            raise
        except Exception as error:
            with suppress(StagelineError):
                holder.record(_entry(task, "failed", holder.head, why=str(error)))
            raise
        holder.record(_entry(task, "done", holder.head))


def refuse_lost(environment: Environment, holder: Holder) -> None:
    """LeaseLost when somebody else is at work by now: to be asked before what cannot be undone."""
    if environment.ledger.head().fence != holder.lease.fence:
        raise LeaseLost(
            f"the lease on {environment.name} was taken over while this process slept",
            hint=f"see: release history {environment.name}",
        )


def _entry(task: Task, how: str, head: Head, **more: str) -> Entry:
    return Entry(kind=f"{task.what} {how}", state=head.state, details={**task.details, **more})
