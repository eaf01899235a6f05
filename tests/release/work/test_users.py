"""What is said of users is what the live URL answers at that moment, and who moves them has the lease."""

import pytest
from botocore.exceptions import ReadTimeoutError

from contract.slots import SlotName
from release.doors.aws.listeners import Entrance
from release.process.errors import Broken, LeaseLost
from release.records.ledger.head import State
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry
from release.rules.seen import Seen
from release.work.users import move_users, what_users_see
from tests.release.deploying import put
from tests.release.world import OPS, World


def test_it_is_asked_of_the_listener_and_not_of_the_ledger(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    assert what_users_see(world.dev).words == "users are on 1.1.0"
    world.servers["dev"].live = "blue"
    heard = frozenset({"1.0.0"})
    assert what_users_see(world.dev) == Seen(version="1.0.0", words="users are on 1.0.0", heard=heard)


class Lost:
    """Listeners that AWS does not tell of."""

    def find(self) -> Entrance:
        raise Broken("cannot look for the load balancer: AccessDenied", hint="ask for it")


def test_who_cannot_ask_says_so_and_why(world: World) -> None:
    object.__setattr__(world.dev, "listeners", Lost())
    words = "what users see could not be asked (cannot look for the load balancer: AccessDenied)"
    assert what_users_see(world.dev) == Seen(version=None, words=words)


ENTRY = Entry(kind="noted", state=State())


def lost_call(slot: SlotName | None) -> None:
    raise Broken("cannot move the live listener: timeout") from ReadTimeoutError(endpoint_url="elb")


def answered(slot: SlotName | None) -> None:
    """A call without trouble."""


def test_a_call_that_moves_users_and_is_not_answered_is_made_again(world: World) -> None:
    listeners, pauses = world.dev.listeners, []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            listeners.before_move = answered

    listeners.before_move = lost_call
    with world.dev.ledger.begin(ENTRY, world.dev.ledger.head(), OPS) as holder:
        move_users(world.dev, holder, listeners.find(), "green", pause)
    assert (pauses, world.servers["dev"].live) == ([1.0, 2.0], "green")


def test_nobody_moves_users_again_whose_lease_was_taken_over_meanwhile(world: World) -> None:
    listeners, ledger = world.dev.listeners, world.dev.ledger

    def taken_over(seconds: float) -> None:
        listeners.before_move = answered
        free = ledger.free_lease(Patience(until_silent=True))
        ledger.begin(ENTRY, ledger.head(), OPS, free)

    listeners.before_move, ledger.is_asleep = lost_call, True
    with ledger.begin(ENTRY, ledger.head(), OPS) as holder, pytest.raises(LeaseLost):
        move_users(world.dev, holder, listeners.find(), "green", taken_over)
    assert world.servers["dev"].live is None
