"""Answers and target health, judged as values."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.doors.aws.balancer import TargetHealth
from release.doors.probe import Answer
from release.process.errors import VerificationFailed
from release.process.text import MOST
from release.records.artifacts.manifest import Check
from release.rules.objections import (
    Objection,
    as_error,
    as_request,
    check_objection,
    healthy_in,
    unhealthy_objection,
    version_objection,
)
from tests.release.values import (
    CHECK,
    FAILED,
    ILL,
    ONE,
    PASSED,
    POST,
    REFUSED,
    SILENT,
    UNTOLD,
    WELL,
    answer,
    outcome,
    target,
)

TORN = Answer(status=0, body="Torn: 200, and then 5 bytes too few", milliseconds=5, torn=True)


def said(objection: Objection | None) -> str:
    return objection.why if objection else ""


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
    objection = version_objection(given, "1.0.0")
    assert outcome(objection) == expected
    assert why in said(objection)


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
    objection = check_objection(CHECK, given)
    assert outcome(objection) == expected
    assert why in said(objection)


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 999))
def test_whatever_an_answer_holds_is_judged_and_told_in_a_line(body: str, status: int) -> None:
    objection = version_objection(Answer(status=status, body=body, milliseconds=5), "1.0.0")
    assert objection is not None
    assert objection.why.isprintable()
    assert len(objection.why) <= MOST


def test_a_check_of_endless_texts_is_told_in_a_line() -> None:
    endless = Check(name="n\x1b" * 30_000, path="/" + "p" * 60_000, contains="\x7f" * 60_000)
    said_of_it = said(check_objection(endless, answer()))
    assert "GET /ppp" in said_of_it
    assert len(said_of_it) <= MOST


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
    objection = unhealthy_objection(targets, 2)
    assert outcome(objection) == expected
    assert why in said(objection)


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
    objection = unhealthy_objection(here, servers, elsewhere, frozenset(out))
    assert outcome(objection) == expected
    assert why in said(objection)
    assert (objection is not None and objection.server_ill) == (why == BOTH)


def test_healthy_servers_of_a_group_are_counted_by_their_instances() -> None:
    assert healthy_in((target("i-1"), ILL, target("i-3", "initial"), target("i-4"))) == {"i-1", "i-4"}


def test_what_speaks_against_a_release_is_told_first_and_what_does_not_fit_is_counted() -> None:
    objections = [
        Objection(why="untold", failed=False),
        *(Objection(why=f"{number} {'x' * 490}") for number in range(40)),
    ]
    error = as_error(objections, "1.0.0 failed", "it could not be told")
    assert isinstance(error, VerificationFailed)
    assert str(error).startswith("1.0.0 failed: 0 xxx")
    assert str(error).endswith("; and 39 more")


def test_a_check_is_sent_as_it_says() -> None:
    sent = as_request(POST)
    assert (sent.method, sent.path, sent.headers, sent.body) == ("POST", "/api/projects", {"X-Test": "yes"}, "{}")


def test_an_answer_is_waited_for_as_long_as_its_check_allows() -> None:
    times = [as_request(replace(CHECK, max_ms=most)).seconds for most in (200, 30_000, 10**12)]
    assert times == [5, 30, 60]
