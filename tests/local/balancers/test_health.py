"""A target's state follows from its checks by AWS's rules."""

import pytest

from local.balancers.health import Check, Health, State, accepts

CHECK = Check(
    scheme="http", path="/health", port="traffic-port", interval=5, timeout=2, healthy=3, unhealthy=2, codes="200"
)


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ("", "initial"),
        ("+", "healthy"),
        ("-", "initial"),
        ("--", "unhealthy"),
        ("-+", "healthy"),
        ("+-", "healthy"),
        ("+-+-+-", "healthy"),
        ("+--", "unhealthy"),
        ("--++", "unhealthy"),
        ("--+++", "healthy"),
        ("--++-+", "unhealthy"),
        ("--++-+++", "healthy"),
    ],
)
def test_the_state_follows_from_the_checks(results: str, state: State) -> None:
    assert after(results).state == state


def test_an_unhealthy_target_says_why() -> None:
    health = after("--")
    assert (health.reason, health.description) == ("Target.Timeout", "Request timed out")


def test_a_healthy_target_has_no_reason() -> None:
    health = after("--+++")
    assert (health.reason, health.description) == (None, None)


@pytest.mark.parametrize(
    ("codes", "status", "accepted"),
    [
        ("200", 200, True),
        ("200", 201, False),
        ("200-299", 204, True),
        ("200-299", 300, False),
        ("200,302", 302, True),
        ("200, 400-404", 404, True),
        ("200,400-404", 405, False),
    ],
)
def test_a_matcher_lists_codes_and_ranges(codes: str, status: int, accepted: bool) -> None:
    assert accepts(codes, status) is accepted


def after(results: str) -> Health:
    health = Health()
    for result in results:
        if result == "+":
            health = health.after_success(CHECK)
        else:
            health = health.after_failure(CHECK, "Target.Timeout", "Request timed out")
    return health
