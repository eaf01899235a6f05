"""Alarms begin, change, tell and remember as CloudWatch's do."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from local.hooks.alarms import install_alarms
from tests.aws_clients import aws_client

REGION = "eu-central-1"
TOPIC = f"arn:aws:sns:{REGION}:{DEFAULT_ACCOUNT_ID}:alarms"
CPU = {
    "AlarmName": "cpu",
    "Namespace": "AWS/EC2",
    "MetricName": "CPUUtilization",
    "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 80,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": [TOPIC],
}


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws(), ExitStack() as installed:
        install_alarms(installed)
        aws_client("sns", REGION).create_topic(Name="alarms")
        yield aws_client("cloudwatch", REGION)


def alarm(cloudwatch: Any) -> dict[str, Any]:
    return dict(cloudwatch.describe_alarms(AlarmNames=["cpu"])["MetricAlarms"][0])


def change(cloudwatch: Any, state: str, reason: str = "because") -> None:
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue=state, StateReason=reason)


def sent() -> list[tuple[str, dict[str, Any]]]:
    """Subject and message of what the topic was told."""
    told = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[TOPIC].sent_notifications
    return [(subject or "", json.loads(message)) for _, message, subject, _, _ in told]


def test_a_new_alarm_has_insufficient_data(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**CPU)
    assert alarm(cloudwatch)["StateValue"] == "INSUFFICIENT_DATA"


def test_an_alarm_that_is_changed_keeps_its_state(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**CPU)
    change(cloudwatch, "ALARM", "too hot")
    cloudwatch.put_metric_alarm(**{**CPU, "Threshold": 90})
    kept = alarm(cloudwatch)
    assert (kept["StateValue"], kept["StateReason"], kept["Threshold"]) == ("ALARM", "too hot", 90)


def test_its_topics_are_told_when_its_state_changes_and_only_then(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**CPU)
    change(cloudwatch, "ALARM", "too hot")
    change(cloudwatch, "ALARM", "still too hot")
    change(cloudwatch, "OK")
    [(subject, message)] = sent()
    assert subject == f'ALARM: "cpu" in {REGION}'
    told = {name: message[name] for name in ("AlarmName", "OldStateValue", "NewStateValue", "NewStateReason")}
    assert told == {
        "AlarmName": "cpu",
        "OldStateValue": "INSUFFICIENT_DATA",
        "NewStateValue": "ALARM",
        "NewStateReason": "too hot",
    }
    assert message["Trigger"]["Dimensions"] == [{"value": "i-1", "name": "InstanceId"}]


@pytest.mark.parametrize(
    ("actions", "state"),
    [("OKActions", "OK"), ("InsufficientDataActions", "INSUFFICIENT_DATA"), ("AlarmActions", "ALARM")],
)
def test_each_state_has_topics_of_its_own(cloudwatch: Any, actions: str, state: str) -> None:
    cloudwatch.put_metric_alarm(**{**CPU, "AlarmActions": [], actions: [TOPIC]})
    for each in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        change(cloudwatch, each)
    assert [message["NewStateValue"] for _, message in sent()] == [state]


def test_an_alarm_whose_actions_are_disabled_tells_nobody(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**CPU)
    cloudwatch.disable_alarm_actions(AlarmNames=["cpu"])
    change(cloudwatch, "ALARM")
    assert (sent(), alarm(cloudwatch)["StateValue"]) == ([], "ALARM")


def test_a_topic_that_is_gone_does_not_keep_the_state_from_changing(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**{**CPU, "AlarmActions": [TOPIC + "-gone"]})
    change(cloudwatch, "ALARM")
    assert alarm(cloudwatch)["StateValue"] == "ALARM"


def test_the_history_tells_each_change_the_newest_first(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**CPU)
    change(cloudwatch, "ALARM", "too hot")
    change(cloudwatch, "OK", "cooler")
    items = cloudwatch.describe_alarm_history(AlarmName="cpu")["AlarmHistoryItems"]
    assert [(each["HistorySummary"], each["HistoryData"]) for each in items] == [
        ("Alarm updated from ALARM to OK", "cooler"),
        ("Alarm updated from INSUFFICIENT_DATA to ALARM", "too hot"),
    ]


def test_the_history_does_not_grow_without_end(cloudwatch: Any) -> None:
    cloudwatch.put_metric_alarm(**CPU)
    for _ in range(60):
        change(cloudwatch, "ALARM")
        change(cloudwatch, "OK")
    assert len(cloudwatch.describe_alarm_history(AlarmName="cpu")["AlarmHistoryItems"]) == 100


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "the comparison GreaterThanUpperThreshold"),
        ({"Statistic": "tm99"}, "the statistic tm99"),
        ({"Period": 3600, "EvaluationPeriods": 4}, "more than 3 hours of evaluation"),
        ({"AlarmActions": [f"arn:aws:automate:{REGION}:ec2:reboot"]}, "the action arn:aws:automate"),
    ],
)
def test_an_alarm_that_could_never_change_is_refused_by_name(
    cloudwatch: Any, asked: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ClientError, match=f"cannot evaluate alarm cpu: it knows no {problem}"):
        cloudwatch.put_metric_alarm(**{**CPU, **asked})
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_an_alarm_on_metric_math_is_refused_by_name(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="cannot evaluate alarm rate: it knows no metric math"):
        cloudwatch.put_metric_alarm(
            AlarmName="rate",
            Metrics=[{"Id": "rate", "Expression": "TIME_SERIES(1)"}],
            EvaluationPeriods=2,
            Threshold=5,
            ComparisonOperator="GreaterThanThreshold",
        )


def test_a_composite_alarm_is_refused_by_name(cloudwatch: Any) -> None:
    with pytest.raises(ClientError, match="cannot evaluate alarm both: it knows no composite alarms"):
        cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(cpu)")
