"""Pruning an environment's snapshots: what `retention` judges by, gathered; and how each one goes.

It asks the environment's own ledger and nothing else, so no other environment can stand in the way of room.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from release.doors.aws.databases import Snapshot
from release.environment import Environment
from release.process.errors import Interrupted
from release.process.output import Progress
from release.records.ledger.head import Head
from release.records.ledger.ledger import Writer
from release.records.ledger.stops import Stops
from release.rules.retention import Judgement
from release.rules.snapshot_retention import Facts, judged, kept_by_itself, of_deployments, uses_of
from release.work.deletion import Deletion, delete_all
from release.work.executor import Deployed
from release.work.maintenance import idle_head

MOST_AT_ONCE = 500  # snapshots of one run: it takes a while


def judge(environment: Environment, head: Head) -> tuple[Judgement[Snapshot], ...]:
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


def going(judgements: Sequence[Judgement[Snapshot]]) -> tuple[str, ...]:
    """The names of what nothing keeps, the oldest first, and no more than one run deletes."""
    return tuple(one.candidate.name for one in reversed(judgements) if one.goes)[:MOST_AT_ONCE]


def deletions(environment: Environment, names: Sequence[str]) -> tuple[Deletion, ...]:
    """How these snapshots go. What RDS says of one is asked again before: somebody may want it by then."""
    return tuple(
        Deletion(
            name=f"snapshot {name}",
            part="snapshots",
            word=name,
            keeps=partial(_kept, environment, name),
            delete=partial(environment.databases.delete_snapshot, name),
        )
        for name in names
    )


def prune_snapshots(
    environment: Environment, head: Head, writer: Writer, progress: Progress, *, really: bool = True
) -> tuple[str, ...]:
    """Delete what nothing keeps under a lease of its own, and say what that was; only say it unless ``really``."""
    names = going(judge(environment, head))
    if names and really:
        delete_all(environment, deletions(environment, names), head, writer, progress)
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


def tidied(environment: Environment, done: Deployed, writer: Writer, progress: Progress) -> Deployed:
    """A deployment that is over, with the environment's old snapshots deleted; why they stay is a warning.

    A protected environment leaves that to `release tick`, and what waits for people is not over.
    """
    if done.paused or environment.settings.protected:
        return done
    try:
        why_not = tidy(environment, writer, progress)["why_not"]
    except Interrupted as error:
        error.put_in_context(f"{done.version} is live in {environment.name}, what follows is not done")
        raise
    return replace(done, warnings=(*done.warnings, f"old snapshots stay: {why_not}")) if why_not else done


def _kept(environment: Environment, name: str, stops: Stops) -> str:
    found = environment.databases.snapshot(name)
    return ", ".join(kept_by_itself(found)) if found else ""
