"""Answers and target health judged as values, and how long verification waits."""

from dataclasses import replace

import pytest

from release.aws.balancer import TargetHealth
from release.errors import Broken
from release.manifest import Check
from release.probe import Answer
from release.verification import IN_A_ROW, Verification, check_fault, unhealthy_reason, version_fault
from tests.release.test_plan import manifest

CHECK = Check(name="list", path="/api/projects", contains="projects")


def answer(status: int = 200, body: str = '{"version": "1.0.0"}', milliseconds: int = 5) -> Answer:
    return Answer(status=status, body=body, milliseconds=milliseconds)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        pytest.param(answer(), "", id="the-release"),
        pytest.param(answer(status=500), "answered 500", id="ill"),
        pytest.param(answer(status=0, body="refused"), "answered 0", id="no-answer"),
        pytest.param(answer(body='{"version": "0.9.0"}'), "'0.9.0' instead of '1.0.0'", id="another-release"),
        pytest.param(answer(body="ok"), "None instead", id="no-json"),
        pytest.param(answer(body="[1]"), "None instead", id="no-object"),
    ],
)
def test_an_answer_of_the_release_names_its_version(given: Answer, fault: str) -> None:
    found = version_fault(given, "1.0.0")
    assert fault in found
    assert bool(found) == bool(fault)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        pytest.param(answer(body="projects: []"), "", id="passed"),
        pytest.param(answer(status=500, body="projects"), "answered 500 instead of 200", id="status"),
        pytest.param(answer(body="nothing"), "does not contain 'projects'", id="body"),
        pytest.param(answer(body="projects", milliseconds=201), "took 201 ms, 200 are allowed", id="slow"),
        pytest.param(answer(body="projects", milliseconds=200), "", id="just-in-time"),
    ],
)
def test_a_smoke_check_fails_for_a_reason(given: Answer, fault: str) -> None:
    found = check_fault(CHECK, given)
    assert fault in found
    assert bool(found) == bool(fault)


def target(name: str, state: str = "healthy") -> TargetHealth:
    return TargetHealth(instance=name, state=state, reason="")


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        pytest.param((target("i-1"), target("i-2")), "", id="all-healthy"),
        pytest.param((target("i-1"), target("i-2", "unhealthy")), "i-2 is unhealthy", id="one-ill"),
        pytest.param((target("i-1"),), "1 of 2 targets", id="one-missing"),
    ],
)
def test_every_target_must_be_healthy(targets: tuple[TargetHealth, ...], reason: str) -> None:
    found = unhealthy_reason(targets, 2)
    assert reason in found
    assert bool(found) == bool(reason)


class Answers:
    """A probe with a list of answers; the last one is given for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked = 0

    def get(self, base: str, path: str) -> Answer:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def verification(probe: Answers) -> Verification:
    return Verification(probe, None, pause=lambda seconds: None)


def test_one_wrong_answer_among_right_ones_starts_the_count_again() -> None:
    right, wrong = answer(), answer(body='{"version": "0.9.0"}')
    probe = Answers(right, right, wrong, right)
    verification(probe).wait_until_answering("http://live", "1.0.0")
    assert probe.asked == 3 + IN_A_ROW


def test_waiting_ends_with_what_was_seen_last() -> None:
    with pytest.raises(Broken, match="after 0 s /health answered 503"):
        verification(Answers(answer(status=503))).wait_until_answering("http://live", "1.0.0", limit=0)


def test_every_failed_smoke_check_is_named() -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK, Check(name="page", path="/")))
    with pytest.raises(Broken, match=r"list: GET /api/projects answered 500.*; page: GET / answered 500"):
        verification(Answers(answer(status=500))).smoke("http://live", release)


def test_a_slow_first_answer_is_asked_for_once_more() -> None:
    release = replace(manifest("1.0.0"), checks=(CHECK,))
    probe = Answers(answer(body="projects", milliseconds=900), answer(body="projects", milliseconds=9))
    assert verification(probe).smoke("http://live", release) == {"list": 9}
