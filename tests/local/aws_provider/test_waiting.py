"""Waiting for AWS to reach a state."""

from collections.abc import Iterator
from threading import Event

import pytest

from local.aws_provider.waiting import LONGEST, LOOK_EVERY, WaitedInVain, wait_until


class Clock:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0

    def pause(self, seconds: float) -> bool:
        self.now += seconds
        return False

    def read(self) -> float:
        return self.now


def test_a_state_that_is_there_costs_no_waiting() -> None:
    clock = Clock()
    wait_until(lambda: True, "it", pause=clock.pause, clock=clock.read)
    assert clock.now == 0


def test_it_looks_until_the_state_is_reached() -> None:
    clock, answers = Clock(), iter_of(False, False, True)
    wait_until(lambda: next(answers), "it", pause=clock.pause, clock=clock.read)
    assert clock.now == 2 * LOOK_EVERY


def iter_of(*values: bool) -> Iterator[bool]:
    """Give the values one by one."""
    return iter(values)


def test_it_gives_up_with_the_name_of_what_it_waited_for() -> None:
    clock = Clock()
    with pytest.raises(WaitedInVain, match="waited 1800 s for database x"):
        wait_until(lambda: False, "database x", pause=clock.pause, clock=clock.read)
    assert clock.now > LONGEST


def test_it_stops_when_it_is_cancelled() -> None:
    cancelled = Event()
    cancelled.set()
    with pytest.raises(WaitedInVain, match="cancelled while waiting for database x: run it again"):
        wait_until(lambda: False, "database x", pause=cancelled.wait)
