"""`release freeze`: promotions are kept out until a time that names its zone and is still to come."""

from datetime import timedelta

import pytest

from release.process.errors import Refused, WrongUsage
from release.records.ledger.stops import Cause, frozen
from release.verbs.freeze import checked_end, freeze, lift_freeze
from release.verbs.status import status, status_text
from tests.release.deploying import CALL, kinds, put, refused, to_qa
from tests.release.world import OPS, STAGELINE, World
from tests.there import there


def test_a_freeze_is_made_longer_by_another_and_shorter_only_once_it_is_lifted(world: World) -> None:
    freeze(CALL, "qa", until="2099-01-01T00:00Z", reason="holidays")
    with pytest.raises(
        Refused, match=r"frozen for longer, until 2099-01-01T00:00:00\+00:00 by .*: holidays; .*freeze qa --lift"
    ):
        freeze(CALL, "qa", until="2098-12-31T23:00Z", reason="a slip")
    assert there(world.qa.stops.read().freeze).reason == "holidays"
    freeze(CALL, "qa", until="2099-01-02T00:00Z", reason="longer holidays")
    assert there(world.qa.stops.read().freeze).reason == "longer holidays"
    lift_freeze(CALL, "qa", reason="back")
    freeze(CALL, "qa", until="2098-01-01T00:00Z", reason="shorter")
    assert there(world.qa.stops.read().freeze).reason == "shorter"


def test_a_freeze_that_is_over_keeps_no_other_one_out(world: World) -> None:
    over = Cause(reason="over", by="ops", at=world.clock())
    world.qa.stops.change("freeze set", lambda stops: frozen(stops, over, world.clock()), OPS, {})
    freeze(CALL, "qa", until="2099-01-01T00:00Z", reason="holidays")
    assert there(world.qa.stops.read().freeze).reason == "holidays"


def test_a_freeze_ends_by_itself_or_is_lifted(world: World) -> None:
    put(world, "1.0.0")
    freeze(CALL, "qa", until="2099-12-24T18:00+01:00", reason="holidays")
    assert refused(to_qa()) == ["no freeze"]
    assert "frozen until 2099-12-24T17:00:00+00:00" in status_text(status(STAGELINE, "qa"))
    lift_freeze(CALL, "qa", reason="back")
    assert (refused(to_qa()), kinds(world.qa.ledger)) == ([], ["freeze set", "freeze lifted"])
    with pytest.raises(Refused, match="not frozen"):
        lift_freeze(CALL, "qa", reason="again")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("tomorrow", "'tomorrow' is no time", id="no-time"),
        pytest.param("2026-12-24T18:00", "names no zone", id="no-zone"),
        pytest.param("2026-11-20T12:59:59+01:00", "is over", id="over"),
        pytest.param("9999-12-31T23:59:59-01:00", "not in the years 1 to 9999", id="after-all-years"),
        pytest.param("0001-01-01T00:00:00+01:00", "not in the years 1 to 9999", id="before-all-years"),
    ],
)
def test_the_end_of_a_freeze_names_its_zone_and_is_still_to_come(world: World, text: str, why: str) -> None:
    with pytest.raises(WrongUsage, match=why):
        checked_end(text, world.clock())


def test_a_freeze_stops_only_for_its_time(world: World) -> None:
    put(world, "1.0.0")
    end = (world.qa.ledger.now() + timedelta(days=9000)).isoformat()
    freeze(CALL, "qa", until=end, reason="holidays")
    assert refused(to_qa()) == ["no freeze"]
