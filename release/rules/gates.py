"""The gates: questions that must be answered yes before a deployment, as pure functions over facts.

Every gate is judged and shown with its evidence, so that a refusal names all that is missing at once. A gate of a
rollback can be *overruled*: by a person who says why, because they know what an incident is like and we do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from release.process.errors import Refused
from release.records.artifacts.manifest import Manifest, Verdict
from release.records.artifacts.schema import Schema, made_with, works_with
from release.records.ledger.head import Content, State, run_by
from release.records.ledger.index import Known
from release.records.ledger.stops import Stops, Veto, is_frozen, veto_of
from release.rules.consents import Consent, options
from release.rules.plan import UNDOING, left_behind
from release.rules.ways_on import way_on

ACCEPTED = ("passed", "accepted")  # by figures, or by a person who saw them
OVERRULED_BY: Mapping[str, Consent] = {
    "no veto": "veto",
    "verified, not only adopted": "unverified",
    "healthy servers": "fewer-servers",
    "schema compatibility": "schema",
}  # the gates of a rollback that a person may overrule


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One question: its name, the answer, and the evidence for it. ``overruled``: a no that a person passed over."""

    name: str
    passed: bool
    evidence: str
    overruled: bool = False


@dataclass(frozen=True, kw_only=True)
class PromotionFacts:
    """What the gates of a promotion are judged by. ``source`` is None where a release is deployed first.

    ``upstream`` and ``source_verdict`` are what the source knows of the release, ``source_state`` what its HEAD says
    now, ``source_stops`` what it stops. ``elsewhere`` are vetoes of environments that could be asked beside, by name.
    ``skipped`` are the environments that a hotfix passes over; empty for a promotion, which passes over none.
    """

    manifest: Manifest
    environment: str
    promotes_from: str | None
    state: State
    stops: Stops
    source: str | None
    upstream: Known | None
    source_stops: Stops | None
    source_verdict: Verdict | None
    now: datetime
    source_state: State | None = None
    elsewhere: Mapping[str, Veto] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RollbackFacts:
    """What the gates of a rollback are judged by: its own environment's ledger, and the balancer.

    ``verified`` is the deployment by which the release was live, by the word of the ledger. ``healthy`` are the servers
    that are healthy in the slot that is gone back to, ``serving`` those in the slot that users are on; None where that
    slot gets the release first. ``adopted``: nobody verified it, and users were moved to it by hand once.
    ``stops_unread`` is why what stands here could not be read; empty where it was.
    """

    release: Content
    environment: str
    state: State
    stops: Stops
    verified: str
    healthy: frozenset[str] | None
    serving: frozenset[str]
    stops_unread: str = ""
    despite: tuple[Consent, ...] = ()
    adopted: bool = False


@dataclass(frozen=True, kw_only=True)
class RedeploymentFacts:
    """What the gates of a re-deployment of the live release are judged by."""

    manifest: Manifest
    environment: str
    state: State
    stops: Stops
    verdict: Verdict | None
    now: datetime


def promotion_gates(facts: PromotionFacts) -> tuple[Gate, ...]:
    """The gates of a promotion, in the order they are shown."""
    return (
        order_of_environments(facts),
        *((verified_upstream(facts),) if facts.source else ()),
        not_live_already(facts.manifest.digest, facts.environment, facts.state),
        schema_compatibility(facts.manifest.version, facts.manifest.schema, facts.environment, facts.state),
        not_vetoed(facts.manifest.version, _vetoes(facts)),
        not_on_hold(facts.environment, facts.stops),
        not_frozen(facts.environment, facts.stops, facts.now),
        none_under_way(facts.environment, facts.state),
    )


def redeployment_gates(facts: RedeploymentFacts) -> tuple[Gate, ...]:
    """The gates of a re-deployment, in the order they are shown."""
    manifest, verdict = facts.manifest, facts.verdict
    verified = verdict.deployment if verdict is not None and verdict.outcome in ACCEPTED else ""
    return (
        verified_here(manifest.version, facts.environment, verified),
        not_vetoed(manifest.version, vetoes_in({facts.environment: facts.stops}, manifest.digest)),
        not_on_hold(facts.environment, facts.stops),
        not_frozen(facts.environment, facts.stops, facts.now),
        none_under_way(facts.environment, facts.state),
    )


