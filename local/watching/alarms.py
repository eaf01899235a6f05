"""Moto's alarms: which can be judged here, and how one is."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.pace import Pace
from local.watching.evaluation import COMPARISONS, Rule, State, judge
from local.watching.expressions import Series, compute, names, problems
from local.watching.samples import Sample, datapoints, is_statistic, of_unit, samples_wanted
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


def _period(alarm: Any) -> int:
    """Of all that it looks at: `refusals` has seen to it that they are the same."""
    stats = [query.metric_stat for query in alarm.metric_data_queries if query.metric_stat]
    return int(stats[0].period if stats else alarm.period)


def _series(alarm: Any, read: Read, window: Window) -> Series:
    """The value of each period, by its number."""
    queries = {query.id: query for query in alarm.metric_data_queries}
    if not queries:
        return window.values(_samples(alarm, read), alarm.statistic or alarm.extended_statistic)
    returned = next(query.id for query in queries.values() if _is_returned(query))
    return _computed(returned, queries, read, window)


def _computed(name: str, queries: Mapping[str, Any], read: Read, window: Window) -> Series:
    """A query's metric, or its expression from those that it names."""
    query = queries[name]
    if query.metric_stat:
        wanted = query.metric_stat
        return window.values(of_unit(read(_metric(wanted.metric)), wanted.unit), wanted.stat)
    needed = {each: _computed(each, queries, read, window) for each in names(query.expression)}
    return compute(query.expression, needed, range(window.periods))


def _samples(alarm: Any, read: Read) -> list[Sample]:
    """Of the one metric that it looks at."""
    return of_unit(read(_metric(alarm)), alarm.unit)


def _metric(named: Any) -> Metric:
    pairs = [{"Name": each.name, "Value": each.value} for each in named.dimensions]
    return metric(named.namespace, named.metric_name, pairs)


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
    window = _window(_period(alarm), rule, now, pace)
    series = _series(alarm, read, window)
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
        "period": _period(alarm),
        "recentDatapoints": [value for value in points if value is not None][-rule.periods :],
        "threshold": rule.threshold,
    }


def refusals(asked: Mapping[str, Any]) -> Iterator[str]:
    """Why an alarm could never change its state here: one short text for each reason."""
    if asked["comparison_operator"] not in COMPARISONS:
        yield f"the comparison {asked['comparison_operator']}"
    queries = asked.get("metric_data_queries") or ()
    yield from _unknown_statistics(asked, queries)
    yield from _unknown_math(queries)
    if max(_periods(asked, queries)) * (asked.get("evaluation_periods") or 0) > KEPT:
        yield f"more than {KEPT / 3600:g} hours of evaluation"
    for arn in _actions(asked):
        if ":sns:" not in arn:
            yield f"the action {arn}"


def _unknown_statistics(asked: Mapping[str, Any], queries: Sequence[Any]) -> Iterator[str]:
    wanted = [query.metric_stat.stat for query in queries if query.metric_stat]
    for name in wanted if queries else [asked.get("statistic") or asked.get("extended_statistic")]:
        if not is_statistic(str(name)):
            yield f"the statistic {name}"


def _unknown_math(queries: Sequence[Any]) -> Iterator[str]:
    if not queries:
        return
    yield from problems([(query.id, query.expression) for query in queries])
    if len([query for query in queries if _is_returned(query)]) != 1:
        yield "metrics of which not just one returns data"
    if len({query.metric_stat.period for query in queries if query.metric_stat}) != 1:
        yield "metrics with different periods"


def _periods(asked: Mapping[str, Any], queries: Sequence[Any]) -> list[int]:
    return [
        0,
        int(asked.get("period") or 0),
        *(int(query.metric_stat.period) for query in queries if query.metric_stat),
    ]


def _is_returned(query: Any) -> bool:
    """Data are returned unless it is said otherwise."""
    return str(query.return_data).lower() != "false"


def _actions(asked: Mapping[str, Any]) -> Iterator[str]:
    for name in ("alarm_actions", "ok_actions", "insufficient_data_actions"):
        yield from asked.get(name) or ()
