"""What is measured reaches CloudWatch, and alarms change state by it."""

import logging
import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event
from typing import Any

import pytest
from moto import mock_aws
from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID

from local.hooks.alarms import install_alarms
from local.hooks.metrics import install_metrics
from local.pace import Pace
from local.watching import Watching
from local.watching.figures import Measured
from local.watching.samples import many, one
from local.watching.store import metric, samples_of
from tests.aws_clients import aws_client

REGION = "eu-central-1"
DIMENSIONS = [{"Name": "InstanceId", "Value": "i-1"}]
ALARM = {
    "AlarmName": "slow",
    "Namespace": "AWS/EC2",
    "MetricName": "CPUUtilization",
    "Dimensions": DIMENSIONS,
    "Period": 60,
    "EvaluationPeriods": 2,
    "Threshold": 80,
    "ComparisonOperator": "GreaterThanThreshold",
}
NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC


class Cloud:
    """A part whose figure is set by the test, and a clock that only the test moves."""

    def __init__(self, pace: float = 1) -> None:
        self.now = NOON
        self.figures: list[float] = []
        self.watching = Watching([self.measure], Pace(factor=pace), clock=lambda: self.now)
        self.cloudwatch = aws_client("cloudwatch", REGION)

    def measure(self, now: float) -> list[Measured]:
        if not self.figures:
            return []
        named = metric("AWS/EC2", "CPUUtilization", DIMENSIONS)
        sample = many(now, [(each, 1) for each in self.figures], "Percent")
        return [Measured(account=DEFAULT_ACCOUNT_ID, region=REGION, metric=named, sample=sample)]

    def pass_time(self, seconds: float, *figures: float, step: float = 20) -> None:
        self.figures = list(figures)
        for _ in range(int(seconds / step)):
            self.now += step
            self.watching.tick()

    def state(self) -> str:
        return str(self.cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"])

    def reason(self) -> str:
        return str(self.cloudwatch.describe_alarms()["MetricAlarms"][0]["StateReason"])


@pytest.fixture(autouse=True)
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws(), ExitStack() as installed:
        install_metrics(installed)
        install_alarms(installed)
        yield


def test_an_alarm_rises_by_its_metric_and_calms_down_again() -> None:
    cloud = Cloud()
    cloud.cloudwatch.put_metric_alarm(**ALARM, Statistic="Average")
    seen = []
    for figure in (50, 90, 50):
        cloud.pass_time(240, figure)
        seen.append(cloud.state())
    assert seen == ["OK", "ALARM", "OK"]


def test_the_reason_tells_figures_and_threshold() -> None:
    cloud = Cloud()
    cloud.cloudwatch.put_metric_alarm(**ALARM, Statistic="Maximum")
    cloud.pass_time(240, 91)
    assert cloud.reason() == (
        "Threshold Crossed: 2 out of the last 2 datapoints [91, 91] were greater than the threshold (80)"
        " (minimum 2 for ALARM)."
    )


def test_one_period_over_the_threshold_is_not_two() -> None:
    cloud = Cloud()
    cloud.cloudwatch.put_metric_alarm(**ALARM, Statistic="Average")
    cloud.pass_time(180, 50)
    cloud.pass_time(60, 90)
    cloud.pass_time(60, 50)
    assert cloud.state() == "OK"


@pytest.mark.parametrize(("percentile", "state"), [("p90", "OK"), ("p95", "ALARM")])
def test_an_alarm_on_a_percentile_looks_at_the_slowest(percentile: str, state: str) -> None:
    cloud = Cloud()
    cloud.cloudwatch.put_metric_alarm(**ALARM, ExtendedStatistic=percentile)
    cloud.pass_time(240, *[10.0] * 93, *[200.0] * 7)
    assert cloud.state() == state


@pytest.mark.parametrize(("count", "state"), [(66, "INSUFFICIENT_DATA"), (67, "ALARM")])
def test_an_alarm_may_ignore_percentiles_of_few_samples(count: int, state: str) -> None:
    cloud = Cloud()
    ignoring = {"ExtendedStatistic": "p95", "EvaluateLowSampleCountPercentile": "ignore"}
    cloud.cloudwatch.put_metric_alarm(**ALARM, **ignoring)
    cloud.pass_time(240, *[90.0] * count)  # three times a period, and p95 needs 200
    assert cloud.state() == state


@pytest.mark.parametrize(("unit", "state"), [("Percent", "ALARM"), ("Bytes", "INSUFFICIENT_DATA")])
def test_an_alarm_looks_at_figures_of_its_unit_only(unit: str, state: str) -> None:
    cloud = Cloud()
    cloud.cloudwatch.put_metric_alarm(**ALARM, Statistic="Average", Unit=unit)
    cloud.pass_time(240, 90)
    assert cloud.state() == state


def test_a_metric_that_ends_leaves_insufficient_data_with_a_reason() -> None:
    cloud = Cloud()
    cloud.cloudwatch.put_metric_alarm(**ALARM, Statistic="Average")
    cloud.pass_time(240, 50)
    cloud.pass_time(360)
    assert (cloud.state(), cloud.reason()) == (
        "INSUFFICIENT_DATA",
        "Insufficient Data: 2 datapoints were unknown.",
    )


def test_missing_data_alarm_where_they_are_to_be_treated_as_breaching() -> None:
    cloud = Cloud()
    cloud.cloudwatch.put_metric_alarm(**ALARM, Statistic="Average", TreatMissingData="breaching")
    cloud.pass_time(60)
    assert cloud.state() == "ALARM"


def test_periods_are_as_much_shorter_as_the_pace_is_faster() -> None:
    cloud = Cloud(pace=10)
    cloud.cloudwatch.put_metric_alarm(**ALARM, Statistic="Average")
    cloud.pass_time(24, 90, step=2)
    assert cloud.state() == "ALARM"


def test_what_is_measured_is_answered_by_the_api() -> None:
    cloud = Cloud()
    cloud.pass_time(60, 40, 60)
    query = {
        "Metric": {name: ALARM[name] for name in ("Namespace", "MetricName", "Dimensions")},
        "Period": 60,
        "Stat": "Sum",
    }
    told = cloud.cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "q", "MetricStat": query}], StartTime=NOON, EndTime=NOON + 60
    )
    assert told["MetricDataResults"][0]["Values"] == [200]


