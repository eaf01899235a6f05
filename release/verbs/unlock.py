"""``release unlock ENV LOCK``: remove the stack's lock that a dead Pulumi left behind in its backend.

Nothing expires such a lock, and from here nobody sees whether a process of another host or container lives. So a person
looks, names the very lock and says why; the ledger keeps who it was.
"""

from dataclasses import asdict
from typing import Any

import click

from release.call import Call, environment_argument, pass_call, reason_option
from release.doors.engine.backend import locks_at
from release.doors.engine.locks import FOLDER, Locks, chosen
from release.environment import Environment
from release.process.errors import Refused
from release.records.ledger.ledger import Writer
from release.work.demos.base import Base, open_base
from release.work.maintenance import Task, maintenance
from settings.demos import is_demo


@click.command("unlock")
@environment_argument
@click.argument("lock")
@reason_option
@pass_call
def command(call: Call, name: str, lock: str, reason: str) -> None:
    """Remove the LOCK that a dead Pulumi left on the stack.

    ENVIRONMENT may be the stack of a demo. No other lock goes. Be sure that its owner is dead: two at once would spoil
    the stack's state. Whoever met the lock was told its name, and `release status` shows it while a deployment is open.

    Refused (3) while it lives on this host. Lease held (5) while somebody deploys: the lock is that deployment's.

    \b
    Example: release unlock prod 5f0c1c5e-0b7e-4d3c-9d55-a2fc0b9f2b1a --reason "the laptop was reinstalled"
    """
    if is_demo(name):
        done = remove_of_demo(open_base(call.project), name, lock, reason, call.ci)
        call.show(done, f"the stack {name} is no longer locked by {done['holder']}")
        return
    environment, writer = call.at_work(name, engine=True)
    done = remove(environment, locks_of(environment, environment.stack.backend()), lock, reason, writer)
    call.show(done, f"the stack of {name} is no longer locked by {done['holder']}")


def remove(environment: Environment, locks: Locks, lock_id: str, reason: str, writer: Writer) -> dict[str, Any]:
    """Remove a lock under the lease, and record it; what it said. LeaseHeld while somebody deploys: the lock is theirs.

    An open deployment stays open, for `resume` or `abort`.
    """
    lock = chosen(locks.all(), lock_id, environment.name)
    head = environment.ledger.head()
    task = Task(what="lock removal", details={"lock": asdict(lock), "reason": reason})
    with maintenance(environment, task, head, writer):
        locks.remove(chosen(locks.all(), lock_id, environment.name))
    return {"environment": environment.name, "lock": asdict(lock), "reason": reason, "holder": str(lock)}


def remove_of_demo(base: Base, stack: str, lock_id: str, reason: str, ci: str) -> dict[str, Any]:
    """Remove a lock of a demo's stack, and record it with the demo, as demos have no ledger; what it said. LeaseHeld
    while somebody works on the demo.
    """
    entry, writer = base.registry.find(stack), base.environment.identify(ci)
    if entry is None:
        raise Refused(f"there is no demo of the stack {stack}", hint="see: release demo list")
    base.refuse_held(entry.demo)
    locks = locks_of(base.environment, base.environment.stack.backend(), stack)
    lock = chosen(locks.all(), lock_id, stack)
    base.registry.change(entry, why=f"{writer.principal} removes its lock of {lock}: {reason}", held=None)
    locks.remove(lock)
    return {"environment": base.environment.name, "lock": asdict(lock), "reason": reason, "holder": str(lock)}


def locks_of(environment: Environment, backend: str, name: str = "") -> Locks:
    """Where the backend of this URL keeps the locks of the environment's stack, or of the demo's of this name; Refused
    for another kind of backend.
    """
    stack = f"{environment.settings.project}/{name or environment.name}"
    locks = locks_at(backend, environment.session, environment.project.folder, stack)
    if locks is None:
        raise Refused(
            f"the locks of {backend} are not files that release can read",
            hint=f"remove {FOLDER}/{stack}/LOCK.json there by that backend's own tools",
        )
    return locks
