"""CloudWatch's metrics are answered from `local.watching.store`.

Moto keeps every value for good, knows no percentiles, cuts periods by the first value, mixes namespaces, and lists
a metric of two dimensions once per value. Metric math is refused: moto answers it with nothing.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from local.hooks.parts import Function
from local.hooks.replacing import replace
from local.watching.samples import Sample, Series, datapoints, is_statistic, many, of_unit, one
from local.watching.store import keep, metric, read, samples_of

MINUTE = 60


def install_metrics(installed: ExitStack) -> None:
    """Hook moto's metrics until `installed` is closed."""
    replace(installed, CloudWatchBackend, "put_metric_data", _kept)
    replace(installed, CloudWatchBackend, "get_metric_data", _from_samples)
    replace(installed, CloudWatchBackend, "get_filtered_metrics", _listed)
    replace(installed, CloudWatchResponse, "get_metric_statistics", _with_percentiles)


def _kept(original: Function) -> Function:
    @functools.wraps(original)
    def put_metric_data(backend: Any, namespace: str, metric_data: Sequence[Mapping[str, Any]]) -> None:
        for number, datum in enumerate(metric_data, start=1):
            backend._validate_parameters_put_metric_data(datum, number)
        for datum in metric_data:
            keep(backend, metric(namespace, datum["MetricName"], datum.get("Dimensions") or ()), _sample(datum))

    return put_metric_data


def _sample(datum: Mapping[str, Any]) -> Sample:
    at, unit = _seconds(datum.get("Timestamp") or utcnow()), datum.get("Unit")
    if summed := datum.get("StatisticValues"):
        names = ("SampleCount", "Sum", "Minimum", "Maximum")
        count, total, low, high = (float(summed[name]) for name in names)
        return Sample(at=at, count=count, total=total, low=low, high=high, unit=unit)
    if values := datum.get("Values"):
        counts = datum.get("Counts") or [1.0] * len(values)
        pairs = [(float(value), float(count)) for value, count in zip(values, counts, strict=True)]
        return many(at, pairs, unit)
    return one(at, float(datum.get("Value") or 0.0), unit)


def _from_samples(original: Function) -> Function:
    @functools.wraps(original)
    def get_metric_data(
        backend: Any,
        queries: Sequence[Mapping[str, Any]],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, Any]]:
        start, end = _seconds(start_time), _seconds(end_time)
        if start >= end:
            raise ValidationError("The parameter EndTime must be greater than StartTime.")
        _refuse_unknown_queries(queries)
        newest_first = scan_by == "TimestampDescending"
        asked = [query for query in queries if query.get("ReturnData", True)]
        return [_result(query, _series(query["MetricStat"], backend, start, end), newest_first) for query in asked]

    return get_metric_data


def _refuse_unknown_queries(queries: Sequence[Mapping[str, Any]]) -> None:
    math = [query["Expression"] for query in queries if "MetricStat" not in query]
    if math:
        raise ValidationError(f"the local cloud cannot compute {', '.join(math)}: compute it from the metrics")
    _refuse_unknown(query["MetricStat"]["Stat"] for query in queries)


def _series(wanted: Mapping[str, Any], backend: Any, start: float, end: float) -> Series:
    """The value of each period that has one, by the period's first moment."""
    named, period = wanted["Metric"], int(wanted["Period"])
    key = metric(named["Namespace"], named["MetricName"], named.get("Dimensions") or ())
    samples = of_unit(read(backend, key), wanted.get("Unit"))
    return dict(datapoints(samples, wanted["Stat"], start=_period_start(start, period), end=end, period=period))


def _result(query: Mapping[str, Any], series: Series, newest_first: bool) -> dict[str, Any]:
    points = sorted(series.items(), reverse=newest_first)
    return {
        "id": query["Id"],
        "label": query.get("Label") or _label(query["MetricStat"]),
        "values": [value for _, value in points],
        "timestamps": [_moment(at) for at, _ in points],
        "status_code": "Complete",
    }


def _label(wanted: Mapping[str, Any]) -> str:
    return f"{wanted['Metric']['MetricName']} {wanted['Stat']}"


def _listed(original: Function) -> Function:
    @functools.wraps(original)
    def get_filtered_metrics(
        backend: Any, metric_name: str | None, namespace: str | None, dimensions: Sequence[Mapping[str, str]]
    ) -> list[dict[str, Any]]:
        found = [each for each in list(samples_of(backend)) if each.fits(namespace, metric_name, dimensions or ())]
        return [
            {
                "Namespace": each.namespace,
                "MetricName": each.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in each.dimensions],
            }
            for each in found
        ]

    return get_filtered_metrics


def _with_percentiles(original: Function) -> Function:
    """On the response: moto does not tell its backend which percentiles are asked for."""

    @functools.wraps(original)
    def get_metric_statistics(response: Any) -> ActionResult:
        asked = response._get_params()
        plain, extended = asked.get("Statistics") or [], asked.get("ExtendedStatistics") or []
        if not plain and not extended:
            raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
        start, end = _seconds(asked["StartTime"]), _seconds(asked["EndTime"])
        if start >= end:
            raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
        _refuse_unknown([*plain, *extended])
        key = metric(asked["Namespace"], asked["MetricName"], asked.get("Dimensions") or ())
        samples = of_unit(read(response.cloudwatch_backend, key), asked.get("Unit"))
        points = list(_statistics(samples, plain, extended, start, end, int(asked["Period"])))
        return ActionResult({"Label": asked["MetricName"], "Datapoints": points})

    return get_metric_statistics


def _statistics(
    samples: Sequence[Sample], plain: Sequence[str], extended: Sequence[str], start: float, end: float, period: int
) -> Iterator[dict[str, Any]]:
    """One entry for each period that has samples, with all that was asked for."""
    first = _period_start(start, period)
    computed = {
        name: dict(datapoints(samples, name, start=first, end=end, period=period))
        for name in ("SampleCount", *plain, *extended)
    }
    unit = next((each.unit for each in samples if each.unit), "None")
    for at in computed["SampleCount"]:
        percentiles = {name: computed[name][at] for name in extended if at in computed[name]}
        values = {name: computed[name][at] for name in plain if at in computed[name]}
        yield {"Timestamp": _moment(at), "Unit": unit, **values, "ExtendedStatistics": percentiles}


def _refuse_unknown(names: Iterable[str]) -> None:
    for name in names:
        if not is_statistic(name):
            raise InvalidParameterValue(f"the local cloud does not know the statistic {name}")


def _period_start(start: float, period: int) -> float:
    """CloudWatch begins at a whole minute, or at a whole period where that is shorter."""
    whole = min(period, MINUTE)
    return start // whole * whole


def _seconds(moment: datetime) -> float:
    """Moto's times are UTC, and most do not say so."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
