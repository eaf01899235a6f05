"""The gates: questions that must be answered yes before a deployment, as pure functions over facts.

Every gate is judged and shown with its evidence, so that a refusal names all that is missing at once.
"""

from dataclasses import dataclass
from datetime import datetime

from release.artifacts.manifest import Manifest, Verdict
from release.artifacts.schema import made_with, works_with
from release.deployment.stops import StandingVeto, is_frozen
from release.errors import Refused
from release.ledger.head import State


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One question: its name, the answer, and the evidence for it."""

    name: str
    passed: bool
    evidence: str


@dataclass(frozen=True, kw_only=True)
class PromotionFacts:
    """What the gates of a promotion are judged by. ``source`` is None where a release is deployed first.

    ``skipped`` are the environments that a hotfix passes over; empty for a promotion, which passes over none.
    """

    manifest: Manifest
    environment: str
    promotes_from: str | None
    state: State
    source: str | None
    source_state: State | None
    source_verdict: Verdict | None
    vetoes: tuple[StandingVeto, ...]
    now: datetime
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RollbackFacts:
    """What the gates of a rollback are judged by: holds, freezes and upstream environments play no part.

    ``verdict`` is that of a deployment which the ledger says was live.
    """

    manifest: Manifest
    environment: str
    state: State
    verdict: Verdict | None
    vetoes: tuple[StandingVeto, ...]


@dataclass(frozen=True, kw_only=True)
class RedeploymentFacts:
    """What the gates of a re-deployment of the live release are judged by."""

    manifest: Manifest
    environment: str
    state: State
    verdict: Verdict | None
    vetoes: tuple[StandingVeto, ...]
    now: datetime


def promotion_gates(facts: PromotionFacts) -> tuple[Gate, ...]:
    """The gates of a promotion, in the order they are shown."""
    return (
        order(facts),
        *((live_upstream(facts), verified_upstream(facts)) if facts.source else ()),
        not_live_already(facts.manifest, facts.environment, facts.state),
        schema_compatibility(facts.manifest, facts.environment, facts.state),
        not_vetoed(facts.manifest, facts.vetoes),
        not_on_hold(facts.environment, facts.state),
        not_frozen(facts.environment, facts.state, facts.now),
        none_under_way(facts.environment, facts.state),
    )


def redeployment_gates(facts: RedeploymentFacts) -> tuple[Gate, ...]:
    """The gates of a re-deployment, in the order they are shown."""
    return (
        verified_here(facts),
        not_vetoed(facts.manifest, facts.vetoes),
        not_on_hold(facts.environment, facts.state),
        not_frozen(facts.environment, facts.state, facts.now),
        none_under_way(facts.environment, facts.state),
    )


def rollback_gates(facts: RollbackFacts) -> tuple[Gate, ...]:
    """The gates of a rollback, in the order they are shown."""
    return (
        verified_here(facts),
        not_live_already(facts.manifest, facts.environment, facts.state),
        schema_compatibility(facts.manifest, facts.environment, facts.state),
        not_vetoed(facts.manifest, facts.vetoes),
        none_under_way(facts.environment, facts.state),
    )


def refuse_unless_passed(gates: tuple[Gate, ...], what: str) -> None:
    """Raise Refused with the evidence of every gate that said no."""
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        raise Refused(f"{what} is refused: " + "; ".join(f"{gate.evidence} ({gate.name})" for gate in failed))


def order(facts: PromotionFacts) -> Gate:
    """Does the release come from the environment that promotes here, or is it a hotfix from one further up?"""
    wanted, given = (name or "a publication" for name in (facts.promotes_from, facts.source))
    skips = f", as a hotfix that skips {', '.join(facts.skipped)}" if facts.skipped else ""
    return Gate(
        name="order of environments",
        passed=facts.source == facts.promotes_from or bool(facts.skipped),
        evidence=f"{facts.environment} takes releases from {wanted}, this one comes from {given}{skips}",
    )


def live_upstream(facts: PromotionFacts) -> Gate:
    """Is the very artifact live in the source environment?"""
    live = facts.source_state.live if facts.source_state else None
    found = f"{live.release} is live there" if live else "nothing is live there"
    return Gate(
        name="live upstream",
        passed=live is not None and live.digest == facts.manifest.digest,
        evidence=f"{facts.manifest.version} must be live in {facts.source}: {found}",
    )


def verified_upstream(facts: PromotionFacts) -> Gate:
    """Did the deployment that is live in the source environment sign a verdict over this very artifact?"""
    verdict = facts.source_verdict
    found = f"verified at {verdict.at}" if verdict else "there is no verdict over these bytes"
    return Gate(
        name="verified upstream",
        passed=verdict is not None and verdict.outcome == "passed" and verdict.digest == facts.manifest.digest,
        evidence=f"{facts.source} must have verified {facts.manifest.version}: {found}",
    )


def verified_here(facts: RollbackFacts | RedeploymentFacts) -> Gate:
    """Was the release verified in this environment before?"""
    verdict = facts.verdict
    return Gate(
        name="verified before",
        passed=verdict is not None and verdict.outcome == "passed",
        evidence=f"{facts.manifest.version} must have been live and verified in {facts.environment} before",
    )


def not_live_already(manifest: Manifest, environment: str, state: State) -> Gate:
    """Is something else live now?"""
    live = state.live
    return Gate(
        name="not live already",
        passed=live is None or live.digest != manifest.digest,
        evidence=f"{live.release if live else 'nothing'} is live in {environment}"
        + (f" since {live.since}" if live else ""),
    )


def not_vetoed(manifest: Manifest, vetoes: tuple[StandingVeto, ...]) -> Gate:
    """Does nobody, in no environment, say no to these bytes?"""
    found = [one for one in vetoes if one.veto.digest == manifest.digest]
    told = [f"vetoed in {one.environment} by {one.veto.by} since {one.veto.since}: {one.veto.reason}" for one in found]
    return Gate(
        name="no veto",
        passed=not found,
        evidence=f"{manifest.version} is " + ("; ".join(told) or "vetoed by nobody"),
    )


def not_on_hold(environment: str, state: State) -> Gate:
    """Has nobody, and no failure, put this environment on hold?"""
    hold = state.hold
    found = f"on hold by {hold.by} since {hold.since}: {hold.reason}" if hold else "not on hold"
    return Gate(name="no hold", passed=hold is None, evidence=f"{environment} is {found}")


def not_frozen(environment: str, state: State, now: datetime) -> Gate:
    """Is no freeze in force?"""
    freeze, found = state.freeze, "not frozen"
    if freeze and is_frozen(state, now):
        found = f"frozen by {freeze.by} until {freeze.until}: {freeze.reason}"
    return Gate(name="no freeze", passed=not is_frozen(state, now), evidence=f"{environment} is {found}")


def schema_compatibility(manifest: Manifest, environment: str, state: State) -> Gate:
    """Does the release work with the database as it is, and the live one with what the release makes of it?

    Both run at once for a while, and the live one is the way back.
    """
    brought, live = state.schema, state.live
    if not works_with(manifest.schema, brought):
        of = f"schema {made_with(manifest.schema)}" if manifest.schema else "no schema"
        return Gate(
            name="schema compatibility",
            passed=False,
            evidence=f"{manifest.version} was made with {of}, and the database of {environment} has schema "
            f"{made_with(brought)}, which works with releases from schema {brought.oldest if brought else 0} on",
        )
    works = live is None or works_with(live.schema, manifest.schema)
    return Gate(
        name="schema compatibility",
        passed=works,
        evidence=f"{manifest.version} brings schema {made_with(manifest.schema)}, the database of {environment} has "
        f"schema {made_with(brought)}"
        + ("" if works or live is None else f": {live.release} is live, and made with {made_with(live.schema)}"),
    )


def none_under_way(environment: str, state: State) -> Gate:
    """Did every earlier deployment end in a named state?"""
    found = f"deployment {state.open.deployment} stopped in step {state.open.step!r}" if state.open else "none is open"
    return Gate(
        name="no open deployment",
        passed=state.open is None,
        evidence=found if state.open is None else f"{found}: end it with: release resume {environment}, or abort",
    )
