"""Who takes part in a slot: those that hold what it should, as far as anybody knows."""

import pytest

from release.work.seats import ids_of, not_healthy, seat_holders, seat_told, seat_told_before, unseat
from tests.release.deploying import put, state
from tests.release.world import GROUPS, SERVERS, World
from tests.there import there


@pytest.fixture
def one(world: World) -> World:
    """dev with 1.0.0 live in blue."""
    put(world, "1.0.0")
    return world


def test_who_holds_the_release_takes_part_and_nobody_else(one: World) -> None:
    seat_holders(one.dev, "tg-blue", one.dev.stack.outputs(), [SERVERS[0]])
    assert one.dev.balancer.seated("tg-blue") == {"i-1"}


def test_who_was_told_takes_part_in_both_slots_again_but_for_whom_it_passed_over(one: World) -> None:
    one.servers["dev"].kept_out = {("tg-blue", "i-1"), ("tg-green", "i-2")}
    seat_told(one.dev, one.dev.stack.outputs(), [SERVERS[1]])
    assert one.servers["dev"].kept_out == {("tg-green", "i-2")}


@pytest.mark.parametrize(("holds", "taken_in"), [("1.0.0", True), ("0.9.0", False)])
def test_who_is_missing_in_a_slot_takes_part_where_it_says_that_it_holds_the_same(
    one: World, holds: str, taken_in: bool
) -> None:
    servers = one.servers["dev"]
    servers.kept_out = {("tg-blue", "i-2")}
    servers.held["i-2", "blue"] = {"slot": "blue", "release": holds}
    seat_told_before(one.dev, GROUPS, "blue", there(state(one).blue))
    assert ("i-2" in one.dev.balancer.seated("tg-blue")) == taken_in


def test_nobody_is_taken_out_for_health_where_nobody_is_healthy(one: World) -> None:
    servers = one.servers["dev"]
    servers.ill = {("tg-blue", "i-2"): ("unhealthy", "")}
    assert not_healthy(one.dev, "tg-blue") == {"i-2"}
    servers.ill = {("tg-blue", name): ("unhealthy", "") for name in ("i-1", "i-2")}
    assert not_healthy(one.dev, "tg-blue") == frozenset()


def test_whoever_is_taken_out_leaves_the_others_where_they_are(one: World) -> None:
    unseat(one.dev, "tg-blue", {"i-2"})
    assert one.dev.balancer.seated("tg-blue") == {"i-1"}


def test_the_load_balancer_is_not_asked_to_take_out_nobody(one: World) -> None:
    one.servers["dev"].balancer_refuses = True
    unseat(one.dev, "tg-blue", frozenset())
    assert one.dev.balancer.seated("tg-blue") == {"i-1", "i-2"}


def test_servers_are_known_by_their_names() -> None:
    outputs = {"servers": [{"name": name, "id": f"i-{number}"} for number, name in enumerate(SERVERS, 1)]}
    assert ids_of(outputs, [SERVERS[1], "another"]) == {"i-2"}
