"""Answers and target health judged as values, and how long verification waits."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from release.doors.aws.balancer import Balancer, TargetHealth
from release.doors.aws.session import aws_call
from release.doors.http import Answer, Probe, Request
from release.process.errors import Broken, Inconclusive, VerificationFailed
from release.process.text import MOST
from release.records.artifacts.manifest import Check
from release.work.verification.verification import (
    HEALTH_LIMIT,
    IN_A_ROW,
    TRIES,
    Fault,
    Place,
    Verification,
    as_error,
    as_request,
    check_fault,
    health_limit,
    healthy_in,
    target_fault,
    unhealthy_fault,
    version_fault,
)
from settings.model import Health
from tests.release.values import manifest

CHECK = Check(name="list", path="/api/projects", contains="projects")
POST = Check(name="add", path="/api/projects", method="POST", body="{}", headers={"X-Test": "yes"}, status=201)
REFUSED = Answer(status=0, body="ConnectionRefusedError: refused", milliseconds=0)
SILENT = Answer(status=0, body="TimeoutError: timed out", milliseconds=5000, late=True)
TORN = Answer(status=0, body="Torn: 200, and then 5 bytes too few", milliseconds=5, torn=True)
FAILED, UNTOLD, PASSED = "failed", "untold", "passed"


def outcome(fault: Fault | None) -> str:
    return PASSED if fault is None else FAILED if fault.failed else UNTOLD


def said(fault: Fault | None) -> str:
    return fault.why if fault else ""


def answer(status: int = 200, body: str = '{"version": "1.0.0"}', milliseconds: int = 5) -> Answer:
    return Answer(status=status, body=body, milliseconds=milliseconds)


@pytest.mark.parametrize(
    ("given", "expected", "why"),
    [
        pytest.param(answer(), PASSED, "", id="the-release"),
        pytest.param(answer(status=500), FAILED, "answered 500", id="ill"),
        pytest.param(answer(status=503), FAILED, "answered 503", id="nothing-behind-the-balancer"),
        pytest.param(answer(body='{"version": "0.9.0"}'), FAILED, "'0.9.0' instead of '1.0.0'", id="another-release"),
        pytest.param(answer(body="ok"), FAILED, "without a version ('ok') instead of '1.0.0'", id="no-json"),
        pytest.param(answer(body="[1]"), FAILED, "without a version", id="no-object"),
        pytest.param(answer(body='{"version": 1}'), FAILED, "without a version", id="a-version-that-is-a-number"),
        pytest.param(answer(body='{"version": ["1.0.0"]}'), FAILED, "without a version", id="a-version-that-is-a-list"),
        pytest.param(answer(body='{"version": NaN}'), FAILED, "without a version", id="no-number"),
        pytest.param(answer(body='{"version": ' + "9" * 9000 + "}"), FAILED, "without a version", id="huge-number"),
        pytest.param(answer(body='{"version": "\\ud800"}'), FAILED, r"version '\ud800' instead", id="half-a-sign"),
        pytest.param(answer(body="[" * 900_000), FAILED, "without a version", id="nested"),
        pytest.param(answer(body='{"a":' * 100_000), FAILED, "without a version", id="nested-objects"),
        pytest.param(answer(body=json.dumps({"version": "x" * 900_000})), FAILED, "…' instead", id="huge-version"),
        pytest.param(answer(body=json.dumps({"version": "1\x1b[2J"})), FAILED, r"'1\x1b[2J'", id="escapes"),
        pytest.param(
            answer(status=500, body="\x1b]0;x\x07"), FAILED, r"answered 500: '\x1b]0;x", id="ill-with-escapes"
        ),
        pytest.param(TORN, FAILED, "answered only in part: Torn: 200, and then", id="torn"),
        pytest.param(SILENT, FAILED, "was not answered within 5000 ms", id="silent"),
        pytest.param(REFUSED, UNTOLD, "could not be reached: ConnectionRefused", id="not-reached"),
    ],
)
def test_an_answer_of_the_release_names_its_version(given: Answer, expected: str, why: str) -> None:
    fault = version_fault(given, "1.0.0")
    assert outcome(fault) == expected
    assert why in said(fault)


@pytest.mark.parametrize(
    ("given", "expected", "why"),
    [
        pytest.param(answer(body="projects: []"), PASSED, "", id="passed"),
        pytest.param(answer(status=500, body="projects"), FAILED, "answered 500 instead of 200", id="status"),
        pytest.param(answer(body="nothing"), FAILED, "does not contain 'projects'", id="body"),
        pytest.param(answer(body="projects", milliseconds=201), FAILED, "took 201 ms, 200 are allowed", id="slow"),
        pytest.param(answer(body="projects", milliseconds=200), PASSED, "", id="just-in-time"),
        pytest.param(SILENT, FAILED, "list: GET /api/projects was not answered within 5000 ms", id="silent"),
        pytest.param(REFUSED, UNTOLD, "list: GET /api/projects could not be reached", id="not-reached"),
        pytest.param(TORN, FAILED, "list: GET /api/projects answered only in part", id="torn"),
    ],
)
def test_a_smoke_check_fails_for_a_reason(given: Answer, expected: str, why: str) -> None:
    fault = check_fault(CHECK, given)
    assert outcome(fault) == expected
    assert why in said(fault)


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 999))
def test_whatever_an_answer_holds_is_judged_and_told_in_a_line(body: str, status: int) -> None:
    fault = version_fault(Answer(status=status, body=body, milliseconds=5), "1.0.0")
    assert fault is not None
    assert fault.why.isprintable()
    assert len(fault.why) <= MOST


def test_a_check_of_endless_texts_is_told_in_a_line() -> None:
    endless = Check(name="n\x1b" * 30_000, path="/" + "p" * 60_000, contains="\x7f" * 60_000)
    said_of_it = said(check_fault(endless, answer()))
    assert "GET /ppp" in said_of_it
    assert len(said_of_it) <= MOST


def target(name: str, state: str = "healthy", reason: str = "") -> TargetHealth:
    return TargetHealth(instance=name, state=state, reason=reason)


@pytest.mark.parametrize(
    ("targets", "expected", "why"),
    [
        pytest.param((target("i-1"), target("i-2")), PASSED, "", id="all-healthy"),
        pytest.param((target("i-1"), target("i-2", "unhealthy")), FAILED, "i-2 is unhealthy", id="one-ill"),
        pytest.param(
            (target("i-1", "initial"), target("i-2", "unhealthy")), FAILED, "i-1 is initial", id="ill-and-new"
        ),
        pytest.param((target("i-1"), target("i-2", "initial")), UNTOLD, "i-2 is initial", id="not-looked-at-yet"),
        pytest.param((target("i-1"), target("i-2", "draining")), UNTOLD, "i-2 is draining", id="leaving"),
        pytest.param((target("i-1"), target("i-2", "unavailable")), UNTOLD, "unavailable", id="not-looked-at"),
        pytest.param((target("i-1"),), UNTOLD, "1 of 2 targets", id="one-missing"),
    ],
)
def test_every_target_must_be_healthy(targets: tuple[TargetHealth, ...], expected: str, why: str) -> None:
    fault = unhealthy_fault(targets, 2)
    assert outcome(fault) == expected
    assert why in said(fault)


ONE, WELL = target("i-1"), target("i-2")
ILL = target("i-2", "unhealthy", "Target.Timeout: Request timed out")
BOTH = "i-2 is unhealthy in both slots (Target.Timeout: Request timed out): the server is ill, not the release"


@pytest.mark.parametrize(
    ("here", "elsewhere", "servers", "out", "expected", "why"),
    [
        pytest.param((ONE, ILL), (ONE, ILL), 2, (), UNTOLD, BOTH, id="a-server-ill-in-both"),
        pytest.param((ONE, ILL), (ONE, WELL), 2, (), FAILED, "i-2 is unhealthy (Target", id="only-here"),
        pytest.param((ONE, ILL), (), 2, (), FAILED, "i-2 is unhealthy (Target", id="nothing-elsewhere"),
        pytest.param((ONE, ILL), (target("i-1", "unhealthy"), WELL), 2, (), FAILED, "i-2 is", id="another-elsewhere"),
        pytest.param((target("i-1", "unhealthy"), ILL), (ONE, ILL), 2, (), FAILED, BOTH, id="one-of-each"),
        pytest.param((ILL,), (ILL,), 1, (), UNTOLD, BOTH, id="the-only-server"),
        pytest.param((ONE, ILL), (), 2, ("i-2",), PASSED, "", id="marked-out"),
        pytest.param((ONE,), (), 2, ("i-2",), PASSED, "", id="marked-out-and-gone"),
        pytest.param((ILL,), (), 2, ("i-1",), FAILED, "i-2 is unhealthy", id="another-one-is-marked-out"),
        pytest.param((WELL,), (), 3, ("i-9",), UNTOLD, "1 of 2", id="one-missing-beside-one-that-is-out"),
    ],
)
def test_a_server_that_is_ill_in_both_slots_is_no_fault_of_the_release(
    here: tuple[TargetHealth, ...],
    elsewhere: tuple[TargetHealth, ...],
    servers: int,
    out: tuple[str, ...],
    expected: str,
    why: str,
) -> None:
    fault = unhealthy_fault(here, servers, elsewhere, frozenset(out))
    assert outcome(fault) == expected
    assert why in said(fault)
    assert (fault is not None and fault.server_ill) == (why == BOTH)


def test_healthy_servers_of_a_group_are_counted_by_their_instances() -> None:
    assert healthy_in((target("i-1"), ILL, target("i-3", "initial"), target("i-4"))) == {"i-1", "i-4"}


@dataclass
class Groups(Balancer):
    """A balancer with a view of each group, which writes down what it was asked for."""

    views: dict[str, tuple[TargetHealth, ...]]
    asked: list[str] = field(default_factory=list)

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        self.asked.append(target_group)
        return self.views[target_group]


@pytest.mark.parametrize(
    ("place", "expected", "asked"),
    [
        pytest.param(Place(group="new", servers=1, beside="old"), UNTOLD, ["new", "old"], id="ill-in-both"),
        pytest.param(Place(group="new", servers=1), FAILED, ["new"], id="nothing-runs-beside-it"),
        pytest.param(Place(group="well", servers=1, beside="old"), PASSED, ["well"], id="nothing-to-compare"),
        pytest.param(Place(group="new", servers=1, beside="old", out=frozenset({"i-2"})), PASSED, ["new"], id="out"),
    ],
)
def test_the_other_slot_is_asked_about_where_a_server_is_ill(place: Place, expected: str, asked: list[str]) -> None:
    balancer = Groups({"new": (ILL,), "old": (ILL,), "well": (WELL,)})
    assert outcome(target_fault(balancer, place)) == expected
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


def test_what_speaks_against_a_release_is_told_first_and_what_does_not_fit_is_counted() -> None:
    faults = [Fault(why="untold", failed=False), *(Fault(why=f"{number} {'x' * 490}") for number in range(40))]
    error = as_error(faults, "1.0.0 failed", "it could not be told")
    assert isinstance(error, VerificationFailed)
    assert str(error).startswith("1.0.0 failed: 0 xxx")
    assert str(error).endswith("; and 39 more")


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


def test_a_check_is_sent_as_it_says() -> None:
    sent = as_request(POST)
    assert (sent.method, sent.path, sent.headers, sent.body) == ("POST", "/api/projects", {"X-Test": "yes"}, "{}")


def test_an_answer_is_waited_for_as_long_as_its_check_allows() -> None:
    times = [as_request(replace(CHECK, max_ms=most)).seconds for most in (200, 30_000, 10**12)]
    assert times == [5, 30, 60]
