"""Pruning an environment's artifacts: what ``retention`` judges by, gathered; and the deletion, under the lease."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from release.artifacts.manifest import Manifest
from release.artifacts.retention import Candidate, Facts, Judgement, Use, judged, uses_of
from release.aws.session import is_not_found
from release.deployment.interruption import INTERRUPTION
from release.deployment.maintenance import Task, maintenance
from release.environment import Environment
from release.errors import Broken, Inconclusive, LeaseLost, Refused, StagelineError
from release.ledger.event import Event
from release.ledger.head import Head, State
from release.ledger.ledger import Holder, Writer
from release.output import Progress

TASK = "pruning"
MOST_AT_ONCE = 500  # releases of one run: they stand in one event, and an item of the ledger has its limit


@dataclass(frozen=True, kw_only=True)
class Past:
    """What an environment's history says of its releases' bytes: verified (newest first), and ever deployed."""

    verified: tuple[str, ...]
    deployed: frozenset[str]


def judge(environment: Environment, project: Sequence[Environment], head: Head, keep: int) -> tuple[Judgement, ...]:
    """What would become of every artifact that the environment stores, by what all of the project needs now.

    Inconclusive when another environment's ledger cannot be read: it could be running any of them.
    """
    manifests = [environment.releases.get(version) for version in environment.releases.versions()]
    states = {one.name: state for one in project if (state := _state(one)) is not None}
    opened = _opened(environment, head.state)
    past = _past(environment.ledger.events(newest_first=True))
    return judged(
        Facts(
            candidates=tuple(one for manifest in manifests if (one := _candidate(environment, manifest))),
            uses=tuple(use for name, state in states.items() for use in uses_of(name, state)) + opened,
            verified=past.verified,
            deployed=past.deployed,
            vetoed=frozenset(veto.digest for state in states.values() for veto in state.vetoes),
            keep=keep,
            now=environment.ledger.now(),
            on_hold=head.state.hold is not None,
        )
    )


def delete(
    environment: Environment, going: Sequence[Candidate], head: Head, writer: Writer, progress: Progress
) -> tuple[Candidate, ...]:
    """Delete the bytes of these releases, the first of them where there are many, and say which."""
    chosen = tuple(going[:MOST_AT_ONCE])
    releases = [{"release": one.version, "digest": one.digest} for one in chosen]
    with maintenance(environment, Task(what=TASK, details={"releases": releases}), head, writer) as holder:
        for one in chosen:
            INTERRUPTION.check()
            _refuse_lost(environment, holder)
            with progress.step(environment.name, f"{one.version} pruned"):
                environment.releases.remove_bytes(environment.releases.get(one.version))
    return chosen


def refuse_pruned(environment: Environment, manifest: Manifest) -> None:
    """Refused when the release's bytes are not in the environment any more, with when and by whom they were pruned."""
    if environment.releases.stored(manifest) is not None:
        return
    event = _pruned_by(environment.ledger.events(newest_first=True), manifest.digest)
    if event is None:
        environment.releases.refuse_other_bytes(manifest)
        return
    raise Refused(
        f"the artifact of {manifest.version} was pruned at {event.at} by {event.by}: {environment.name} has its "
        "manifest and verdicts, but not its bytes",
        hint="publish the very same file again under its version, or release a new one",
    )


def _state(environment: Environment) -> State | None:
    """What the environment's ledger says; None where it was never initialised. Its servers have a bucket of their own,
    so the one that is pruned here is not what they install from: a ledger that is gone lets nothing down.
    """
    try:
        return environment.ledger.head().state
    except StagelineError as error:
        if isinstance(error, Broken) and is_not_found(error):
            return None
        raise Inconclusive(
            f"it could not be told what {environment.name} runs: {error}",
            hint="nothing was deleted; whoever prunes must be able to read the ledgers of all environments",
        ) from error


def _opened(environment: Environment, state: State) -> tuple[Use, ...]:
    """The bytes that an open deployment is about. Those of other environments are in buckets of their own."""
    planned = _planned(environment.ledger.event(state.open.requested)) if state.open else None
    return (Use(digest=planned, what=f"in an open deployment of {environment.name}"),) if planned else ()


def _past(events: Iterable[Event]) -> Past:
    verified: dict[str, None] = {}
    deployed: set[str] = set()
    for event in events:
        if event.state.live:
            verified[event.state.live.digest] = None
        if planned := _planned(event):
            deployed.add(planned)
    return Past(verified=tuple(verified), deployed=frozenset(deployed) | verified.keys())


def _planned(event: Event) -> str | None:
    plan: Any = event.details.get("plan")
    return str(plan["digest"]) if isinstance(plan, dict) and "digest" in plan else None


def _candidate(environment: Environment, manifest: Manifest) -> Candidate | None:
    """The release as the rule sees it; None when its bytes are gone already."""
    stored = environment.releases.stored(manifest)
    if stored is None:
        return None
    return Candidate(
        version=manifest.version,
        digest=manifest.digest,
        size=stored.size,
        published_at=datetime.fromisoformat(manifest.published_at),
        kept_until=stored.kept_until,
        held=stored.held,
    )


def _pruned_by(events: Iterable[Event], digest: str) -> Event | None:
    """The event that began the pruning of these bytes: they are gone, so it came to them."""
    return next(
        (
            event
            for event in events
            if event.kind == f"{TASK} requested"
            and any(one.get("digest") == digest for one in event.details.get("releases", ()))
        ),
        None,
    )


def _refuse_lost(environment: Environment, holder: Holder) -> None:
    """A pruning that was paused past its lease deletes nothing more: somebody may have begun to use these bytes."""
    if environment.ledger.head().fence != holder.lease.fence:
        raise LeaseLost(
            f"the lease on {environment.name} was taken over while this process slept",
            hint=f"see: release history {environment.name}",
        )
