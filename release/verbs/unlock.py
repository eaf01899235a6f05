"""``release unlock ENV LOCK``: remove the stack's lock that a dead Pulumi left behind in its backend.

Nothing expires such a lock, and from here nobody sees whether a process of another host or container lives. So a person
looks, names the very lock and says why; the ledger keeps who it was.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from release.deployment.maintenance import Task, maintenance
from release.engine.backend import locks_at
from release.engine.locks import FOLDER, Locks, chosen
from release.environment import Environment, open_environment
from release.errors import Refused
from release.ledger.ledger import Writer


def unlock(project_dir: Path, name: str, lock_id: str, *, reason: str, ci: str) -> dict[str, Any]:
    """Remove a lock; what it said. LeaseHeld while somebody deploys: the lock is that deployment's."""
    environment = open_environment(project_dir, name)
    environment.stack.refuse_missing_engine()
    writer = environment.identify(ci)
    return remove(environment, locks_of(environment, environment.stack.backend()), lock_id, reason, writer)


def remove(environment: Environment, locks: Locks, lock_id: str, reason: str, writer: Writer) -> dict[str, Any]:
    """Remove a lock under the lease, and record it. An open deployment stays open, for `resume` or `abort`."""
    lock = chosen(locks.all(), lock_id, environment.name)
    head = environment.ledger.head()
    task = Task(what="lock removal", details={"lock": asdict(lock), "reason": reason})
    with maintenance(environment, task, head, writer):
        locks.remove(chosen(locks.all(), lock_id, environment.name))
    return {"environment": environment.name, "lock": asdict(lock), "reason": reason, "holder": str(lock)}


def locks_of(environment: Environment, backend: str) -> Locks:
    """Where the backend of this URL keeps the locks of the environment's stack; Refused for another kind of backend."""
    stack = f"{environment.settings.project}/{environment.name}"
    locks = locks_at(backend, environment.session, environment.project_dir, stack)
    if locks is None:
        raise Refused(
            f"the locks of {backend} are not files that release can read",
            hint=f"remove {FOLDER}/{stack}/LOCK.json there by that backend's own tools",
        )
    return locks
