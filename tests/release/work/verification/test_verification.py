"""Whom verification asks, and how long it waits."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from release.doors.aws.balancer import Balancer, TargetHealth
from release.doors.aws.session import aws_call
from release.doors.probe import Answer, Probe, Request
from release.process.errors import Broken, Inconclusive, VerificationFailed
from release.records.artifacts.manifest import Check
from release.rules.objections import (
    Group,
)
from release.work.verification.verification import (
    HEALTH_LIMIT,
    IN_A_ROW,
    TRIES,
    Verification,
    health_limit,
    target_objection,
)
from settings.model import Health
from tests.release.values import (
    CHECK,
    FAILED,
    ILL,
    PASSED,
    POST,
    REFUSED,
    SILENT,
    UNTOLD,
    WELL,
    answer,
    manifest,
    outcome,
    target,
)


@dataclass
class Groups(Balancer):
    """A balancer with a view of each group, which writes down what it was asked for."""

    views: dict[str, tuple[TargetHealth, ...]]
    asked: list[str] = field(default_factory=list)

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        self.asked.append(target_group)
        return self.views[target_group]


@pytest.mark.parametrize(
    ("group", "expected", "asked"),
    [
        pytest.param(Group(arn="new", servers=1, beside="old"), UNTOLD, ["new", "old"], id="ill-in-both"),
        pytest.param(Group(arn="new", servers=1), FAILED, ["new"], id="nothing-runs-beside-it"),
        pytest.param(Group(arn="well", servers=1, beside="old"), PASSED, ["well"], id="nothing-to-compare"),
        pytest.param(Group(arn="new", servers=1, beside="old", out=frozenset({"i-2"})), PASSED, ["new"], id="out"),
    ],
)
def test_the_other_slot_is_asked_about_where_a_server_is_ill(group: Group, expected: str, asked: list[str]) -> None:
    balancer = Groups({"new": (ILL,), "old": (ILL,), "well": (WELL,)})
    assert outcome(target_objection(balancer, group)) == expected
    assert balancer.asked == asked


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        pytest.param((10, 5, 2), HEALTH_LIMIT, id="at-least-as-long-as-ever"),
        pytest.param((30, 5, 5), 340.0, id="what-aws-has-by-default"),
        pytest.param((300, 120, 10), 6270.0, id="the-slowest"),
    ],
)
def test_health_is_waited_for_as_long_as_the_declared_checks_take(health: tuple[int, ...], expected: float) -> None:
    interval, timeout, healthy = health
    assert health_limit(Health(interval=interval, timeout=timeout, healthy=healthy, unhealthy=2)) == expected


@given(st.integers(5, 300), st.integers(2, 120), st.integers(2, 10))
def test_health_checks_can_be_answered_twice_within_the_limit(interval: int, timeout: int, healthy: int) -> None:
    health = Health(interval=interval, timeout=timeout, healthy=healthy, unhealthy=2)
    assert health_limit(health) > 2 * (interval * healthy + timeout)


class Answers(Probe):
    """A probe with a list of answers; the last one is given for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[Request] = []

    def send(self, base: str, request: Request) -> Answer:
        self.sent.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Targets(Balancer):
    """A balancer that raises or answers with each of these in turn; the last one for ever."""

    def __init__(self, *views: Exception | tuple[TargetHealth, ...]) -> None:
        self.views = list(views)

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        view = self.views.pop(0) if len(self.views) > 1 else self.views[0]
        if isinstance(view, Exception):
            with aws_call("read the health of the targets"):
                raise view
        return view


def aws_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "DescribeTargetHealth")


HEALTHY = (target("i-1"),)
NO_PROBE, NO_BALANCER = Answers(), Targets()
NOBODY = EndpointConnectionError(endpoint_url="https://elasticloadbalancing")


def verification(probe: Probe = NO_PROBE, balancer: Balancer = NO_BALANCER) -> Verification:
    return Verification(probe, balancer, pause=lambda seconds: None)


def test_one_wrong_answer_among_right_ones_starts_the_count_again() -> None:
    right, wrong = answer(), answer(body='{"version": "0.9.0"}')
    probe = Answers(right, right, wrong, right)
    verification(probe).wait_until_answering("http://live", "1.0.0")
    assert len(probe.sent) == 3 + IN_A_ROW


def test_waiting_ends_with_what_was_seen_last() -> None:
    with pytest.raises(VerificationFailed, match="after 0 s: /health answered 503"):
        verification(Answers(answer(status=503))).wait_until_answering("http://live", "1.0.0", limit=0)


def test_a_listener_that_is_not_reached_says_nothing_about_the_release() -> None:
    with pytest.raises(Inconclusive, match="after 0 s: /health could not be reached"):
        verification(Answers(REFUSED)).wait_until_answering("http://live", "1.0.0", limit=0)


@pytest.mark.parametrize("error", [NOBODY, aws_error("Throttling", 400), aws_error("InternalFailure", 500)])
def test_a_balancer_that_cannot_be_asked_just_now_is_asked_again(error: Exception) -> None:
    verification(balancer=Targets(error, error, HEALTHY)).wait_until_healthy("tg", 1)


