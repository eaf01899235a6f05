"""Gates as pure functions: each says no for its own reason, and a refusal names them all."""

from dataclasses import replace
from datetime import datetime

import pytest

from release.artifacts.manifest import Verdict
from release.deployment.gates import (
    PromotionFacts,
    RedeploymentFacts,
    RollbackFacts,
    promotion_gates,
    redeployment_gates,
    refuse_unless_passed,
    rollback_gates,
)
from release.deployment.stops import StandingVeto
from release.errors import Refused
from release.ledger.head import Freeze, Hold, Live, Open, State, Veto
from tests.release.deployment.test_plan import digest, manifest

NOW = "2026-11-20T12:00:00+00:00"


def live(version: str) -> State:
    return State(
        declared="blue",
        live=Live(slot="blue", release=version, digest=digest(version), deployment="d", since=NOW),
    )


def verdict(version: str, outcome: str = "passed") -> Verdict:
    return Verdict(version=version, digest=digest(version), environment="dev", deployment="d", outcome=outcome, at=NOW)


GOOD = PromotionFacts(
    manifest=manifest("1.1.0"),
    environment="qa",
    promotes_from="dev",
    state=live("1.0.0"),
    source="dev",
    source_state=live("1.1.0"),
    source_verdict=verdict("1.1.0"),
    vetoes=(),
    now=datetime.fromisoformat(NOW),
)

HOLD = Hold(reason="incident 7", by="ops", since=NOW)


def frozen_until(end: str) -> Freeze:
    return Freeze(reason="holidays", by="ops", since=NOW, until=end)


def veto_of(version: str) -> StandingVeto:
    veto = Veto(release=version, digest=digest(version), reason="loses rows", by="ops", since=NOW)
    return StandingVeto(environment="prod", veto=veto)


def refused_by(facts: PromotionFacts) -> list[str]:
    return [gate.name for gate in promotion_gates(facts) if not gate.passed]


def test_a_release_live_and_verified_upstream_passes_every_gate() -> None:
    assert refused_by(GOOD) == []


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        pytest.param({"source": "staging"}, "order of environments", id="from-another-environment"),
        pytest.param({"promotes_from": None}, "order of environments", id="into-the-first"),
        pytest.param({"source_state": live("1.0.0")}, "live upstream", id="another-release-live-upstream"),
        pytest.param({"source_state": State()}, "live upstream", id="nothing-live-upstream"),
        pytest.param({"source_verdict": None}, "verified upstream", id="no-verdict"),
        pytest.param({"source_verdict": verdict("1.1.0", "failed")}, "verified upstream", id="failed-verdict"),
        pytest.param({"source_verdict": verdict("1.0.0")}, "verified upstream", id="verdict-over-other-bytes"),
        pytest.param({"state": live("1.1.0")}, "not live already", id="live-already"),
        pytest.param(
            {"state": replace(live("1.0.0"), open=Open(deployment="d", step="installed", requested=1))},
            "no open deployment",
            id="open-deployment",
        ),
        pytest.param({"vetoes": (veto_of("1.0.0"), veto_of("1.1.0"))}, "no veto", id="vetoed-anywhere"),
        pytest.param({"state": replace(live("1.0.0"), hold=HOLD)}, "no hold", id="on-hold"),
        pytest.param(
            {"state": replace(live("1.0.0"), freeze=frozen_until("2026-11-20T12:00:01+00:00"))},
            "no freeze",
            id="frozen",
        ),
    ],
)
def test_each_gate_says_no_for_its_own_reason(change: dict, gate: str) -> None:
    assert refused_by(replace(GOOD, **change)) == [gate]


def test_a_freeze_that_is_over_and_a_veto_of_another_release_stop_nothing() -> None:
    state = replace(live("1.0.0"), freeze=frozen_until(NOW))
    assert refused_by(replace(GOOD, state=state, vetoes=(veto_of("1.0.0"),))) == []


def test_the_first_environment_asks_for_no_upstream() -> None:
    facts = replace(GOOD, environment="dev", promotes_from=None, source=None, source_state=None, source_verdict=None)
    assert refused_by(facts) == []


def test_a_refusal_names_everything_that_is_missing() -> None:
    facts = replace(GOOD, source_state=State(), source_verdict=None)
    with pytest.raises(Refused, match=r"nothing is live there .*; dev must have verified 1\.1\.0"):
        refuse_unless_passed(promotion_gates(facts), "promoting 1.1.0 to qa")


ROLLBACK = RollbackFacts(
    manifest=manifest("1.0.0"), environment="prod", state=live("1.1.0"), verdict=verdict("1.0.0"), vetoes=()
)
REDEPLOYMENT = RedeploymentFacts(
    manifest=manifest("1.1.0"),
    environment="prod",
    state=live("1.1.0"),
    verdict=verdict("1.1.0"),
    vetoes=(),
    now=datetime.fromisoformat(NOW),
)
STOPPED = replace(live("1.1.0"), hold=HOLD, freeze=frozen_until("2026-12-01T00:00:00+00:00"))


def test_a_rollback_asks_for_a_release_that_was_verified_here() -> None:
    assert all(gate.passed for gate in rollback_gates(ROLLBACK))
    facts = replace(ROLLBACK, verdict=None)
    assert [gate.name for gate in rollback_gates(facts) if not gate.passed] == ["verified before"]


def test_neither_hold_nor_freeze_stops_a_rollback_but_a_veto_does() -> None:
    facts = replace(ROLLBACK, state=STOPPED)
    assert all(gate.passed for gate in rollback_gates(facts))
    vetoed = replace(facts, vetoes=(veto_of("1.0.0"),))
    assert [gate.name for gate in rollback_gates(vetoed) if not gate.passed] == ["no veto"]


def test_a_redeployment_of_the_live_release_is_stopped_by_every_stop() -> None:
    assert all(gate.passed for gate in redeployment_gates(REDEPLOYMENT))
    facts = replace(REDEPLOYMENT, state=STOPPED, vetoes=(veto_of("1.1.0"),))
    refused = [gate.name for gate in redeployment_gates(facts) if not gate.passed]
    assert refused == ["no veto", "no hold", "no freeze"]