def test_what_is_older_than_three_hours_is_forgotten() -> None:
    cloud = Cloud()
    cloud.pass_time(4 * 3600, 50, step=60)
    kept = samples_of(cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION])
    assert [len(samples) for samples in kept.values()] == [181]
    cloud.pass_time(4 * 3600, step=60)
    assert kept == {}


def test_a_part_that_fails_does_not_keep_the_others_from_being_watched(caplog: pytest.LogCaptureFixture) -> None:
    def fail(now: float) -> list[Measured]:
        raise OSError("the part is broken")

    named = metric("App", "Time")

    def work(now: float) -> list[Measured]:
        return [Measured(account=DEFAULT_ACCOUNT_ID, region=REGION, metric=named, sample=one(now, 1))]

    with caplog.at_level(logging.ERROR):
        Watching([fail, work], Pace(), clock=lambda: NOON).tick()
    assert list(samples_of(cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION])) == [named]
    assert "the part is broken" in caplog.text


def test_the_thread_watches_until_it_is_closed() -> None:
    asked = Event()

    def measure(now: float) -> list[Measured]:
        asked.set()
        return []

    watching = Watching([measure], Pace(factor=1000))
    watching.start()
    assert asked.wait(10)
    assert watching.status()[0]["state"] == "running"
    watching.close()
    assert watching.status()[0]["state"] == "crashed"


def test_alarms_of_other_accounts_and_regions_are_judged_too() -> None:
    cloud = Cloud()
    elsewhere: Any = aws_client("cloudwatch", "us-east-1")
    elsewhere.put_metric_alarm(**ALARM, Statistic="Average", TreatMissingData="notBreaching")
    cloud.pass_time(60)
    assert elsewhere.describe_alarms()["MetricAlarms"][0]["StateValue"] == "OK"


def test_samples_are_kept_with_the_backend_that_they_belong_to() -> None:
    cloud = Cloud()
    cloud.pass_time(60, 40, 60)
    kept = samples_of(cloudwatch_backends[DEFAULT_ACCOUNT_ID][REGION])
    assert pickle.loads(pickle.dumps(kept)) == kept
