"""What CloudWatch tells during a watch, judged as values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from release.doors.aws.metrics import Metric, Point
from release.rules.figures import Figure, Figures, Told, figures_of, judge_figures, told
from settings.model import Watch
from tests.release.values import OUTPUTS

START = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
BOUNDS = Watch(seconds=600, error_percent=1.0, p95_ms=200, cpu_percent=80, memory_percent=70)
LONG = 600.0
FIGURES = {figure.what: figure for figure in figures_of(OUTPUTS, "green", BOUNDS)}
REQUESTS, ERRORS, BAD_GATEWAY, NOBODY, TIMEOUT, TIME, CPU, MEMORY = FIGURES
GOOD = {
    **dict.fromkeys((ERRORS, BAD_GATEWAY, NOBODY, TIMEOUT), ()),
    **{REQUESTS: (900.0, 1100.0), TIME: (90.0, 110.0), CPU: (20.0, 30.0), MEMORY: (40.0,)},
}


def judged(changes: dict[str, tuple[float, ...]], elapsed: float = LONG, before: bool = True) -> Figures:
    values = {**GOOD, **changes}
    all_told = [Told(figure=FIGURES[what], values=given, before=before) for what, given in values.items()]
    return judge_figures(all_told, BOUNDS, elapsed)


def test_figures_are_those_of_the_live_group_of_the_balancer_and_of_every_server() -> None:
    named = {(one.metric.namespace, one.metric.name, dict(one.metric.dimensions).popitem()) for one in FIGURES.values()}
    group, server = ("TargetGroup", "targetgroup/green/11aa22"), ("InstanceId", "i-1")
    balancer = ("LoadBalancer", "app/live/50dc6c")
    assert named == {
        ("AWS/ApplicationELB", "RequestCount", group),
        ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", group),
        ("AWS/ApplicationELB", "HTTPCode_ELB_502_Count", balancer),
        ("AWS/ApplicationELB", "HTTPCode_ELB_503_Count", balancer),
        ("AWS/ApplicationELB", "HTTPCode_ELB_504_Count", balancer),
        ("AWS/ApplicationELB", "TargetResponseTime", group),
        ("AWS/EC2", "CPUUtilization", server),
        ("CWAgent", "mem_used_percent", server),
    }
    assert FIGURES[REQUESTS].metric.dimensions[0] == balancer


def test_good_figures_pass_and_are_kept_in_words() -> None:
    figures = judged({})
    assert (figures.objections, figures.not_told) == ((), {})
    assert figures.values == {
        "requests": "2000",
        "the time of 95 % of answers": "100.0 ms",
        "the CPU of env-servers-1": "25.0 %",
        "the memory of env-servers-1": "40.0 %",
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({CPU: (79.0, 82.0)}, "the CPU of env-servers-1 was 80.5 %, 80 % are allowed", id="cpu"),
        pytest.param({MEMORY: (71.0,)}, "the memory of env-servers-1 was 71.0 %, 70 % are allowed", id="memory"),
        pytest.param({TIME: (100.0, 400.0)}, "of answers was 250.0 ms, 200 ms are allowed", id="time"),
        pytest.param({ERRORS: (20.0, 1.0)}, "21 answers with 5xx to 2000 requests, 1 % are allowed", id="errors"),
        pytest.param(
            {ERRORS: (5.0,), BAD_GATEWAY: (9.0,), NOBODY: (4.0,), TIMEOUT: (3.0,)},
            r"21 answers with 5xx (16 of the balancer itself) to 2000 requests, 1 % are allowed",
            id="errors-of-the-balancer-too",
        ),
    ],
)
def test_a_figure_over_its_bound_speaks_against_the_release(changes: dict[str, tuple[float, ...]], why: str) -> None:
    (objection,) = judged(changes).objections
    assert objection.failed
    assert why in objection.why


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({CPU: (90.0, 70.0)}, id="at-its-bound-on-average"),
        pytest.param({ERRORS: (20.0,)}, id="as-many-errors-as-allowed"),
        pytest.param({ERRORS: (17.0,), TIMEOUT: (3.0,)}, id="as-many-errors-of-all-kinds-as-allowed"),
        pytest.param({ERRORS: (1.0,), REQUESTS: (10.0,)}, id="one-error-is-an-accident"),
    ],
)
def test_what_is_within_its_bound_passes(changes: dict[str, tuple[float, ...]]) -> None:
    assert judged(changes).objections == ()


@pytest.mark.parametrize("what", [REQUESTS, TIME, CPU, MEMORY])
def test_a_figure_that_must_have_come_and_did_not_cannot_be_told(what: str) -> None:
    (objection,) = judged({what: ()}).objections
    assert (objection.failed, objection.why) == (False, f"CloudWatch has not told {what} since the switch")


@pytest.mark.parametrize(
    ("what", "elapsed", "period"),
    [(CPU, 599, 300), (CPU, 60, 300), (MEMORY, 119, 60), (REQUESTS, 2, 60)],
)
def test_a_figure_must_come_within_two_of_its_periods(what: str, elapsed: float, period: int) -> None:
    figures = judged({what: ()}, elapsed)
    assert figures.objections == ()
    assert figures.not_told == {what: f"told every {period} s"}


def test_memory_is_not_waited_for_where_nothing_told_it_before_either() -> None:
    figures = judged({MEMORY: ()}, before=False)
    assert (figures.objections, figures.not_told) == ((), {MEMORY: "nothing on the server tells it"})
    assert judged({CPU: ()}, before=False).objections != ()


def points(*seconds: int) -> list[Point]:
    """Points whose period begins so many seconds after the switch, each with that number as its value."""
    return [Point(at=START + timedelta(seconds=second), value=float(second)) for second in seconds]


@pytest.mark.parametrize(
    ("seconds", "values", "before"),
    [
        pytest.param([-30, 30, 90], (30.0, 90.0), False, id="periods-that-began-since"),
        pytest.param([-30], (-30.0,), False, id="one-that-began-before-and-ended-since"),
        pytest.param([-60], (), True, id="one-that-ended-before"),
        pytest.param([-3000, -30, 0], (0.0,), True, id="all-of-them"),
        pytest.param([], (), False, id="none"),
    ],
)
def test_what_counts_is_what_was_measured_since_the_switch(
    seconds: list[int], values: tuple[float, ...], before: bool
) -> None:
    found = told(FIGURES[MEMORY], points(*seconds), START)
    assert (found.values, found.before) == (values, before)


def test_values_are_told_in_the_unit_of_their_bound() -> None:
    assert told(FIGURES[TIME], [Point(at=START, value=0.25)], START).values == (250.0,)


def test_a_longer_period_reaches_further_back() -> None:
    metric = Metric(namespace="AWS/EC2", name="CPUUtilization", dimensions=(), statistic="Average", period=300)
    figure = Figure(what="CPU", metric=metric)
    assert told(figure, points(-290), START).values == (-290.0,)
    assert told(replace(figure, metric=replace(metric, period=60)), points(-290), START).values == ()
