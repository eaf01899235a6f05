"""The gates: questions that must be answered yes before a deployment, as pure functions over facts.

Every gate is judged and shown with its evidence, so that a refusal names all that is missing at once.
"""

from dataclasses import dataclass

from release.errors import Refused
from release.head import State
from release.manifest import Manifest, Verdict


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One question: its name, the answer, and the evidence for it."""

    name: str
    passed: bool
    evidence: str


@dataclass(frozen=True, kw_only=True)
class PromotionFacts:
    """What the gates of a promotion are judged by. ``source`` is None where a release is deployed first."""

    manifest: Manifest
    environment: str
    promotes_from: str | None
    state: State
    source: str | None
    source_state: State | None
    source_verdict: Verdict | None


@dataclass(frozen=True, kw_only=True)
class RollbackFacts:
    """What the gates of a rollback are judged by: freezes and upstream environments play no part.

    ``verdict`` is that of a deployment which the ledger says was live.
    """

    manifest: Manifest
    environment: str
    state: State
    verdict: Verdict | None


def promotion_gates(facts: PromotionFacts) -> tuple[Gate, ...]:
    """The gates of a promotion, in the order they are shown."""
    return (
        order(facts),
        *((live_upstream(facts), verified_upstream(facts)) if facts.source else ()),
        not_live_already(facts.manifest, facts.environment, facts.state),
        none_under_way(facts.environment, facts.state),
    )


def rollback_gates(facts: RollbackFacts) -> tuple[Gate, ...]:
    """The gates of a rollback, in the order they are shown."""
    return (
        verified_here(facts),
        not_live_already(facts.manifest, facts.environment, facts.state),
        none_under_way(facts.environment, facts.state),
    )


def refuse_unless_passed(gates: tuple[Gate, ...], what: str) -> None:
    """Raise Refused with the evidence of every gate that said no."""
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        raise Refused(f"{what} is refused: " + "; ".join(f"{gate.evidence} ({gate.name})" for gate in failed))


def order(facts: PromotionFacts) -> Gate:
    """Does the release come from the environment that promotes here?"""
    wanted, given = (name or "a publication" for name in (facts.promotes_from, facts.source))
    return Gate(
        name="order of environments",
        passed=facts.source == facts.promotes_from,
        evidence=f"{facts.environment} takes releases from {wanted}, this one comes from {given}",
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


def verified_here(facts: RollbackFacts) -> Gate:
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


def none_under_way(environment: str, state: State) -> Gate:
    """Did every earlier deployment end in a named state?"""
    found = f"deployment {state.open.deployment} stopped in step {state.open.step!r}" if state.open else "none is open"
    return Gate(
        name="no open deployment",
        passed=state.open is None,
        evidence=found if state.open is None else f"{found}: end it with: release abort {environment}",
    )
