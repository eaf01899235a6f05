"""Our own requests during a watch, and the units of servers, judged as values."""

import re
from dataclasses import replace

import pytest

from release.doors.servers.inspection import UnitState
from release.rules.objections import Objection
from release.rules.samples import CLEARLY, RECENT, Sample, is_clearly_bad, judge_requests, judge_restarts, p95, restarts
from settings.model import Watch as Bounds

BOUNDS = Bounds(seconds=20, error_percent=10.0, p95_ms=200, cpu_percent=80, memory_percent=70)
WRONG, UNTOLD = Objection(why="/ answered 500"), Objection(why="/ could not be reached", failed=False)
ACTIVE = UnitState(active="active", restarts=1)


def samples(count: int, objection: Objection | None = None, milliseconds: int = 5) -> list[Sample]:
    return [Sample(objection=objection, milliseconds=milliseconds)] * count


@pytest.mark.parametrize(
    ("given", "why", "failed"),
    [
        pytest.param(samples(20), [], None, id="all-good"),
        pytest.param(samples(18) + samples(2, WRONG), [], None, id="as-many-errors-as-allowed"),
        pytest.param(samples(17) + samples(3, WRONG), ["3 of 20 requests were answered wrongly"], True, id="errors"),
        pytest.param(samples(3) + samples(1, WRONG), [], None, id="one-error-is-an-accident"),
        pytest.param(samples(38) + samples(2, milliseconds=900), [], None, id="as-many-slow-ones-as-allowed"),
        pytest.param(samples(37) + samples(3, milliseconds=900), ["up to 900 ms, 200 are allowed"], True, id="slow"),
        pytest.param(samples(3) + samples(1, milliseconds=900), [], None, id="one-slow-answer-is-an-accident"),
        pytest.param(samples(20, UNTOLD), ["20 of 20 requests did not get through"], False, id="not-reached"),
        pytest.param(samples(19) + samples(1, UNTOLD), [], None, id="one-that-did-not-get-through"),
        pytest.param(samples(5, UNTOLD) + samples(5, WRONG), ["5 of 5", "5 of 10"], True, id="some-of-each"),
    ],
)
def test_our_own_requests_are_judged_by_rates(given: list[Sample], why: list[str], failed: bool | None) -> None:
    objections = judge_requests(given, BOUNDS)
    assert [text in objection.why for text, objection in zip(why, objections, strict=True)] == [True] * len(why)
    assert (any(objection.failed for objection in objections) if objections else None) == failed


def test_a_long_good_time_does_not_make_up_for_a_bad_end() -> None:
    (objection,) = judge_requests(samples(2400) + samples(3 * CLEARLY, WRONG), BOUNDS)
    assert (objection.failed, "30 of 240 requests were answered wrongly" in objection.why) == (True, True)


def test_no_errors_can_be_allowed() -> None:
    strict = BOUNDS.model_copy(update={"error_percent": 0.0})
    assert judge_requests(samples(998) + samples(2, WRONG), strict) != ()


@pytest.mark.parametrize(
    ("times", "expected"),
    [([], 0), ([7], 7), (list(range(1, 21)), 19), (list(range(1, 101)), 95)],
    ids=["none", "one", "twenty", "a-hundred"],
)
def test_p95_is_what_95_of_100_answers_kept_to(times: list[int], expected: int) -> None:
    assert p95([Sample(objection=None, milliseconds=time) for time in times]) == expected
    assert p95([*(Sample(objection=None, milliseconds=time) for time in times), *samples(50, UNTOLD, 0)]) == expected


@pytest.mark.parametrize(
    ("given", "bad"),
    [
        pytest.param(samples(CLEARLY, WRONG), True, id="nothing-but-errors"),
        pytest.param(samples(CLEARLY, milliseconds=900), True, id="nothing-but-slow-answers"),
        pytest.param(samples(CLEARLY - 1, WRONG), False, id="too-few-to-be-clear"),
        pytest.param(samples(CLEARLY, UNTOLD), False, id="not-reached"),
        pytest.param(samples(CLEARLY, WRONG) + samples(20 * CLEARLY), False, id="a-rate-that-is-allowed"),
        pytest.param(samples(2400) + samples(3 * CLEARLY, WRONG), True, id="since-a-moment"),
        pytest.param(samples(CLEARLY, WRONG) + samples(RECENT), False, id="long-ago"),
    ],
)
def test_a_release_is_clearly_bad_when_many_answers_are(given: list[Sample], bad: bool) -> None:
    assert is_clearly_bad(given, BOUNDS) is bad


@pytest.mark.parametrize(
    ("first", "now", "why", "failed"),
    [
        pytest.param(ACTIVE, ACTIVE, "", None, id="still-the-same"),
        pytest.param(ACTIVE, replace(ACTIVE, restarts=3), "restarts of the release on s: 2", True, id="restarted"),
        pytest.param(ACTIVE, replace(ACTIVE, active="activating"), "is activating on s", True, id="died"),
        pytest.param(ACTIVE, replace(ACTIVE, restarts=0), "", None, id="started-by-hand"),
        pytest.param(ACTIVE, "no route", "s could not tell .*: no route", False, id="does-not-answer"),
        pytest.param("no route", ACTIVE, "s could not tell .*: no route", False, id="did-not-answer"),
    ],
)
def test_restarts_are_counted_from_the_beginning(
    first: UnitState | str, now: UnitState | str, why: str, failed: bool | None
) -> None:
    objections = judge_restarts({"s": first}, {"s": now})
    assert [objection.failed for objection in objections] == ([] if failed is None else [failed])
    assert all(re.search(why, objection.why) for objection in objections)


def test_the_evidence_counts_restarts_where_they_are_known() -> None:
    first: dict[str, UnitState | str] = {"a": ACTIVE, "b": ACTIVE, "c": "no route"}
    now: dict[str, UnitState | str] = {"a": replace(ACTIVE, restarts=3), "b": "no route", "c": ACTIVE}
    assert restarts(first, now) == {"a": 2}
