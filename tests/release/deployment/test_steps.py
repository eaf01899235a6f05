"""The watched step: what it leaves in the ledger, and which outcome ends how."""

import io

import pytest

from release.deployment.executor import Order, deploy
from release.errors import Inconclusive, VerificationFailed
from release.output import Progress
from tests.release.world import OPS, World


def put(world: World, version: str):
    order = Order(kind="promotion", manifest=world.publish(version), head=world.dev.ledger.head(), gates=())
    return deploy(world.dev, order, OPS, Progress(io.StringIO()))


def test_what_was_watched_is_evidence(world: World) -> None:
    watched = put(world, "1.0.0").evidence["watched"]
    assert (watched["wrong"], watched["restarts"]) == (0, {"env-servers-1": 0, "env-servers-2": 0})
    assert watched["requests"] > 1
    assert watched["smoke_ms"] == {"projects": 3}
    (event,) = [one for one in world.dev.ledger.events() if (one.kind, one.step) == ("step done", "watched")]
    assert event.details == watched


def test_a_release_that_restarts_while_it_is_watched_is_put_back(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].restarts_in_watch = {"1.1.0"}
    with pytest.raises(VerificationFailed, match="restarts of the release on env-servers-1"):
        put(world, "1.1.0")
    state = world.dev.ledger.head().state
    assert (state.live.release, state.open, world.servers["dev"].live) == ("1.0.0", None, "blue")


def test_a_listener_that_is_not_reached_leaves_the_deployment_open(world: World) -> None:
    put(world, "1.0.0")
    world.servers["dev"].unreachable = {"1.1.0"}
    with pytest.raises(Inconclusive, match="could not be reached"):
        put(world, "1.1.0")
    assert world.dev.ledger.head().state.open is not None
    assert world.servers["dev"].live == "green"
