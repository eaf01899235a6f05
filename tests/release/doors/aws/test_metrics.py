"""Metrics as CloudWatch answers them, in the local cloud's version of it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.hooks.metrics import install_metrics
from release.doors.aws.metrics import Metric, Metrics, Point
from release.doors.aws.session import AwsSession
from tests.release.world import shared_session

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CPU = Metric(
    namespace="AWS/EC2", name="CPUUtilization", dimensions=(("InstanceId", "i-1"),), statistic="Average", period=60
)
TIMES = Metric(
    namespace="AWS/ApplicationELB",
    name="TargetResponseTime",
    dimensions=(("LoadBalancer", "app/live/1"), ("TargetGroup", "targetgroup/blue/2")),
    statistic="p95",
    period=60,
)


@pytest.fixture
def session(aws: None) -> Iterator[AwsSession]:
    with ExitStack() as installed:
        install_metrics(installed)
        yield shared_session("123456789012", "eu-central-1")


def publish(session: AwsSession, metric: Metric, seconds: int, *values: float) -> None:
    datum = {
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        "Timestamp": NOON + timedelta(seconds=seconds),
        "Values": list(values),
    }
    session.client("cloudwatch").put_metric_data(Namespace=metric.namespace, MetricData=[datum])


def test_each_metric_comes_by_its_periods_and_the_oldest_first(session: AwsSession) -> None:
    publish(session, CPU, 130, 40.0)
    publish(session, CPU, 70, 10.0)
    publish(session, CPU, 80, 30.0)
    publish(session, TIMES, 10, *(number / 100 for number in range(1, 101)))
    found = Metrics(session).read([CPU, TIMES], NOON, NOON + timedelta(minutes=5))
    assert found[CPU] == (
        Point(at=NOON + timedelta(minutes=1), value=20.0),
        Point(at=NOON + timedelta(minutes=2), value=40.0),
    )
    (times,) = found[TIMES]
    assert (times.at, round(times.value, 2)) == (NOON, 0.95)


def test_what_was_not_measured_has_no_points(session: AwsSession) -> None:
    publish(session, CPU, 10, 40.0)
    other = Metric(namespace="AWS/EC2", name="CPUUtilization", dimensions=(), statistic="Average", period=60)
    assert Metrics(session).read([other], NOON, NOON + timedelta(minutes=5)) == {other: ()}


class Nobody(AwsSession):
    """A session that must not be used."""

    def __init__(self) -> None:
        """It has no account."""

    def client(self, service: str) -> Any:
        raise AssertionError(service)


def test_nothing_is_asked_for_no_metrics() -> None:
    assert Metrics(Nobody()).read([], NOON, NOON) == {}