def test_a_balancer_that_cannot_be_asked_in_time_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match=r"the balancer could not be asked: .*Throttling"):
        verification(balancer=Targets(aws_error("Throttling", 400))).wait_until_healthy("tg", 1, limit=0)


def test_a_balancer_that_refuses_is_an_error_at_once() -> None:
    with pytest.raises(Broken, match="AccessDenied") as caught:
        verification(balancer=Targets(aws_error("AccessDenied", 403), HEALTHY)).wait_until_healthy("tg", 1)
    assert not isinstance(caught.value, VerificationFailed)


def test_health_is_waited_for_up_to_the_limit_that_was_given() -> None:
    times = iter((0.0, 339.0, 341.0))
    initial = (target("i-1", "initial"),)
    waiting = Verification(
        NO_PROBE, Targets(initial), health_limit=340.0, pause=lambda seconds: None, ticks=lambda: next(times)
    )
    with pytest.raises(Inconclusive, match="after 340 s: the balancer says: i-1 is initial"):
        waiting.wait_until_healthy("tg", 1)


def test_a_server_that_is_ill_in_both_slots_ends_the_waiting_inconclusively() -> None:
    with pytest.raises(Inconclusive, match="i-2 is unhealthy in both slots"):
        verification(balancer=Targets((ILL,))).wait_until_healthy("new", 1, limit=0, beside="old")


def test_a_server_that_is_marked_out_is_not_waited_for() -> None:
    seen = Targets((target("i-1"), ILL))
    verification(balancer=seen).wait_until_healthy("tg", 2, limit=0, out=frozenset({"i-2"}))
    assert verification(balancer=seen).healthy("tg") == {"i-1"}
    assert verification(balancer=seen).why_not_without("i-1", "tg", 1) != ""
    assert verification(balancer=seen).why_not_without("i-1", "tg", 1, frozenset({"i-1", "i-2"})) == ""


@pytest.mark.parametrize(
    ("state", "error"), [pytest.param("unhealthy", VerificationFailed), pytest.param("initial", Inconclusive)]
)
def test_a_target_that_does_not_become_healthy_ends_by_its_state(state: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"after 0 s: the balancer says: i-1 is {state}"):
        verification(balancer=Targets((target("i-1", state),))).wait_until_healthy("tg", 1, limit=0)


def test_every_failed_smoke_check_is_named() -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK, Check(name="page", path="/")))
    with pytest.raises(VerificationFailed, match=r"list: GET /api/projects answered 500.*; page: GET / answered 500"):
        verification(Answers(answer(status=500))).smoke("http://live", release)


def test_smoke_checks_that_do_not_reach_the_listener_are_inconclusive() -> None:
    release, probe = replace(manifest("1.0.0"), checks=(CHECK,)), Answers(REFUSED)
    with pytest.raises(Inconclusive, match="the smoke checks could not be run: list: GET /api/projects could not be"):
        verification(probe).smoke("http://live", release)
    assert len(probe.sent) == TRIES


def test_one_wrong_answer_is_a_failure_also_when_others_did_not_get_through() -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK, Check(name="page", path="/")))
    with pytest.raises(VerificationFailed, match=r"answered 500.*; page: GET / could not be reached"):
        verification(Answers(answer(status=500), REFUSED)).smoke("http://live", release)


def test_a_listener_that_is_reached_at_the_second_try_is_asked_there() -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK,))
    assert verification(Answers(REFUSED, answer(body="projects"))).smoke("http://live", release) == {"list": 5}


@pytest.mark.parametrize("first", [answer(body="projects", milliseconds=900), SILENT], ids=["slow", "silent"])
def test_a_slow_first_answer_is_asked_for_once_more(first: Answer) -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK,))
    probe = Answers(first, answer(body="projects", milliseconds=9))
    assert verification(probe).smoke("http://live", release) == {"list": 9}


def test_too_slow_twice_is_a_failure() -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK,))
    with pytest.raises(VerificationFailed, match="took 900 ms, 200 are allowed"):
        verification(Answers(answer(body="projects", milliseconds=900))).smoke("http://live", release)


@pytest.mark.parametrize(
    ("given", "error"),
    [pytest.param(answer(body="projects"), VerificationFailed), pytest.param(REFUSED, Inconclusive)],
    ids=["slow", "not-reached"],
)
def test_smoke_checks_end_after_ten_minutes(given: Answer, error: type[Exception]) -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK, Check(name="page", path="/")))
    times = iter((0.0, 1.0, 601.0))
    checker = Verification(Answers(given), NO_BALANCER, pause=lambda seconds: None, ticks=lambda: next(times))
    with pytest.raises(error, match="page: the 600 s for all smoke checks were over"):
        checker.smoke("http://live", release)


@pytest.mark.parametrize("given", [answer(status=201, milliseconds=900), REFUSED], ids=["slow", "not-reached"])
def test_a_post_is_sent_only_once(given: Answer) -> None:
    release, probe = replace(manifest("1.0.0"), checks=(POST,)), Answers(given)
    with pytest.raises((VerificationFailed, Inconclusive)):
        verification(probe).smoke("http://live", release)
    assert len(probe.sent) == 1
