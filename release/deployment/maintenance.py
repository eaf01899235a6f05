"""Work on an environment that is no deployment: under its lease, with its beginning and its end in the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from release.deployment.interruption import INTERRUPTION
from release.environment import Environment
from release.errors import LeaseLost, Refused
from release.ledger.head import Head
from release.ledger.ledger import Entry, Holder, Writer


@dataclass(frozen=True, kw_only=True)
class Task:
    """What shall be done, in words of the ledger, with what somebody may want to know of it later."""

    what: str
    details: dict[str, Any]


def idle_head(environment: Environment) -> Head:
    """HEAD. LeaseHeld while somebody is at work, Refused while a deployment waits to be put back."""
    head = environment.ledger.head()
    environment.ledger.refuse_held()
    if head.state.open is not None:
        raise Refused(
            f"deployment {head.state.open.deployment} is open in {environment.name}",
            hint=f"end it with: release abort {environment.name}",
        )
    return head


@contextmanager
def maintenance(environment: Environment, task: Task, head: Head, writer: Writer) -> Iterator[Holder]:
    """Hold the lease until the end of the block, and record how that ended. HEAD's state stays as it is."""
    requested = _entry(task, "requested", head)
    with INTERRUPTION.watched(), environment.ledger.begin(requested, head, writer) as holder:
        try:
            yield holder
        except LeaseLost:
            raise
        except Exception as error:
            holder.record(_entry(task, "failed", holder.head, why=str(error)))
            raise
        holder.record(_entry(task, "done", holder.head))


def _entry(task: Task, how: str, head: Head, **more: str) -> Entry:
    return Entry(kind=f"{task.what} {how}", state=head.state, details={**task.details, **more})
