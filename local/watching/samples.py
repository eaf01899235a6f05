"""What is kept of a metric, and its statistics, by CloudWatch's rules."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")

Series = Mapping[float, float]
"""A value per moment that has one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What was measured at one moment: one value, or many of them summed up.

    `values` holds each value with its count when there were several; it is empty when they are one or not known.
    """

    at: float
    count: float
    total: float
    low: float
    high: float
    values: tuple[tuple[float, float], ...] = ()
    unit: str | None = None


def one(at: float, value: float, unit: str | None = None) -> Sample:
    """A single value."""
    return Sample(at=at, count=1.0, total=value, low=value, high=value, unit=unit)


def many(at: float, counted: Iterable[tuple[float, float]], unit: str | None = None) -> Sample:
    """Values with their counts, at least one. Values are kept with three digits, so that few differ."""
    pairs = [(value, count) for value, count in counted if count > 0]
    rounded: Counter[float] = Counter()
    for value, count in pairs:
        rounded[float(f"{value:.3g}")] += count  # type: ignore[assignment]  # typed for whole numbers
    return Sample(
        at=at,
        count=sum(count for _, count in pairs),
        total=math.fsum(value * count for value, count in pairs),
        low=min(value for value, _ in pairs),
        high=max(value for value, _ in pairs),
        values=tuple(sorted(rounded.items())),
        unit=unit,
    )


def is_statistic(name: str) -> bool:
    """Whether `statistic` can compute it."""
    return name in STATISTICS or PERCENTILE.fullmatch(name) is not None


def statistic(samples: Sequence[Sample], name: str) -> float | None:
    """The statistic of all samples together. None when there are none, or when CloudWatch could not tell either."""
    if not samples:
        return None
    if found := PERCENTILE.fullmatch(name):
        return percentile(samples, float(found[1]))
    total, count = math.fsum(each.total for each in samples), math.fsum(each.count for each in samples)
    computed = {
        "Average": total / count if count else None,
        "Sum": total,
        "Minimum": min(each.low for each in samples),
        "Maximum": max(each.high for each in samples),
        "SampleCount": count,
    }
    return computed[name]


def percentile(samples: Sequence[Sample], percent: float) -> float | None:
    """The least value that is not below `percent` of all. None when a sample's values are not known."""
    pairs = [_pairs(each) for each in samples]
    if not all(pairs):
        return None
    ordered = sorted(pair for each in pairs for pair in each)
    wanted, seen = math.fsum(count for _, count in ordered) * percent / 100, 0.0
    for value, count in ordered:
        seen += count
        if seen >= wanted:
            return value
    return ordered[-1][0]


def samples_wanted(name: str) -> float:
    """How many samples a percentile needs to say much, by CloudWatch's rule; 0 for other statistics."""
    found = PERCENTILE.fullmatch(name)
    part = float(found[1]) / 100 if found else 0.0
    return 10 / min(part, 1 - part) if 0 < part < 1 else 0.0


def of_unit(samples: Iterable[Sample], unit: str | None) -> list[Sample]:
    """Those that were measured in that unit; without one, all."""
    return [each for each in samples if unit in (None, each.unit)]


def datapoints(
    samples: Sequence[Sample], name: str, *, start: float, end: float, period: float
) -> list[tuple[float, float]]:
    """The statistic of each period from `start` on that has one, with the period's first moment."""
    periods: dict[int, list[Sample]] = {}
    for each in samples:
        if start <= each.at < end:
            periods.setdefault(math.floor((each.at - start) / period), []).append(each)
    computed = ((start + index * period, statistic(periods[index], name)) for index in sorted(periods))
    return [(moment, value) for moment, value in computed if value is not None]


def _pairs(sample: Sample) -> tuple[tuple[float, float], ...]:
    if sample.values:
        return sample.values
    return ((sample.low, sample.count),) if sample.low == sample.high else ()