def rollback_gates(facts: RollbackFacts) -> tuple[Gate, ...]:
    """The gates of a rollback, in the order they are shown: holds, freezes and other environments play no part."""
    release = facts.release.release or ""
    gates = (
        not_only_adopted(facts) if facts.adopted else verified_here(release, facts.environment, facts.verified),
        not_what_users_have(facts),
        schema_compatibility(release, facts.release.made_with, facts.environment, facts.state, back=True),
        not_vetoed_here(facts),
        *((enough_servers(facts.healthy, facts.serving),) if facts.healthy is not None else ()),
    )
    return tuple(_overruled(gate, facts.despite) for gate in gates)


def overruling(gates: tuple[Gate, ...]) -> str:
    """By which options a person goes on; empty where one of the gates cannot be overruled."""
    failed = [gate.name for gate in gates if not gate.passed]
    if any(name not in OVERRULED_BY for name in failed):
        return ""
    return f"overrule it with: {options(OVERRULED_BY[name] for name in failed)} --reason WHY"


def refuse_unless_passed(gates: tuple[Gate, ...], what: str, hint: str = "") -> None:
    """Raise Refused with the evidence of every gate that said no."""
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        raise Refused(
            f"{what} is refused: " + "; ".join(f"{gate.evidence} ({gate.name})" for gate in failed), hint=hint
        )


def order_of_environments(facts: PromotionFacts) -> Gate:
    """Does the release come from the environment that promotes here, or is it a hotfix from one further up?"""
    wanted, given = (name or "a publication" for name in (facts.promotes_from, facts.source))
    skips = f", as a hotfix that skips {', '.join(facts.skipped)}" if facts.skipped else ""
    return Gate(
        name="order of environments",
        passed=facts.source == facts.promotes_from or bool(facts.skipped),
        evidence=f"{facts.environment} takes releases from {wanted}, this one comes from {given}{skips}",
    )


def verified_upstream(facts: PromotionFacts) -> Gate:
    """Did a deployment of the source sign a verdict over this very artifact, and has nobody gone back from it since?

    Nor is about to: the index says so when that has ended. It need not be live there any more: environments before
    move on.
    """
    verdict, known = facts.source_verdict, facts.upstream
    found, passed = "it was never live there", False
    if gone := _taken_upstream(facts):
        found = f"{gone} there"
    elif known is not None and known.left:
        found = f"{known.left} took it from users there since"
    elif verdict is not None and verdict.outcome in ACCEPTED and verdict.digest == facts.manifest.digest:
        found, passed = f"{verdict.outcome} at {verdict.at}", True
    elif known is not None and known.live:
        found = "there is no verdict over these bytes"
    return Gate(
        name="verified upstream",
        passed=passed,
        evidence=f"{facts.source} must have verified {facts.manifest.version}: {found}",
    )


def verified_here(version: str, environment: str, verified: str) -> Gate:
    """Was the release verified in this environment before?"""
    by = f", and was by {verified}" if verified else ""
    return Gate(
        name="verified before",
        passed=bool(verified),
        evidence=f"{version} must have been live and verified in {environment} before{by}",
    )


def not_only_adopted(facts: RollbackFacts) -> Gate:
    """Was a release that users were moved to by hand ever verified here?"""
    return Gate(
        name="verified, not only adopted",
        passed=bool(facts.verified),
        evidence=f"users of {facts.environment} were moved to {facts.release.release} by hand, and nobody verified it",
    )


def not_live_already(digest: str, environment: str, state: State) -> Gate:
    """Is something else live now? What nobody verified there is made live again, with every check."""
    live = state.live
    since = f" since {live.since}{', and nobody verified it' if live.unverified else ''}" if live else ""
    return Gate(
        name="not live already",
        passed=live is None or live.digest != digest or live.unverified,
        evidence=f"{live.release if live else 'nothing'} is live in {environment}{since}",
    )


def not_what_users_have(facts: RollbackFacts) -> Gate:
    """Does the live listener point at something else? A release that is being tried is not live, and users have it."""
    content = facts.state.slot(facts.state.declared) if facts.state.declared else None
    return Gate(
        name="not live already",
        passed=content is None or run_by(content) != run_by(facts.release),
        evidence=f"users of {facts.environment} get {(content and content.release) or 'nothing'}",
    )


def enough_servers(healthy: frozenset[str], serving: frozenset[str]) -> Gate:
    """Is a server healthy where it is gone back to, and are they no fewer than those that users have now?"""
    return Gate(
        name="healthy servers",
        passed=is_enough(len(healthy), len(serving)),
        evidence=f"{len(healthy)} servers are healthy in the slot that is gone back to, "
        f"{len(serving)} in the one that users are on",
    )


def is_enough(healthy: int, serving: int) -> bool:
    """The rule of going back: at least one server, and no fewer than users have."""
    return healthy >= max(1, serving)


