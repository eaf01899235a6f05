"""Hold, freeze and veto: set and lifted by a person with a reason, and what they refuse."""

from datetime import timedelta

import pytest

from release.errors import LeaseHeld, Refused, WrongUsage
from release.ledger.ledger import Entry, utc_now
from release.verbs.freeze import checked_end, freeze, lift_freeze
from release.verbs.hold import hold, lift_hold
from release.verbs.plan import order_report, report_text
from release.verbs.promote import Route, promotion_order
from release.verbs.redeploy import redeployment_order
from release.verbs.rollback import rollback_order
from release.verbs.status import status, status_text
from release.verbs.veto import lift_veto, veto
from tests.release.deployment.test_executor import put
from tests.release.world import OPS, ROOT, World


def refused(order) -> list[str]:
    return [gate.name for gate in order.gates if not gate.passed]


def to_qa(version: str = "1.0.0"):
    return promotion_order(ROOT, version, Route(source=None, target="qa"))


def kinds(ledger) -> list[str]:
    return [event.kind for event in ledger.events()][-2:]


def test_a_hold_keeps_promotions_out_until_it_is_lifted_and_both_are_in_the_ledger(world: World) -> None:
    put(world, "1.0.0")
    hold(ROOT, "qa", reason="incident 7", ci="")
    assert (refused(to_qa()), status(ROOT, "qa")["environments"][0]["hold"]["reason"]) == (["no hold"], "incident 7")
    assert status_text(status(ROOT, "qa")).endswith("on hold")
    with pytest.raises(Refused, match="on hold already"):
        hold(ROOT, "qa", reason="incident 8", ci="")
    lift_hold(ROOT, "qa", reason="mended", ci="")
    assert (refused(to_qa()), kinds(world.qa.ledger)) == ([], ["hold set", "hold lifted"])
    with pytest.raises(Refused, match="not on hold"):
        lift_hold(ROOT, "qa", reason="again", ci="")


def test_a_freeze_ends_by_itself_or_is_lifted(world: World) -> None:
    put(world, "1.0.0")
    freeze(ROOT, "qa", until="2099-12-24T18:00+01:00", reason="holidays", ci="")
    assert refused(to_qa()) == ["no freeze"]
    assert "frozen until 2099-12-24T17:00:00+00:00" in status_text(status(ROOT, "qa"))
    lift_freeze(ROOT, "qa", reason="back", ci="")
    assert (refused(to_qa()), kinds(world.qa.ledger)) == ([], ["freeze set", "freeze lifted"])
    with pytest.raises(Refused, match="not frozen"):
        lift_freeze(ROOT, "qa", reason="again", ci="")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("tomorrow", "'tomorrow' is no time", id="no-time"),
        pytest.param("2026-12-24T18:00", "names no zone", id="no-zone"),
        pytest.param("2026-11-20T12:59:59+01:00", "is over", id="over"),
    ],
)
def test_the_end_of_a_freeze_names_its_zone_and_is_still_to_come(world: World, text: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        checked_end(text, world.clock())


def test_a_veto_in_any_environment_keeps_the_release_out_of_all_of_them(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    veto(ROOT, "1.1.0", reason="loses rows", ci="")
    with pytest.raises(Refused, match="vetoed already"):
        veto(ROOT, "1.1.0", reason="again", ci="")
    assert (refused(to_qa("1.1.0")), refused(redeployment_order(ROOT, "dev"))) == (["no veto"], ["no veto"])
    assert refused(rollback_order(ROOT, "dev", version=None)) == []
    assert lift_veto(ROOT, "1.1.0", reason="a mistake", ci="") == ("dev",)
    assert (refused(to_qa("1.1.0")), kinds(world.dev.ledger)) == ([], ["veto set", "veto lifted"])
    with pytest.raises(Refused, match="not vetoed"):
        lift_veto(ROOT, "1.1.0", reason="again", ci="")


def test_what_was_never_published_cannot_be_vetoed(world: World) -> None:
    with pytest.raises(Refused, match="never published"):
        veto(ROOT, "9.9.9", reason="for fun", ci="")


def test_nothing_is_stopped_while_somebody_is_at_work(world: World) -> None:
    world.clock.time = utc_now()  # the verbs' clock is the real one
    head = world.qa.ledger.head()
    world.qa.ledger.begin(Entry(kind="note", state=head.state), head, OPS)
    with pytest.raises(LeaseHeld):
        hold(ROOT, "qa", reason="incident 7", ci="")


def test_nothing_live_cannot_be_deployed_again(world: World) -> None:
    with pytest.raises(Refused, match="nothing is live in dev"):
        redeployment_order(ROOT, "dev")


def test_a_plan_shows_every_gate_and_exactly_the_steps_that_would_run(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    order = rollback_order(ROOT, "dev", version=None)
    planned = order_report(ROOT, "dev", order)
    assert [one["step"] for one in planned["steps"]] == [
        "preflight",
        "backed up",
        "verified",
        "switched",
        "watched",
        "live",
    ]
    text = report_text(planned)
    assert text.startswith(
        "rollback of 1.0.0 to dev\ngates:\n  yes  1.0.0 must have been live and verified in dev before"
    )
    assert "4. switched: pulumi up: the live listener to slot blue" in text
    before = world.dev.ledger.head()
    assert (world.dev.ledger.head(), len(world.dev.stack.ups)) == (before, 4)


def test_a_freeze_stops_only_for_its_time(world: World) -> None:
    put(world, "1.0.0")
    end = (world.qa.ledger.now() + timedelta(days=9000)).isoformat()
    freeze(ROOT, "qa", until=end, reason="holidays", ci="")
    assert refused(to_qa()) == ["no freeze"]
