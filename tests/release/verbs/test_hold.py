"""`release hold`: promotions are kept out until a person lifts that, also while somebody is at work."""

import pytest

from release.process.errors import Refused
from release.records.ledger.ledger import Entry
from release.verbs.hold import hold, lift_hold
from release.verbs.status import status, status_text
from tests.release.deploying import CALL, kinds, put, refused, to_qa
from tests.release.world import OPS, STAGELINE, World
from tests.there import there


def test_a_hold_keeps_promotions_out_until_it_is_lifted_and_both_are_in_the_ledger(world: World) -> None:
    put(world, "1.0.0")
    hold(CALL, "qa", reason="incident 7")
    assert (refused(to_qa()), status(STAGELINE, "qa")["environments"][0]["hold"]["reason"]) == (
        ["no hold"],
        "incident 7",
    )
    assert status_text(status(STAGELINE, "qa")).splitlines()[1].endswith("on hold")
    with pytest.raises(Refused, match="on hold already"):
        hold(CALL, "qa", reason="incident 8")
    lift_hold(CALL, "qa", reason="mended")
    assert (refused(to_qa()), kinds(world.qa.ledger)) == ([], ["hold set", "hold lifted"])
    with pytest.raises(Refused, match="not on hold"):
        lift_hold(CALL, "qa", reason="again")


def test_stops_are_set_and_lifted_while_somebody_is_at_work(world: World) -> None:
    """The emergency brake does not wait for the train."""
    head = world.qa.ledger.head()
    world.qa.ledger.begin(Entry(kind="note", state=head.state), head, OPS)
    hold(CALL, "qa", reason="incident 7")
    assert there(world.qa.stops.read().hold).reason == "incident 7"
    lift_hold(CALL, "qa", reason="mended")
    assert world.qa.stops.read().hold is None