def not_vetoed(version: str, vetoes: Mapping[str, Veto]) -> Gate:
    """Does nobody say no to these bytes?"""
    told = [f"vetoed in {where} by {one.by} since {one.since}: {one.reason}" for where, one in vetoes.items()]
    return Gate(name="no veto", passed=not told, evidence=f"{version} is " + ("; ".join(told) or "vetoed by nobody"))


def not_vetoed_here(facts: RollbackFacts) -> Gate:
    """Is it known that nobody says no to these bytes in the environment itself?"""
    release, digest = facts.release.release or "", facts.release.digest or ""
    if facts.stops_unread:
        found = f"whether {release} is vetoed in {facts.environment} is not known: {facts.stops_unread}"
        return Gate(name="no veto", passed=False, evidence=found)
    return not_vetoed(release, vetoes_in({facts.environment: facts.stops}, digest))


def not_on_hold(environment: str, stops: Stops) -> Gate:
    """Has nobody, and no failure, put this environment on hold?"""
    hold = stops.hold
    found = f"on hold by {hold.by} since {hold.since}: {hold.reason}" if hold else "not on hold"
    return Gate(name="no hold", passed=hold is None, evidence=f"{environment} is {found}")


def not_frozen(environment: str, stops: Stops, now: datetime) -> Gate:
    """Is no freeze in force?"""
    freeze, found = stops.freeze, "not frozen"
    if freeze and is_frozen(stops, now):
        found = f"frozen by {freeze.by} until {freeze.until}: {freeze.reason}"
    return Gate(name="no freeze", passed=not is_frozen(stops, now), evidence=f"{environment} is {found}")


def schema_compatibility(
    version: str, schema: Schema | None, environment: str, state: State, *, back: bool = False
) -> Gate:
    """Does the release work with the database as it is, and the live one with what the release makes of it?

    Both run at once for a while, and the live one is the way back. Going back brings no schema.
    """
    brought, live = state.brought, state.live
    if not works_with(schema, brought):
        of = f"schema {made_with(schema)}" if schema else "no schema"
        return Gate(
            name="schema compatibility",
            passed=False,
            evidence=f"{version} was made with {of}, and the database of {environment} has schema "
            f"{made_with(brought)}, which works with releases from schema {brought.oldest if brought else 0} on",
        )
    works = back or live is None or works_with(live.made_with, schema)
    return Gate(
        name="schema compatibility",
        passed=works,
        evidence=f"{version} brings schema {made_with(schema)}, the database of {environment} has "
        f"schema {made_with(brought)}"
        + ("" if works or live is None else f": {live.release} is live, and made with {made_with(live.made_with)}"),
    )


def none_under_way(environment: str, state: State) -> Gate:
    """Did every earlier deployment end in a named state?"""
    found = f"deployment {state.open.deployment} stopped in step {state.open.step!r}" if state.open else "none is open"
    return Gate(
        name="no open deployment",
        passed=state.open is None,
        evidence=found if state.open is None else f"{found}: {way_on(environment, state)}",
    )


def vetoes_in(standing: Mapping[str, Stops], digest: str) -> dict[str, Veto]:
    """The vetoes of these bytes among what stands in environments, by their names."""
    return {name: veto for name, stops in standing.items() if (veto := veto_of(stops, digest))}


def _taken_upstream(facts: PromotionFacts) -> str:
    """How users of the source are being taken from these bytes, or just were; empty where its HEAD says neither."""
    digest, state = facts.manifest.digest, facts.source_state or State()
    opened, previous = state.open, state.previous
    if opened is not None and opened.step == UNDOING and opened.digest == digest:
        return f"{opened.deployment} of it is being put back"
    if opened is not None:
        left = left_behind(opened, state)
        if left is not None and left.digest == digest:
            return f"{opened.deployment} goes back from it"
    kept = state.live is not None and state.live.digest == digest  # only its configuration was left
    gone = previous is not None and bool(previous.left) and previous.digest == digest and not kept
    return f"{previous.left} went back from it" if previous and gone else ""


def _vetoes(facts: PromotionFacts) -> dict[str, Veto]:
    upstream = {facts.source: facts.source_stops} if facts.source and facts.source_stops else {}
    return {**facts.elsewhere, **vetoes_in({**upstream, facts.environment: facts.stops}, facts.manifest.digest)}


def _overruled(gate: Gate, despite: tuple[Consent, ...]) -> Gate:
    """The gate as a person overruled it: what it found stays to be seen."""
    if gate.passed or OVERRULED_BY.get(gate.name) not in despite:
        return gate
    return Gate(name=gate.name, passed=True, evidence=f"{gate.evidence}; overruled", overruled=True)
