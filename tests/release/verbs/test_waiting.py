"""`promote --wait`: whoever is at work is waited for, as long as was said, and then it is deployed."""

from dataclasses import replace

import pytest

from release.cli import release
from release.deployment.executor import Deployed
from release.errors import LeaseHeld
from release.ledger.lease import LOOK
from release.ledger.ledger import Entry
from release.verbs.promote import Route, promote_into
from tests.release.deploying import Silent, put, state
from tests.release.ledger.taking import ANN, Taker, beating
from tests.release.world import OPS, World


class AtWork:
    """Somebody who holds the lease of dev, and gives it back after so many looks at it."""

    def __init__(self, world: World, looks: int) -> None:
        self._world = world
        entry = Entry(kind="note", state=state(world))
        self._holder = world.dev.ledger.begin(entry, world.dev.ledger.head(), ANN)
        self._left = looks

    def look(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._world.dev.ledger.give_back(self._holder.lease)
        elif self._left > 0:
            beating(self._world, self._holder)()


@pytest.fixture
def taker(world: World) -> Taker:
    """Who wants to promote 1.1.0 to dev, where 1.0.0 is live and somebody is at work."""
    put(world, "1.0.0")
    world.publish("1.1.0")
    return Taker(world, AtWork(world, 90).look)


def promote_by(taker: Taker, wait: float) -> Deployed:
    route = Route(source=None, target="dev", wait=wait)
    return promote_into(replace(taker.world.dev, ledger=taker.ledger), "1.1.0", route, OPS, Silent())


def test_a_promotion_that_waits_begins_when_the_lease_is_given_back(taker: Taker) -> None:
    assert promote_by(taker, 600).version == "1.1.0"
    assert taker.waited == 90 * LOOK
    assert (state(taker.world).live.release, state(taker.world).open) == ("1.1.0", None)


@pytest.mark.parametrize("wait", [0, 30], ids=["not-at-all", "for-a-while"])
def test_who_is_still_at_work_after_that_is_named(taker: Taker, wait: float) -> None:
    with pytest.raises(LeaseHeld, match=r"dev is being deployed by .*user/ann on desk.*--wait"):
        promote_by(taker, wait)
    assert taker.waited == wait
    assert state(taker.world).live.release == "1.0.0"


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        pytest.param([], None, id="not-said"),
        pytest.param(["--wait"], 10, id="as-long-as-usual"),
        pytest.param(["--wait", "2.5"], 2.5, id="as-long-as-said"),
        pytest.param(["--wait", "--plan"], 10, id="before-another-option"),
    ],
)
def test_how_long_is_said_in_minutes(arguments: list[str], minutes: float | None) -> None:
    verb = release.commands["promote"]
    assert verb.make_context("promote", ["1.0.0", "--to", "qa", *arguments]).params["wait"] == minutes
