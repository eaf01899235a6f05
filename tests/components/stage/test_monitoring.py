"""Monitoring: every alarm tells the topic, the topic tells people, and releases move what is watched."""

import json
from typing import Any

import pytest

from components.slots import Slots
from settings.model import Monitoring
from tests.components.recording import BLUE_LIVE, EMPTY, GREEN_LIVE, record, settings_of

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "arn:of:env-monitoring-alarms"


def alarms(environment: str = "prod", slots: Slots = EMPTY) -> dict[str, dict[str, Any]]:
    """The inputs of the alarms by the name that people see."""
    return {one.inputs["name"]: one.inputs for one in record(settings_of(environment), slots).of(ALARM)}


def test_alarms_are_named_after_the_environment() -> None:
    servers = [f"stageline-prod-{part}-{number}" for part in ("cpu", "memory", "disk") for number in (1, 2)]
    requests = [f"stageline-prod-{part}" for part in ("errors", "timeouts", "broken-off", "latency", "health")]
    database = [f"stageline-prod-database-{part}" for part in ("cpu", "connections", "storage")]
    assert sorted(alarms()) == sorted([*servers, *requests, *database])


@pytest.mark.parametrize("environment", ["dev", "qa", "staging", "prod"])
def test_what_is_not_measured_trips_no_alarm(environment: str) -> None:
    assert {one["treatMissingData"] for one in alarms(environment).values()} == {"notBreaching"}


def test_the_topic_hears_of_every_alarm_and_of_its_end() -> None:
    told = [(one["alarmActions"], one["okActions"]) for one in alarms().values()]
    assert told == [([TOPIC], [TOPIC])] * len(told)


def test_an_alarm_is_made_when_it_may_publish() -> None:
    recording = record(settings_of("prod"))
    policy = recording.one("aws:sns/topicPolicy:TopicPolicy", "env-monitoring-alarms")
    assert all(policy.urn in one.after for one in recording.of(ALARM))


def test_a_percentile_is_asked_for_as_one() -> None:
    latency, errors = alarms()["stageline-prod-latency"], alarms()["stageline-prod-errors"]
    assert (latency["extendedStatistic"], latency.get("statistic")) == ("p95", None)
    assert (errors["statistic"], errors.get("extendedStatistic")) == ("Sum", None)


@pytest.mark.parametrize(
    ("slots", "watched"), [(EMPTY, "green"), (BLUE_LIVE, "blue"), (GREEN_LIVE, "green")], ids=["none", "blue", "green"]
)
def test_requests_are_watched_in_the_slot_that_is_not_in_the_preview(slots: Slots, watched: str) -> None:
    for name in ("errors", "latency", "health"):
        dimensions = alarms(slots=slots)[f"stageline-prod-{name}"]["dimensions"]
        assert dimensions == {"LoadBalancer": "suffix-of/env-lb-alb", "TargetGroup": f"suffix-of/env-lb-{watched}"}


@pytest.mark.parametrize(("slots", "bearable"), [(EMPTY, 2), (BLUE_LIVE, 0)], ids=["nothing live", "blue live"])
def test_unhealthy_servers_are_an_alarm_only_while_something_is_live(slots: Slots, bearable: int) -> None:
    assert alarms(slots=slots)["stageline-prod-health"]["threshold"] == bearable


def test_the_topic_is_encrypted_with_a_key_that_alarms_may_use() -> None:
    [topic] = record(settings_of("prod")).of("aws:sns/topic:Topic")
    assert topic.inputs["kmsMasterKeyId"] == "arn:of:env-logs-key"


def test_only_alarms_of_this_account_publish_and_only_with_tls() -> None:
    [declared] = record(settings_of("prod")).of("aws:sns/topicPolicy:TopicPolicy")
    policy = {one["Sid"]: one for one in json.loads(declared.inputs["policy"])["Statement"]}
    allowed, denied = policy.pop("AllowAlarms"), policy.pop("DenyPlainHttp")
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert policy == {}


def test_every_address_of_the_setting_is_told_by_mail() -> None:
    monitoring = Monitoring(emails=("ops@example.com", "lead@example.com"), log_days=7)
    subscriptions = record(settings_of("dev", monitoring=monitoring)).of("aws:sns/topicSubscription:TopicSubscription")
    assert [(one.inputs["topic"], one.inputs["protocol"], one.inputs["endpoint"]) for one in subscriptions] == [
        (TOPIC, "email", "lead@example.com"),
        (TOPIC, "email", "ops@example.com"),
    ]


def test_the_dashboard_shows_alarms_both_slots_every_server_and_the_database() -> None:
    [dashboard] = record(settings_of("prod")).of("aws:cloudwatch/dashboard:Dashboard")
    alarm, *graphs = json.loads(dashboard.inputs["dashboardBody"])["widgets"]
    lines = [line for graph in graphs for line in graph["properties"]["metrics"]]
    assert dashboard.inputs["dashboardName"] == "stageline-prod"
    assert sorted(alarm["properties"]["alarms"]) == sorted(
        one.outputs["arn"] for one in record(settings_of("prod")).of(ALARM)
    )
    assert ["AWS/EC2", "CPUUtilization", "InstanceId", "env-servers-2-id", {"label": "server 2"}] in lines
    database = "stageline-prod-postgres-env-network-vpc-id"
    assert ["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", database] in lines
    groups = {line[5] for line in lines if line[1] == "RequestCount"}
    assert groups == {"suffix-of/env-lb-blue", "suffix-of/env-lb-green"}


def test_the_dashboards_widgets_cover_each_other_nowhere() -> None:
    [dashboard] = record(settings_of("prod")).of("aws:cloudwatch/dashboard:Dashboard")
    widgets = json.loads(dashboard.inputs["dashboardBody"])["widgets"]
    covered = [
        (one["x"] + across, one["y"] + down)
        for one in widgets
        for across in range(one["width"])
        for down in range(one["height"])
    ]
    assert len(covered) == len(set(covered))
    assert max(across for across, _ in covered) < 24
