"""A target that leaves finishes the requests that it has, and gets no new ones."""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event

import pytest

from tests.local.balancers.world import (
    NOTHING_LIVE,
    Action,
    Answer,
    Application,
    Listener,
    World,
    free_port,
    wait_until,
)

pytestmark = pytest.mark.enable_socket


def test_an_open_request_outlives_its_target_which_is_draining_until_then(world: World, blue: Application) -> None:
    with ThreadPoolExecutor() as pool:
        answer = open_request(world, blue, pool)
        world.backend.target_groups["blue"].targets.clear()
        during, meanwhile = health(world, blue), world.get()[0]
        blue.may_answer.set()
        assert (during, meanwhile, answer.result(10)) == ("draining", 503, (200, b"blue"))
        wait_until(lambda: health(world, blue) == "unused")


def test_a_target_whose_group_left_the_listener_drains_too(world: World, blue: Application) -> None:
    with ThreadPoolExecutor() as pool:
        answer = open_request(world, blue, pool)
        world.listen(NOTHING_LIVE)
        during, meanwhile = health(world, blue), world.get()
        blue.may_answer.set()
        assert (during, meanwhile[0], answer.result(10)) == ("draining", 503, (200, b"blue"))


def test_a_target_without_an_open_request_does_not_drain(world: World, blue: Application) -> None:
    world.listen(world.group("blue", blue))
    world.become("blue", "healthy")
    world.backend.target_groups["blue"].targets.clear()
    assert health(world, blue) == "unused"


def test_draining_ends_with_the_deregistration_delay_but_the_request_does_not(world: World, blue: Application) -> None:
    with ThreadPoolExecutor() as pool:
        answer = open_request(world, blue, pool, delay=1)
        world.backend.target_groups["blue"].targets.clear()
        during = health(world, blue)
        wait_until(lambda: health(world, blue) == "unused")
        blue.may_answer.set()
        assert (during, answer.result(10)) == ("draining", (200, b"blue"))


def test_a_listener_that_moves_lets_open_requests_finish(world: World, blue: Application) -> None:
    with ThreadPoolExecutor() as pool:
        answer = open_request(world, blue, pool)
        world.model.listeners.clear()
        world.balancers.refresh(world.model.arn)
        blue.may_answer.set()
        assert answer.result(10) == (200, b"blue")


def more_than(answers: list[tuple[int, bytes]], number: int) -> bool:
    return len(answers) > number


def test_no_request_is_dropped_while_the_listener_goes_to_and_fro(
    world: World, blue: Application, green: Application
) -> None:
    forward = {"blue": world.group("blue", blue), "green": world.group("green", green)}
    world.listen(forward["blue"])
    live = world.model.listeners["live"]
    for action in forward.values():
        port = free_port()
        world.model.listeners[str(port)] = Listener(port, [Action(action)])
    world.become("blue", "healthy")
    world.become("green", "healthy")
    enough, answers = Event(), list[tuple[int, bytes]]()
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask_until, world, enough, answers)
        for turn in range(20):
            live.default_actions[0].data = forward[("green", "blue")[turn % 2]]
            world.balancers.refresh(world.model.arn)
            wait_until(partial(more_than, answers, len(answers) + 2))
        enough.set()
        asking.result(10)
    assert {status for status, _ in answers} == {200}
    assert {body for _, body in answers} == {b"blue", b"green"}


def open_request(world: World, blue: Application, pool: ThreadPoolExecutor, delay: int = 3000) -> Future[Answer]:
    """A request that blue has taken and not answered."""
    world.listen(world.group("blue", blue))
    world.backend.target_groups["blue"].attributes["deregistration_delay.timeout_seconds"] = delay
    world.become("blue", "healthy")
    answer = pool.submit(world.get, "/slow")
    assert blue.reached.wait(10)
    return answer


def ask_until(world: World, enough: Event, answers: list[Answer]) -> None:
    while not enough.is_set():
        answers.append(world.get())


def health(world: World, blue: Application) -> str:
    return world.balancers.health("blue", "i-0", blue.port).state
