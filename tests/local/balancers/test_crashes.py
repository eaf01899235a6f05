"""A crash is seen in the status, and calls end with an error instead of waiting for ever."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from local.balancers import Balancers
from local.errors import CloudError
from local.pace import Pace
from tests.local.balancers.world import (
    ARN,
    HERE,
    NOTHING_LIVE,
    Around,
    Backend,
    Listener,
    LoadBalancer,
    World,
    free_port,
    wait_until,
)

pytestmark = pytest.mark.enable_socket


class Trouble(Around):
    """Finding a target's address goes wrong when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException | None = None
        self.hangs, self.goes_on = False, Event()

    def address_of(self, backend: Any, target_id: str) -> str:
        if self.error:
            raise self.error
        if self.hangs:
            self.goes_on.wait(20)
        return HERE


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def world(trouble: Trouble) -> Iterator[World]:
    backend, model = Backend(), LoadBalancer()
    balancers = Balancers(trouble.doors(), Pace(factor=10), call_limit=0.5)
    balancers.start()
    balancers.add(backend, model, HERE)
    world = World(balancers, backend, model, free_port(), trouble)
    forward = world.group("blue")
    world.listen(forward)
    backend.target_groups["blue"].targets["i-0"] = {"Id": "i-0", "Port": free_port()}
    yield world
    trouble.goes_on.set()
    balancers.close()


def state(world: World) -> str:
    return str(world.balancers.status()[0]["state"])


def is_refused(world: World) -> bool:
    try:
        world.get()
    except OSError as error:
        return "refused" in str(error)
    return False


def test_all_is_well_at_first(world: World) -> None:
    assert state(world) == "running"


def test_a_supervisor_that_died_is_seen(world: World, trouble: Trouble) -> None:
    trouble.error = RuntimeError("moto's models are not what they were")
    wait_until(lambda: state(world) == "crashed")


def test_a_loop_that_died_is_seen_its_ports_are_closed_and_calls_say_so(world: World, trouble: Trouble) -> None:
    trouble.error = SystemExit()
    wait_until(lambda: state(world) == "crashed")
    trouble.error = None  # once is enough: requests may still come in while the ports are being closed
    with pytest.raises(CloudError, match="have crashed"):
        world.balancers.metrics()
    wait_until(lambda: is_refused(world))


def test_a_call_into_a_loop_that_hangs_ends_with_an_error(world: World, trouble: Trouble) -> None:
    trouble.hangs = True
    wait_until(lambda: state(world) == "crashed")
    with pytest.raises(CloudError, match=r"no answer within 0\.5 s"):
        world.balancers.refresh(ARN)


def test_a_port_whose_listener_the_balancer_does_not_know_is_missed(world: World) -> None:
    world.model.listeners["new"] = Listener(free_port(), [])
    assert state(world) == "crashed"


def test_balancers_of_a_kept_cloud_listen_again_at_the_same_address(world: World) -> None:
    world.listen(NOTHING_LIVE)
    world.balancers.close()
    again = Balancers(Around().doors(), Pace(factor=10))
    again.start()
    again.add(world.backend, world.model, HERE)
    again.refresh(ARN)
    answer = world.get()
    again.close()
    assert answer == (503, b"nothing is live")
