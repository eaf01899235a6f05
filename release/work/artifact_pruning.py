"""Pruning an environment's artifacts: what ``artifact_retention`` judges by, gathered; and how each one goes."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from release.doors.aws.session import is_not_found
from release.environment import Environment
from release.process.errors import Broken, Inconclusive, Refused, StagelineError
from release.records.artifacts.manifest import Manifest
from release.records.ledger.event import Event
from release.records.ledger.head import Head, State
from release.records.ledger.ledger import Ledger
from release.records.ledger.stops import Stops
from release.rules.artifact_retention import Candidate, Facts, judged, kept_by_itself, uses_of
from release.rules.retention import Judgement, Use
from release.work.deletion import Deletion
from release.work.maintenance import PRUNING
from release.work.vetoes import stops_of


@dataclass(frozen=True, kw_only=True)
class Past:
    """What an environment's history says of its releases' bytes: verified (newest first), and ever deployed."""

    verified: tuple[str, ...]
    deployed: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is known of an environment's releases: what becomes of each, and by version why others cannot be judged.

    ``vetoed`` are the bytes that were, when it was judged.
    """

    judgements: tuple[Judgement[Candidate], ...] = ()
    vetoed: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


def judge(environment: Environment, project: Sequence[Environment], head: Head, keep: int) -> Found:
    """What would become of every artifact that the environment stores, by what all of the project needs now.

    A release whose manifest is refused is left as it is, and stops nobody from judging the others. Inconclusive when
    another environment's ledger cannot be read: it could be running any of them.
    """
    manifests, refused = _manifests(environment)
    vetoed = frozenset(veto.digest for _, stops in stops_of(project) for veto in stops.vetoes)
    judgements = _judged(environment, project, head, keep, manifests, vetoed)
    return Found(judgements=judgements, vetoed=vetoed, refused=refused)


def _manifests(environment: Environment) -> tuple[list[Manifest], dict[str, str]]:
    """The manifests that are whole, and why others are refused."""
    found, refused = [], {}
    for version in environment.releases.versions():
        try:
            found.append(environment.releases.get(version))
        except Refused as refusal:
            refused[version] = str(refusal.args[0])
    return found, refused


def _judged(
    environment: Environment,
    project: Sequence[Environment],
    head: Head,
    keep: int,
    manifests: Sequence[Manifest],
    vetoed: frozenset[str],
) -> tuple[Judgement[Candidate], ...]:
    states = {one.name: state for one in project if (state := _state(one)) is not None}
    opened = _opened(environment, head.state)
    past = _past(environment.ledger, [manifest.version for manifest in manifests])
    return judged(
        Facts(
            candidates=tuple(one for manifest in manifests if (one := _candidate(environment, manifest))),
            uses=tuple(use for name, state in states.items() for use in uses_of(name, state)) + opened,
            verified=past.verified,
            deployed=past.deployed,
            vetoed=vetoed,
            keep=keep,
            now=environment.ledger.now(),
            on_hold=environment.stops.read().hold is not None,
        )
    )


def deletions(environment: Environment, going: Sequence[Candidate], vetoed: frozenset[str]) -> tuple[Deletion, ...]:
    """How the bytes of these releases go. What keeps one is asked again before: somebody may want it by then."""
    return tuple(
        Deletion(
            name=f"the artifact of {one.version}",
            part="releases",
            word={"release": one.version, "digest": one.digest},
            keeps=partial(_kept, environment, one, vetoed),
            delete=partial(_remove, environment, one.version),
        )
        for one in going
    )


def refuse_pruned(environment: Environment, manifest: Manifest) -> None:
    """Refused when the release's bytes are not in the environment any more, with when and by whom they were pruned."""
    if environment.releases.stored(manifest) is not None:
        return
    if (event := _pruned_by(environment.ledger.readable(newest_first=True), manifest.digest)) is not None:
        raise _pruned(environment, manifest.version, event)
    environment.releases.refuse_other_bytes(manifest)


def refuse_gone(environment: Environment, version: str, digest: str) -> None:
    """Refused when bytes that have to be installed again are not there. That S3 cannot be asked now stops nobody."""
    with suppress(Broken):
        if environment.releases.has_bytes(digest):
            return
        if (event := _pruned_by(environment.ledger.readable(newest_first=True), digest)) is not None:
            raise _pruned(environment, version, event)
        raise Refused(
            f"the artifact of {version} is gone from {environment.name}",
            hint="publish the very same file again under its version, or go back to another release",
        )


def _kept(environment: Environment, one: Candidate, vetoed: frozenset[str], stops: Stops) -> str:
    """A veto since it was judged keeps all: another release may be the way back now."""
    if news := [veto for veto in stops.vetoes if veto.digest not in vetoed]:
        return f"{news[0].release} was vetoed by {news[0].by} meanwhile, and the way back may be another one now"
    now = _candidate(environment, environment.releases.get(one.version))
    return ", ".join(kept_by_itself(now, environment.ledger.now())) if now else ""


def _remove(environment: Environment, version: str) -> None:
    environment.releases.remove_bytes(environment.releases.get(version))


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
    opened = state.open
    return (Use(of=opened.digest, what=f"in an open deployment of {environment.name}"),) if opened else ()


def _past(ledger: Ledger, versions: Sequence[str]) -> Past:
    """By the ledger's index: a history of years is not walked."""
    verified = dict.fromkeys(lived.digest for lived in ledger.lives())
    known = (ledger.known(version) for version in versions)
    return Past(verified=tuple(verified), deployed=frozenset(one.digest for one in known if one) | verified.keys())


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


def _pruned(environment: Environment, version: str, event: Event) -> Refused:
    return Refused(
        f"the artifact of {version} was pruned at {event.at} by {event.by}: {environment.name} has its "
        "manifest and verdicts, but not its bytes",
        hint="publish the very same file again under its version, or release a new one",
    )


def _pruned_by(events: Iterable[Event], digest: str) -> Event | None:
    """The event that began the pruning of these bytes: they are gone, so it came to them."""
    return next(
        (
            event
            for event in events
            if event.kind == f"{PRUNING} requested"
            and any(one.get("digest") == digest for one in event.details.get("releases", ()))
        ),
        None,
    )
