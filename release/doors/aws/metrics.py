"""What CloudWatch has measured: series of figures, asked for many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from release.doors.aws.session import AwsSession, aws_call


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure that CloudWatch keeps, one value for each ``period`` of seconds in which it was measured."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: int


@dataclass(frozen=True, kw_only=True)
class Point:
    """The value of the period that began ``at``."""

    at: datetime
    value: float


class Metrics:
    """Reads metrics; publishes none."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def read(self, metrics: Sequence[Metric], start: datetime, end: datetime) -> Mapping[Metric, tuple[Point, ...]]:
        """The points of each metric between two moments (UTC), oldest first; none for what was not measured."""
        asked = {f"m{number}": metric for number, metric in enumerate(metrics)}
        found: dict[Metric, tuple[Point, ...]] = dict.fromkeys(metrics, ())
        if not asked:
            return found
        pages = (
            self._session.client("cloudwatch")
            .get_paginator("get_metric_data")
            .paginate(
                MetricDataQueries=[_query(name, metric) for name, metric in asked.items()],
                StartTime=start,
                EndTime=end,
                ScanBy="TimestampAscending",
            )
        )
        with aws_call("read CloudWatch's metrics"):
            for result in (result for page in pages for result in page["MetricDataResults"]):
                found[asked[result["Id"]]] += tuple(map(_point, result["Timestamps"], result["Values"]))
        return found


def _query(identifier: str, metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": named, "Period": metric.period, "Stat": metric.statistic}}


def _point(at: datetime, value: float) -> Point:
    return Point(at=at if at.tzinfo else at.replace(tzinfo=UTC), value=value)
