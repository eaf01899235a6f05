"""CloudWatch answers with the statistics of what was measured."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.hooks.metrics import install_metrics
from tests.aws_clients import aws_client

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIMENSIONS = [{"Name": "LoadBalancer", "Value": "app/live/1"}, {"Name": "TargetGroup", "Value": "targetgroup/blue/2"}]


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws(), ExitStack() as installed:
        install_metrics(installed)
        yield aws_client("cloudwatch", "eu-central-1")


def put(cloudwatch: Any, namespace: str = "App", name: str = "Time", **datum: Any) -> None:
    put = {"MetricName": name, "Timestamp": NOON, "Dimensions": DIMENSIONS, **datum}
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[put])


def data(cloudwatch: Any, stat: str, *, period: int = 60, **more: Any) -> dict[str, Any]:
    """The one result of a query for the metric, from noon on."""
    metric = {"Namespace": "App", "MetricName": "Time", "Dimensions": DIMENSIONS}
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
    asked = {"StartTime": NOON, "EndTime": NOON + timedelta(minutes=10), **more}
    return dict(cloudwatch.get_metric_data(MetricDataQueries=[query], **asked)["MetricDataResults"][0])


def statistics(cloudwatch: Any, **asked: Any) -> list[dict[str, Any]]:
    whole = {"StartTime": NOON, "EndTime": NOON + timedelta(minutes=10), "Period": 60, "Dimensions": DIMENSIONS}
    return list(
        cloudwatch.get_metric_statistics(Namespace="App", MetricName="Time", **{**whole, **asked})["Datapoints"]
    )


@pytest.mark.parametrize(
    ("stat", "value"), [("p95", 95), ("p50", 50), ("Average", 50.5), ("Sum", 5050), ("SampleCount", 100)]
)
def test_metric_data_have_every_statistic(cloudwatch: Any, stat: str, value: float) -> None:
    put(cloudwatch, Values=[float(each) for each in range(1, 101)])
    assert data(cloudwatch, stat)["Values"] == [value]


def test_counts_weigh_the_values(cloudwatch: Any) -> None:
    put(cloudwatch, Values=[1.0, 10.0], Counts=[95.0, 5.0])
    assert (data(cloudwatch, "p95")["Values"], data(cloudwatch, "p96")["Values"]) == ([1], [10])


def test_a_summary_has_its_average_and_no_percentile(cloudwatch: Any) -> None:
    put(cloudwatch, StatisticValues={"SampleCount": 4, "Sum": 20, "Minimum": 1, "Maximum": 9})
    assert (data(cloudwatch, "Average")["Values"], data(cloudwatch, "p95")["Values"]) == ([5], [])


def test_a_metric_of_the_same_name_in_another_namespace_is_another(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1)
    put(cloudwatch, namespace="Other", Value=100)
    assert data(cloudwatch, "Sum")["Values"] == [1]


def test_a_metric_with_fewer_dimensions_is_another(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1)
    put(cloudwatch, Value=100, Dimensions=DIMENSIONS[:1])
    assert data(cloudwatch, "Sum")["Values"] == [1]
    assert [each["Sum"] for each in statistics(cloudwatch, Statistics=["Sum"], Dimensions=DIMENSIONS[:1])] == [100]


def test_the_order_of_dimensions_says_nothing(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1, Dimensions=DIMENSIONS[::-1])
    assert data(cloudwatch, "Sum")["Values"] == [1]


def test_periods_begin_at_whole_minutes_and_the_newest_comes_first_unless_asked_otherwise(cloudwatch: Any) -> None:
    for seconds in (70, 110, 130):
        put(cloudwatch, Value=seconds, Timestamp=NOON + timedelta(seconds=seconds))
    begin = NOON + timedelta(seconds=65)
    newest, oldest = (
        data(cloudwatch, "Sum", StartTime=begin),
        data(cloudwatch, "Sum", StartTime=begin, ScanBy="TimestampAscending"),
    )
    assert (newest["Values"], oldest["Values"]) == ([130, 180], [180, 130])
    assert oldest["Timestamps"] == [NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)]


def test_queries_that_only_feed_others_are_not_returned(cloudwatch: Any) -> None:
    metric = {"Namespace": "App", "MetricName": "Time"}
    query = {"MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    told = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "a", **query, "ReturnData": False}, {"Id": "b", **query}],
        StartTime=NOON,
        EndTime=NOON + timedelta(minutes=1),
    )
    assert [each["Id"] for each in told["MetricDataResults"]] == ["b"]


def test_metric_math_is_refused_not_answered_with_nothing(cloudwatch: Any) -> None:
    math = {"Id": "rate", "Expression": "100 * a / b"}
    with pytest.raises(ClientError, match=r"cannot compute 100 \* a / b"):
        cloudwatch.get_metric_data(MetricDataQueries=[math], StartTime=NOON, EndTime=NOON + timedelta(minutes=2))


def test_metric_statistics_have_percentiles_beside_the_others(cloudwatch: Any) -> None:
    put(cloudwatch, Values=[float(each) for each in range(1, 101)], Unit="Seconds")
    told = statistics(cloudwatch, Statistics=["Average", "Maximum"], ExtendedStatistics=["p90", "p99"])
    assert told == [
        {
            "Timestamp": NOON,
            "Average": 50.5,
            "Maximum": 100,
            "Unit": "Seconds",
            "ExtendedStatistics": {"p90": 90, "p99": 99},
        }
    ]


@pytest.mark.parametrize("name", ["tm99", "median"])
def test_a_statistic_that_is_not_known_is_refused(cloudwatch: Any, name: str) -> None:
    with pytest.raises(ClientError, match=f"does not know the statistic {name}"):
        data(cloudwatch, name)


def test_a_metric_is_listed_once_however_many_values_it_has(cloudwatch: Any) -> None:
    for value in (1, 2, 3):
        put(cloudwatch, Value=value)
    put(cloudwatch, name="Other", Value=1)
    listed = cloudwatch.list_metrics(Namespace="App", MetricName="Time")["Metrics"]
    assert listed == [{"Namespace": "App", "MetricName": "Time", "Dimensions": DIMENSIONS}]


@pytest.mark.parametrize(
    ("dimensions", "count"),
    [
        ([{"Name": "LoadBalancer"}], 1),
        ([{"Name": "LoadBalancer", "Value": "app/live/1"}], 1),
        ([{"Name": "LoadBalancer", "Value": "app/other/1"}], 0),
        ([{"Name": "InstanceId"}], 0),
    ],
)
def test_metrics_are_listed_by_some_of_their_dimensions(
    cloudwatch: Any, dimensions: list[dict[str, str]], count: int
) -> None:
    put(cloudwatch, Value=1)
    assert len(cloudwatch.list_metrics(Dimensions=dimensions)["Metrics"]) == count
