"""What is said of users is what the live URL answers at that moment."""

from release.doors.aws.listeners import Entrance
from release.process.errors import Broken
from release.rules.seen import Seen
from release.work.users import what_users_see
from tests.release.deploying import put
from tests.release.world import World


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
