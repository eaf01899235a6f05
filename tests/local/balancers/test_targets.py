"""A target is checked while listeners can reach it, drains while requests are open, and is forgotten."""

import pytest

from local.balancers.health import Health
from local.balancers.targets import Standing, Target

BLUE = Target(group="blue", known_as="i-1", scheme="http", address="127.0.0.1", port=8081)
HEALTHY = Health(state="healthy", reason=None, description=None)
DELAYS = {"blue": 30.0}


@pytest.fixture
def standing() -> Standing:
    standing = Standing()
    standing.reconcile([BLUE], DELAYS, now=100)
    standing.measured(BLUE, HEALTHY)
    return standing


def test_a_new_target_is_initial() -> None:
    standing = Standing()
    changes = standing.reconcile([BLUE], DELAYS, now=0)
    assert (changes.came, state(standing)) == (frozenset([BLUE]), "initial")


@pytest.mark.parametrize(("open_requests", "later", "expected"), [(1, 29, "draining"), (1, 30, None), (0, 0, None)])
def test_a_target_that_left_drains_while_requests_are_open_and_the_delay_lasts(
    standing: Standing, open_requests: int, later: int, expected: str | None
) -> None:
    for _ in range(open_requests):
        standing.opened(BLUE)
    left = standing.reconcile([], DELAYS, now=100).left
    standing.reconcile([], DELAYS, now=100 + later)
    assert (left, state(standing)) == (frozenset([BLUE]), expected)


def test_draining_ends_with_the_last_request(standing: Standing) -> None:
    standing.opened(BLUE)
    standing.opened(BLUE)
    seen = []
    for _ in range(3):
        standing.reconcile([], DELAYS, now=101)
        seen.append(state(standing))
        standing.closed(BLUE)
    assert seen == ["draining", "draining", None]


def test_a_target_of_a_deleted_group_does_not_drain(standing: Standing) -> None:
    standing.opened(BLUE)
    standing.reconcile([], {}, now=101)
    assert state(standing) is None


def test_a_draining_target_that_comes_back_is_initial_again(standing: Standing) -> None:
    standing.opened(BLUE)
    standing.reconcile([], DELAYS, now=101)
    standing.reconcile([BLUE], DELAYS, now=102)
    assert (state(standing), standing.is_healthy(BLUE)) == ("initial", False)


def test_what_a_late_check_finds_out_about_a_target_that_left_is_nobodys_health(standing: Standing) -> None:
    standing.reconcile([], DELAYS, now=101)
    assert standing.measured(BLUE, HEALTHY) is None
    assert not standing.is_healthy(BLUE)


def state(standing: Standing) -> str | None:
    found = standing.find("blue", "i-1", 8081)
    return found.state if found else None
