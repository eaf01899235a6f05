"""Moto's alarms: which can be judged here, and how one is."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.pace import Pace
from local.watching.evaluation import COMPARISONS, Rule, State, judge
from local.watching.samples import Sample, Series, datapoints, is_statistic, of_unit, samples_wanted
from local.watching.store import Metric, metric

KEPT = 3 * 3600.0  # seconds of declared time for which samples are kept
RESOLUTION = 60.0  # seconds of declared time between two judgements of an alarm with longer periods

Read = Callable[[Metric], Sequence[Sample]]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an alarm's state is, and why."""

    state: State
    reason: str
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Periods that follow each other, in seconds of real time."""

    start: float
    period: float
    periods: int

    def values(self, samples: Sequence[Sample], name: str) -> Series:
        """The statistic of each period that has one, by the period's number."""
        end = self.start + self.periods * self.period
        found = datapoints(samples, name, start=self.start, end=end, period=self.period)
        return {round((moment - self.start) / self.period): value for moment, value in found}


def _samples(alarm: Any, read: Read) -> list[Sample]:
    """Of the one metric that it looks at."""
    dimensions = [{"Name": each.name, "Value": each.value} for each in alarm.dimensions]
    return of_unit(read(metric(alarm.namespace, alarm.metric_name, dimensions)), alarm.unit)


def alarm_rule(alarm: Any) -> Rule:
    return Rule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        periods=int(alarm.evaluation_periods),
        to_alarm=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        treatment=alarm.treat_missing_data or "missing",
    )


def judged(alarm: Any, read: Read, now: float, pace: Pace) -> Verdict:
    """The alarm's state at that moment, by what `read` has of its metrics."""
    rule = alarm_rule(alarm)
    window = _window(int(alarm.period), rule, now, pace)
    series = window.values(_samples(alarm, read), alarm.statistic or alarm.extended_statistic)
    points = [series.get(index) for index in range(window.periods)]
    state = alarm.state_value if _says_little(alarm, read, window) else judge(points, rule, alarm.state_value)
    return Verdict(state=state, reason=_reason(points, rule, state), data=_data(alarm, points, rule))


def _says_little(alarm: Any, read: Read, window: Window) -> bool:
    """Whether it is to ignore percentiles of few samples, and the newest is one."""
    if alarm.evaluate_low_sample_count_percentile != "ignore" or not alarm.extended_statistic:
        return False
    counts = window.values(_samples(alarm, read), "SampleCount")
    return bool(counts) and counts[max(counts)] < samples_wanted(alarm.extended_statistic)


def _window(period: int, rule: Rule, now: float, pace: Pace) -> Window:
    """The whole periods that it looks at."""
    step = pace.shortened(min(period, RESOLUTION))
    shortened = pace.shortened(period)
    end = math.floor(now / step) * step
    return Window(start=end - rule.looked_at * shortened, period=shortened, periods=rule.looked_at)


def _reason(points: Sequence[float | None], rule: Rule, state: State) -> str:
    known = [value for value in points if value is not None][-rule.periods :]
    if state == "INSUFFICIENT_DATA" or not known:
        treated = f" They are treated as {rule.treatment}." if known == [] and state != "INSUFFICIENT_DATA" else ""
        return f"Insufficient Data: {rule.periods} datapoints were unknown.{treated}"
    values = ", ".join(f"{value:g}" for value in known)
    breaching = sum(rule.breaches(value) for value in known)
    return (
        f"Threshold Crossed: {breaching} out of the last {len(known)} datapoints [{values}] {_words(rule.comparison)}"
        f" ({rule.threshold:g}) (minimum {rule.to_alarm} for ALARM)."
    )


def _words(comparison: str) -> str:
    words = {
        "GreaterThanThreshold": "were greater than the threshold",
        "GreaterThanOrEqualToThreshold": "were greater than or equal to the threshold",
        "LessThanThreshold": "were less than the threshold",
        "LessThanOrEqualToThreshold": "were less than or equal to the threshold",
    }
    return words[comparison]


def _data(alarm: Any, points: Sequence[float | None], rule: Rule) -> dict[str, Any]:
    return {
        "version": "1.0",
        "statistic": alarm.statistic or alarm.extended_statistic,
        "period": int(alarm.period),
        "recentDatapoints": [value for value in points if value is not None][-rule.periods :],
        "threshold": rule.threshold,
    }


def refusals(asked: Mapping[str, Any]) -> Iterator[str]:
    """Why an alarm could never change its state here: one short text for each reason."""
    if asked["comparison_operator"] not in COMPARISONS:
        yield f"the comparison {asked['comparison_operator']}"
    statistic = asked.get("statistic") or asked.get("extended_statistic")
    if asked.get("metric_data_queries"):
        yield "metric math"
    elif not is_statistic(str(statistic)):
        yield f"the statistic {statistic}"
    if int(asked.get("period") or 0) * (asked.get("evaluation_periods") or 0) > KEPT:
        yield f"more than {KEPT / 3600:g} hours of evaluation"
    for arn in _actions(asked):
        if ":sns:" not in arn:
            yield f"the action {arn}"


def _actions(asked: Mapping[str, Any]) -> Iterator[str]:
    for name in ("alarm_actions", "ok_actions", "insufficient_data_actions"):
        yield from asked.get(name) or ()
