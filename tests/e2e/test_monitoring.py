"""Monitoring of a whole environment: quiet while nothing happens, loud when a server's disk is full, quiet again."""

import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from local.demo import Cloud
from tests.e2e.clone import Clone, client, eventually
from tests.e2e.ready import Ready

SERVER = "stageline-dev-1"
SOME_MINUTES = 6.0  # of real time: a minute of an alarm lasts a second here

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def cloud(ready: Ready) -> Iterator[Cloud]:
    """A cloud in which dev is up and nothing was deployed."""
    with ready.dev("--pace", "60") as cloud:
        yield cloud


@pytest.fixture
def clone(cloud: Cloud) -> Clone:
    return Clone(cloud.paths.project)


def test_requests_to_an_environment_where_nothing_is_live_trip_no_alarm(cloud: Cloud) -> None:
    eventually(lambda: set(states(cloud).values()) == {"OK"}, limit=60)
    urls = [output(cloud, name) for name in ("live_url", "preview_url")]
    pause = Event()
    for _ in range(int(SOME_MINUTES / 0.3)):
        assert {asked(url) for url in urls} <= {502, 503}
        pause.wait(0.3)
    assert set(states(cloud).values()) == {"OK"}


def test_every_alarm_looks_where_figures_are(cloud: Cloud) -> None:
    """An alarm that looks elsewhere would never be heard of: what is not measured is no alarm."""
    alarms = client(cloud, "cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    listed = client(cloud, "cloudwatch").get_paginator("list_metrics").paginate()
    measured = [each for page in listed for each in page["Metrics"]]
    assert {place(each) for each in alarms} <= {place(each) for each in measured}
    always = [each for each in alarms if each["Namespace"] != "AWS/ApplicationELB"]
    assert {each["MetricName"] for each in always} <= {each["MetricName"] for each in measured}


def test_a_full_disk_is_told_to_the_topic_and_so_is_its_end(clone: Clone, cloud: Cloud) -> None:
    notices = Notices(cloud)
    filled = clone.run("fault", "fill", SERVER)
    assert filled.returncode == 0, filled.stderr
    eventually(lambda: states(cloud)[f"{LABEL}-disk-1"] == "ALARM", limit=60)
    assert in_alarm(cloud) == {f"{LABEL}-disk-1"}
    assert clone.run("fault", "clear").returncode == 0
    eventually(lambda: not in_alarm(cloud), limit=60)
    eventually(lambda: notices.read() == [(f"{LABEL}-disk-1", "ALARM"), (f"{LABEL}-disk-1", "OK")])


def test_every_request_is_written_into_the_access_log(cloud: Cloud) -> None:
    asked(f"{output(cloud, 'live_url')}/find-me-again")
    eventually(lambda: any("/find-me-again" in line for line in access_log(cloud)), limit=30)


LABEL = "stageline-dev"


class Notices:
    """What the environment's topic is told from now on, as someone who subscribed sees it."""

    def __init__(self, cloud: Cloud) -> None:
        self._queues = client(cloud, "sqs")
        self._queue = self._queues.create_queue(QueueName="notices")["QueueUrl"]
        asked = self._queues.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        topics = client(cloud, "sns")
        (topic,) = topics.list_topics()["Topics"]
        topics.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"])
        self._told: list[tuple[str, str]] = []

    def read(self) -> list[tuple[str, str]]:
        """Alarms with their new states, in order."""
        found = self._queues.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        notices = [json.loads(json.loads(each["Body"])["Message"]) for each in found]
        self._told += [(each["AlarmName"], each["NewStateValue"]) for each in notices]
        return self._told


def states(cloud: Cloud) -> dict[str, str]:
    """The alarms' states by name."""
    alarms = client(cloud, "cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    return {each["AlarmName"]: each["StateValue"] for each in alarms}


def place(metric: dict[str, Any]) -> tuple[str, frozenset[tuple[str, str]]]:
    """What a metric is about: its namespace and dimensions.

    Of target groups only the form, `targetgroup`: one that no listener leads to has no figures.
    """
    dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    if "TargetGroup" in dimensions:
        dimensions["TargetGroup"] = dimensions["TargetGroup"].partition("/")[0]
    return metric["Namespace"], frozenset(dimensions.items())


def in_alarm(cloud: Cloud) -> set[str]:
    return {name for name, state in states(cloud).items() if state == "ALARM"}


def output(cloud: Cloud, name: str) -> str:
    return cloud.must("pulumi", "stack", "output", name, "--stack", "dev").strip()


def asked(url: str) -> int:
    """The status of the answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def access_log(cloud: Cloud) -> list[str]:
    """The lines of the log files in the bucket of access logs."""
    s3: Any = client(cloud, "s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("env-logs-access")]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    files = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys if key.endswith(".log.gz")]
    return [line for file in files for line in gzip.decompress(file).decode().splitlines()]
