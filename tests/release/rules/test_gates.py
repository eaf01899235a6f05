"""Gates as pure functions: each says no for its own reason, and a refusal names them all."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.process.errors import Refused
from release.records.artifacts.manifest import Verdict
from release.records.artifacts.schema import Schema
from release.records.ledger.head import Former, Live, Open, Previous, State
from release.records.ledger.index import Known
from release.records.ledger.stops import Freeze, Hold, Stops, Veto
from release.rules.consents import CONSENTS, Consent
from release.rules.gates import (
    OVERRULED_BY,
    PromotionFacts,
    RedeploymentFacts,
    RollbackFacts,
    is_enough,
    overruling,
    promotion_gates,
    redeployment_gates,
    refuse_unless_passed,
    rollback_gates,
)
from tests.release.values import digest, manifest, slot
from tests.there import there

NOW = "2026-11-20T12:00:00+00:00"


def live(version: str) -> State:
    return State(
        blue=slot(version),
        declared="blue",
        live=Live(slot="blue", release=version, digest=digest(version), deployment="d", since=NOW),
    )


def verdict(version: str, outcome: str = "passed") -> Verdict:
    return Verdict(version=version, digest=digest(version), environment="dev", deployment="d", outcome=outcome, at=NOW)


def known(version: str, **more: Any) -> Known:
    return Known(release=version, digest=digest(version), artifact_key="a", **{"live": "d", **more})


OPEN = Open(
    deployment="d",
    kind="promotion",
    release="1.2.0",
    digest="e",
    slot="green",
    step="installed",
    requested=1,
    former=Former(declared="blue", content=None),
)
GOOD = PromotionFacts(
    manifest=manifest("1.1.0"),
    environment="qa",
    promotes_from="dev",
    state=live("1.0.0"),
    stops=Stops(),
    source="dev",
    upstream=known("1.1.0"),
    source_stops=Stops(),
    source_verdict=verdict("1.1.0"),
    now=datetime.fromisoformat(NOW),
)

HOLD = Hold(reason="incident 7", by="ops", since=NOW)


def frozen_until(end: str) -> Freeze:
    return Freeze(reason="holidays", by="ops", since=NOW, until=end)


def veto_of(version: str) -> Veto:
    return Veto(release=version, digest=digest(version), reason="loses rows", by="ops", since=NOW)


def refused_by(facts: PromotionFacts) -> list[str]:
    return [gate.name for gate in promotion_gates(facts) if not gate.passed]


def test_a_release_verified_upstream_passes_every_gate_whatever_is_live_there_now() -> None:
    assert refused_by(GOOD) == []


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        pytest.param({"source": "staging"}, "order of environments", id="from-another-environment"),
        pytest.param({"promotes_from": None}, "order of environments", id="into-the-first"),
        pytest.param({"upstream": None, "source_verdict": None}, "verified upstream", id="never-deployed-upstream"),
        pytest.param({"source_verdict": None}, "verified upstream", id="no-verdict"),
        pytest.param({"source_verdict": verdict("1.1.0", "failed")}, "verified upstream", id="failed-verdict"),
        pytest.param({"source_verdict": verdict("1.0.0")}, "verified upstream", id="verdict-over-other-bytes"),
        pytest.param({"upstream": known("1.1.0", left="d-9")}, "verified upstream", id="rolled-back-from-upstream"),
        pytest.param({"state": live("1.1.0")}, "not live already", id="live-already"),
        pytest.param({"state": live("1.0.0").but(open=OPEN)}, "no open deployment", id="open-deployment"),
        pytest.param({"stops": Stops(vetoes=(veto_of("1.1.0"),))}, "no veto", id="vetoed-here"),
        pytest.param({"source_stops": Stops(vetoes=(veto_of("1.1.0"),))}, "no veto", id="vetoed-upstream"),
        pytest.param({"elsewhere": {"prod": veto_of("1.1.0")}}, "no veto", id="vetoed-elsewhere"),
        pytest.param({"stops": Stops(hold=HOLD)}, "no hold", id="on-hold"),
        pytest.param({"stops": Stops(freeze=frozen_until("2026-11-20T12:00:01+00:00"))}, "no freeze", id="frozen"),
    ],
)
def test_each_gate_says_no_for_its_own_reason(change: dict[str, Any], gate: str) -> None:
    assert refused_by(replace(GOOD, **change)) == [gate]


def upstream(kind: str, release: str, *, step: str = "watched", **more: Any) -> State:
    """The source while a deployment of this release into green is open; users had 1.1.0 in blue."""
    opened = OPEN.but(kind=kind, release=release, digest=digest(release), step=step, deployment="d-9")
    return live("1.1.0").but(open=opened, green=slot(release), **more)


def previous_left(version: str) -> Previous:
    return Previous(release=version, digest=digest(version), deployment="d-1", left="d-9")


LEFT = previous_left("1.1.0")
FLED: dict[str, tuple[State, str]] = {
    "a rollback that moved users": (upstream("rollback", "1.0.0", declared="green"), "d-9 goes back from it"),
    "a rollback that is about to": (upstream("rollback", "1.0.0", step="installed"), "d-9 goes back from it"),
    "from what was tried again": (
        upstream("rollback", "1.0.0", live=live("1.0.0").live, declared="green"),
        "d-9 goes back from it",
    ),
    "put back": (upstream("promotion", "1.1.0", step="undoing"), "d-9 of it is being put back"),
    "left, and the index does not say so": (live("1.0.0").but(previous=LEFT), "d-9 went back from it"),
}
STAYED: dict[str, State] = {
    "nothing is open": live("1.1.0"),
    "another is tried": upstream("promotion", "1.2.0", declared="green"),
    "another is put back": upstream("promotion", "1.2.0", step="undoing"),
    "it is gone back to": upstream("rollback", "1.1.0", blue=slot("1.2.0")),
    "another was left": live("1.0.0").but(previous=previous_left("1.2.0")),
    "it was live before": live("1.2.0").but(previous=LEFT.but(left="")),
    "a rollback takes back what another one left": upstream("rollback", "1.0.0", previous=previous_left("1.0.0")),
}


@pytest.mark.parametrize(("state", "why"), FLED.values(), ids=FLED)
def test_what_users_are_taken_from_upstream_is_not_verified_there_as_soon_as_that_begins(
    state: State, why: str
) -> None:
    facts = replace(GOOD, source_state=state)
    assert [gate.evidence for gate in promotion_gates(facts) if not gate.passed] == [
        f"dev must have verified 1.1.0: {why} there"
    ]


@pytest.mark.parametrize("state", STAYED.values(), ids=STAYED)
def test_what_users_are_not_taken_from_upstream_stays_verified_there(state: State) -> None:
    assert refused_by(replace(GOOD, source_state=state)) == []


def test_what_a_person_accepted_upstream_counts_as_verified() -> None:
    assert refused_by(replace(GOOD, source_verdict=verdict("1.1.0", "accepted"))) == []


def test_a_freeze_that_is_over_and_a_veto_of_another_release_stop_nothing() -> None:
    stops = Stops(freeze=frozen_until(NOW), vetoes=(veto_of("1.0.0"),))
    assert refused_by(replace(GOOD, stops=stops)) == []


def test_a_hold_upstream_stops_nothing_here() -> None:
    assert refused_by(replace(GOOD, source_stops=Stops(hold=HOLD))) == []


def test_the_first_environment_asks_for_no_upstream() -> None:
    first = replace(GOOD, environment="dev", promotes_from=None, source=None, upstream=None)
    assert refused_by(replace(first, source_stops=None, source_verdict=None)) == []


def test_a_refusal_names_everything_that_is_missing() -> None:
    facts = replace(GOOD, upstream=None, source_verdict=None, stops=Stops(hold=HOLD))
    with pytest.raises(Refused, match=r"dev must have verified 1\.1\.0: it was never live there .*; qa is on hold"):
        refuse_unless_passed(promotion_gates(facts), "promoting 1.1.0 to qa")


ROLLBACK = RollbackFacts(
    release=slot("1.0.0"),
    environment="prod",
    state=live("1.1.0"),
    stops=Stops(),
    verified="d-1",
    healthy=frozenset({"i-1", "i-2"}),
    serving=frozenset({"i-1", "i-2"}),
)
REDEPLOYMENT = RedeploymentFacts(
    manifest=manifest("1.1.0"),
    environment="prod",
    state=live("1.1.0"),
    stops=Stops(),
    verdict=verdict("1.1.0"),
    now=datetime.fromisoformat(NOW),
)
STOPPED = Stops(hold=HOLD, freeze=frozen_until("2026-12-01T00:00:00+00:00"))
NEWER = live("1.1.0").but(brought=Schema(version=3, oldest=2))


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        pytest.param({"verified": ""}, "verified before", id="never-verified-here"),
        pytest.param({"verified": "", "adopted": True}, "verified, not only adopted", id="only-adopted"),
        pytest.param({"release": slot("1.1.0")}, "not live already", id="what-users-have"),
        pytest.param({"state": NEWER}, "schema compatibility", id="older-than-the-schema"),
        pytest.param({"stops": Stops(vetoes=(veto_of("1.0.0"),))}, "no veto", id="vetoed-here"),
        pytest.param({"stops_unread": "it is not readable"}, "no veto", id="nobody-knows-whether-it-is-vetoed"),
        pytest.param({"healthy": frozenset({"i-1"})}, "healthy servers", id="fewer-servers"),
        pytest.param({"healthy": frozenset(), "serving": frozenset()}, "healthy servers", id="no-server"),
    ],
)
def test_each_gate_of_a_rollback_says_no_for_its_own_reason(change: dict[str, Any], gate: str) -> None:
    assert [one.name for one in rollback_gates(replace(ROLLBACK, **change)) if not one.passed] == [gate]


def test_neither_hold_nor_freeze_nor_an_open_deployment_stops_a_rollback() -> None:
    facts = replace(ROLLBACK, stops=STOPPED, state=live("1.1.0").but(open=OPEN))
    assert all(gate.passed for gate in rollback_gates(facts))


def test_what_a_person_overrules_stays_to_be_seen() -> None:
    facts = replace(ROLLBACK, stops=Stops(vetoes=(veto_of("1.0.0"),)), healthy=frozenset({"i-1"}), state=NEWER)
    gates = rollback_gates(replace(facts, despite=("veto", "fewer-servers")))
    assert [gate.name for gate in gates if gate.overruled] == ["no veto", "healthy servers"]
    assert [gate.name for gate in gates if not gate.passed] == ["schema compatibility"]
    assert all("overruled" in gate.evidence for gate in gates if gate.overruled)


@pytest.mark.parametrize(("gate", "consent"), OVERRULED_BY.items())
def test_each_consent_overrules_its_own_gate_and_no_other_and_is_what_a_refusal_names(
    gate: str, consent: Consent
) -> None:
    vetoed = Stops(vetoes=(veto_of("1.0.0"),))
    facts = replace(ROLLBACK, stops=vetoed, healthy=frozenset({"i-1"}), state=NEWER, verified="", adopted=True)
    others = tuple(one for one in CONSENTS if one != consent)
    refused = rollback_gates(replace(facts, despite=others))
    assert [one.name for one in refused if not one.passed] == [gate]
    assert overruling(refused) == f"overrule it with: --despite {consent} --reason WHY"
    assert all(one.passed for one in rollback_gates(replace(facts, despite=CONSENTS)))


def test_a_person_overrules_that_a_release_was_only_adopted() -> None:
    gates = rollback_gates(replace(ROLLBACK, verified="", adopted=True, despite=("unverified",)))
    assert [gate.name for gate in gates if gate.overruled] == ["verified, not only adopted"]
    assert all(gate.passed for gate in gates)


def test_what_is_live_and_was_only_adopted_is_promoted_again() -> None:
    adopted = live("1.1.0")
    assert refused_by(replace(GOOD, state=adopted.but(live=there(adopted.live).but(unverified=True)))) == []


def test_a_person_goes_back_also_where_nobody_knows_whether_the_release_is_vetoed() -> None:
    gates = rollback_gates(replace(ROLLBACK, stops_unread="it is not readable", despite=("veto",)))
    assert [(gate.name, gate.passed, gate.evidence) for gate in gates if gate.overruled] == [
        ("no veto", True, "whether 1.0.0 is vetoed in prod is not known: it is not readable; overruled")
    ]


def test_nothing_overrules_that_a_release_was_never_verified() -> None:
    facts = replace(ROLLBACK, verified="", despite=CONSENTS)
    assert [gate.name for gate in rollback_gates(facts) if not gate.passed] == ["verified before"]


def test_a_slot_that_gets_the_release_first_is_not_asked_for_its_servers() -> None:
    names = [gate.name for gate in rollback_gates(replace(ROLLBACK, healthy=None))]
    assert "healthy servers" not in names


@given(st.integers(0, 20), st.integers(0, 20))
def test_going_back_wants_one_server_and_no_fewer_than_users_have(healthy: int, serving: int) -> None:
    assert is_enough(healthy, serving) == (healthy > 0 and healthy >= serving)


def test_a_redeployment_of_the_live_release_is_stopped_by_every_stop() -> None:
    assert all(gate.passed for gate in redeployment_gates(REDEPLOYMENT))
    facts = replace(REDEPLOYMENT, stops=STOPPED.but(vetoes=(veto_of("1.1.0"),)))
    refused = [gate.name for gate in redeployment_gates(facts) if not gate.passed]
    assert refused == ["no veto", "no hold", "no freeze"]
