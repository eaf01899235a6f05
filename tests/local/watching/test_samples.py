"""Statistics of what was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.watching.samples import Sample, datapoints, is_statistic, many, one, statistic

HUNDRED = many(0, [(float(value), 1) for value in range(1, 101)])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Average", 50.5),
        ("Sum", 5050),
        ("Minimum", 1),
        ("Maximum", 100),
        ("SampleCount", 100),
        ("p0", 1),
        ("p50", 50),
        ("p95", 95),
        ("p99.9", 100),
        ("p100", 100),
    ],
)
def test_a_statistic_is_that_of_all_values(name: str, value: float) -> None:
    parts = [many(0, [(float(each), 1) for each in range(first, first + 50)]) for first in (1, 51)]
    assert statistic([HUNDRED], name) == statistic(parts, name) == value


@pytest.mark.parametrize(
    ("name", "known"),
    [("p95", True), ("p99.99", True), ("Sum", True), ("p101", False), ("tm99", False), ("sum", False), ("pp", False)],
)
def test_other_statistics_are_not_known(name: str, known: bool) -> None:
    assert is_statistic(name) == known


def test_no_percentile_is_made_up_from_a_summary() -> None:
    summary = Sample(at=0, count=10, total=50, low=1, high=9)
    assert (statistic([summary], "p50"), statistic([summary], "Average")) == (None, 5)


def test_a_summary_of_equal_values_has_percentiles() -> None:
    assert statistic([Sample(at=0, count=3, total=21, low=7, high=7), one(0, 9)], "p50") == 7


def test_few_values_are_kept_of_many_and_their_sum_is_exact() -> None:
    times = [(0.1 + each / 1_000_000, 1.0) for each in range(10_000)]
    kept = many(0, times)
    assert len(kept.values) <= 12
    assert kept.total == pytest.approx(sum(value for value, _ in times))


def test_periods_without_samples_have_no_datapoint() -> None:
    samples = [one(0, 1), one(59, 3), one(120, 5), one(180, 7)]
    assert datapoints(samples, "Average", start=0, end=180, period=60) == [(0, 2), (120, 5)]


@given(st.lists(st.floats(0.001, 60), min_size=1), st.integers(0, 100))
def test_a_percentile_lies_between_the_least_and_the_greatest(values: list[float], percent: int) -> None:
    kept = many(0, [(value, 1.0) for value in values])
    found = statistic([kept], f"p{percent}")
    assert found is not None
    assert kept.low * 0.99 <= found <= kept.high * 1.01


@given(st.lists(st.floats(0.001, 60), min_size=2))
def test_a_higher_percentile_is_no_lower(values: list[float]) -> None:
    kept = [one(0, value) for value in values]
    found = [statistic(kept, name) or 0 for name in ("p10", "p50", "p90", "p100")]
    assert found == sorted(found)
