"""How `release drift` ends, by what was found and what could not be asked."""

from dataclasses import asdict
from typing import Any

import pytest

from release.process.errors import Inconclusive, Refused
from release.records.ledger.head import Head, Out
from release.records.ledger.ledger import Entry
from release.rules.drift import of_refresh
from release.rules.plan import unsure
from release.verbs.drift import drift_text, refuse_drift, settle
from tests.release.deploying import put
from tests.release.world import OPS, World
from tests.there import there

FINDING = {"where": "env-lb-live", "what": "port", "expected": "80", "found": "81"}
UNASKED = {"part": "env-servers-1", "why": "cannot log in to 10.0.0.5: refused"}


def report(*, findings: tuple[Any, ...] = (), unasked: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {"environment": "dev", "findings": list(findings), "unasked": list(unasked)}


def test_without_drift_it_is_done_and_says_so() -> None:
    refuse_drift(report())
    assert drift_text(report()) == "dev is as it is declared, in AWS and on its servers"


@pytest.mark.parametrize("unasked", [(), (UNASKED,)], ids=["all-asked", "a-part-not-asked"])
def test_drift_is_refused_also_when_a_part_could_not_be_asked(unasked: tuple[Any, ...]) -> None:
    with pytest.raises(Refused, match="dev is not as it is declared, differences: 1"):
        refuse_drift(report(findings=(FINDING,), unasked=unasked))


def test_what_pulumi_counts_and_does_not_name_is_drift_too_and_the_way_to_see_it_is_told() -> None:
    (finding,) = of_refresh({"steps": [], "changeSummary": {"same": 114, "update": 2}})
    with pytest.raises(Refused, match="dev is not as it is declared, differences: 1") as caught:
        refuse_drift(report(findings=(asdict(finding),)))
    assert caught.value.exit_code == 3
    assert "pulumi refresh --stack dev --preview-only --diff" in caught.value.hint
    assert drift_text(report(findings=(asdict(finding),))).splitlines()[1].endswith("0         2")


def test_a_part_that_could_not_be_asked_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="dev could not be asked in full: env-servers-1"):
        refuse_drift(report(unasked=(UNASKED,)))


def test_findings_and_what_was_not_asked_are_listed() -> None:
    shown = drift_text(report(findings=(FINDING, {**FINDING, "found": "x" * 100}), unasked=(UNASKED,))).splitlines()
    assert shown[1].split() == ["env-lb-live", "port", "80", "81"]
    assert shown[2].endswith("x…")
    assert shown[3] == "not asked: env-servers-1: cannot log in to 10.0.0.5: refused"


@pytest.fixture
def doubted(world: World) -> Head:
    """HEAD of dev with a live release, which is not sure of a slot and of Pulumi's state."""
    put(world, "1.0.0")
    ledger = world.dev.ledger
    state = unsure(ledger.head().state, "blue", "env-servers-2 did not answer").but(behind="the listener was moved")
    ledger.note(Entry(kind="note", state=state), ledger.head(), OPS)
    return ledger.head()


def test_what_was_seen_as_declared_is_sure_again_in_the_ledger(world: World, doubted: Head) -> None:
    settle(world.dev, doubted)
    state = world.dev.ledger.head().state
    assert (there(state.blue).unsure, state.behind) == ("", "")
    assert [event.kind for event in world.dev.ledger.events()][-1] == "seen as declared"


def test_where_nothing_was_in_doubt_nothing_is_written(world: World) -> None:
    put(world, "1.0.0")
    before = world.dev.ledger.head()
    settle(world.dev, before)
    assert world.dev.ledger.head() == before


def test_what_changed_while_it_was_looked_at_stays_in_doubt(world: World, doubted: Head) -> None:
    world.dev.ledger.note(Entry(kind="note", state=doubted.state), doubted, OPS)
    settle(world.dev, doubted)
    assert world.dev.ledger.head().state == doubted.state


def test_a_server_that_is_out_was_not_asked_so_the_slot_stays_in_doubt(world: World, doubted: Head) -> None:
    out = Out(server="env-servers-2", reason="no power", by="ops", since="t")
    ledger = world.dev.ledger
    ledger.note(Entry(kind="note", state=doubted.state.but(out=(out,))), doubted, OPS)
    settle(world.dev, ledger.head())
    assert there(ledger.head().state.blue).unsure == "env-servers-2 did not answer"
