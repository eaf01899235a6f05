"""How a deployment ended is said by the event that closes it, whichever way out it took."""

from collections.abc import Callable

import pytest

from release.process.errors import Inconclusive, VerificationFailed
from release.verbs.accept import accept_open
from release.verbs.adopt_listener import adopt
from release.work.executor import abort
from tests.release.deploying import Silent, put, reachable_again, unreachable
from tests.release.world import OPS, World


def unseen(world: World) -> None:
    """1.1.0 is behind the switch, and nobody can tell how it is."""
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, "1.1.0")
    reachable_again(world)


def accepted(world: World) -> None:
    unseen(world)
    accept_open(world.dev, "I saw it", OPS, Silent())


def adopted(world: World) -> None:
    unseen(world)
    world.servers["dev"].live = "blue"
    adopt(world.dev, "moved in the console", OPS, Silent())


def failed(world: World) -> None:
    world.servers["dev"].fails_smoke = {"1.1.0"}
    with pytest.raises(VerificationFailed):
        put(world, "1.1.0")


def aborted(world: World) -> None:
    unseen(world)
    abort(world.dev, OPS, Silent())


def superseded(world: World) -> None:
    unseen(world)
    put(world, "1.0.0", "rollback")


@pytest.mark.parametrize(
    ("way_out", "how"),
    [
        pytest.param(lambda world: put(world, "1.1.0"), "live", id="by-all-its-steps"),
        pytest.param(accepted, "accepted", id="accepted"),
        pytest.param(adopted, "adopted", id="its-listener-adopted"),
        pytest.param(failed, "put back", id="failed"),
        pytest.param(aborted, "put back", id="aborted"),
        pytest.param(superseded, "superseded", id="by-a-rollback-that-takes-over"),
    ],
)
def test_every_way_out_of_a_deployment_is_told_by_the_event_that_closes_it(
    world: World, way_out: Callable[[World], object], how: str
) -> None:
    put(world, "1.0.0")
    before = world.dev.ledger.head().seq
    way_out(world)
    events = [event for event in world.dev.ledger.events() if event.seq > before]
    first = events[0].deployment
    [over] = [event.ended for event in events if event.ended and event.ended.deployment == first]
    assert (over.kind, over.release, over.how) == ("promotion", "1.1.0", how)


def test_a_rollback_that_took_over_ends_by_itself(world: World) -> None:
    put(world, "1.0.0")
    superseded(world)
    endings = [(event.ended.kind, event.ended.how) for event in world.dev.ledger.events() if event.ended]
    assert endings == [("promotion", "live"), ("promotion", "superseded"), ("rollback", "live")]
