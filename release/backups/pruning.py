"""Pruning an environment's snapshots: what `retention` judges by, gathered; and the deletion, under the lease.

It asks the environment's own ledger and nothing else, so no other environment can stand in the way of room.
"""

from collections.abc import Sequence
from typing import Any

from release.backups.retention import Facts, Judgement, judged, of_deployments, uses_of
from release.deployment.interruption import INTERRUPTION
from release.deployment.maintenance import PRUNING, Task, idle_head, maintenance, refuse_lost
from release.environment import Environment
from release.errors import Interrupted
from release.ledger.head import Head
from release.ledger.ledger import Holder, Writer
from release.output import Progress

MOST_AT_ONCE = 500  # snapshots of one run: they stand in one event, and an item of the ledger has its limit


def judge(environment: Environment, head: Head) -> tuple[Judgement, ...]:
    """What would become of every snapshot of the environment's deployments, the newest first."""
    settings = environment.settings
    return judged(
        Facts(
            candidates=of_deployments(environment.databases.manual_snapshots(), settings.names),
            uses=tuple(uses_of(head.state)),
            keep=settings.backup.keep,
            keep_days=settings.backup.keep_days,
            now=environment.ledger.now(),
            on_hold=environment.stops.read().hold is not None,
        )
    )


def going(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    """The names of what nothing keeps, the oldest first, and no more than one event holds."""
    return tuple(one.snapshot.name for one in reversed(judgements) if one.goes)[:MOST_AT_ONCE]


def delete(environment: Environment, names: Sequence[str], holder: Holder, progress: Progress) -> None:
    """Delete these snapshots, with the lease in hand."""
    for name in names:
        INTERRUPTION.check()
        refuse_lost(environment, holder)
        with progress.step(environment.name, f"snapshot {name} deleted"):
            environment.databases.delete_snapshot(name)


def prune_snapshots(
    environment: Environment, head: Head, writer: Writer, progress: Progress, *, really: bool = True
) -> tuple[str, ...]:
    """Delete what nothing keeps under a lease of its own, and say what that was; only say it unless ``really``."""
    names = going(judge(environment, head))
    if names and really:
        task = Task(what=PRUNING, details={"snapshots": list(names)})
        with maintenance(environment, task, head, writer) as holder:
            delete(environment, names, holder, progress)
    return names


def tidy(environment: Environment, writer: Writer, progress: Progress) -> dict[str, Any]:
    """What a deployment does when it is over: delete the environment's own old snapshots where nothing is protected.

    It takes a lease of its own, so the deployment's must have ended. Whatever fails is told in ``why_not`` and left
    for the next time: the deployment's result does not change. Only a signal goes through.
    """
    if environment.settings.protected:
        return {"deleted": [], "why_not": "the environment is protected: release tick deletes, in the role pruner"}
    try:
        deleted = prune_snapshots(environment, idle_head(environment), writer, progress)
        return {"deleted": list(deleted), "why_not": ""}
    except Interrupted:
        raise
    except Exception as error:
        return {"deleted": [], "why_not": str(error) or type(error).__name__}
