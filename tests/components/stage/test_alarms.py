"""Alarms: what is asked, where the limits lie, and that nothing which is not measured trips one."""

import pytest

from components.stage.alarms import (
    database_alarms,
    health_alarm,
    memory_gib,
    most_connections,
    request_alarms,
    server_alarms,
)

GIB = 1024**3


def test_a_server_is_watched_for_cpu_memory_and_disk() -> None:
    alarms = server_alarms(2, "i-2")
    assert [(one.name, one.namespace, one.metric, one.threshold) for one in alarms] == [
        ("cpu-2", "AWS/EC2", "CPUUtilization", 80),
        ("memory-2", "CWAgent", "mem_used_percent", 70),
        ("disk-2", "CWAgent", "disk_used_percent", 80),
    ]
    assert [one.dimensions for one in alarms] == [{"InstanceId": "i-2"}] * 3


def test_requests_are_judged_for_the_live_slot_and_the_balancers_own_errors_for_all_of_it() -> None:
    alarms = {one.name: one for one in request_alarms("app/lb/1", "targetgroup/green/2")}
    live = {"LoadBalancer": "app/lb/1", "TargetGroup": "targetgroup/green/2"}
    assert {name: dict(one.dimensions) for name, one in alarms.items()} == {
        "errors": live,
        "timeouts": {"LoadBalancer": "app/lb/1"},
        "broken-off": {"LoadBalancer": "app/lb/1"},
        "latency": live,
    }
    assert (alarms["timeouts"].metric, alarms["broken-off"].metric) == (
        "HTTPCode_ELB_504_Count",
        "HTTPCode_ELB_502_Count",
    )


def test_any_5xx_that_lasts_three_minutes_is_an_alarm_and_so_is_every_20th_answer_over_200_ms() -> None:
    alarms = {one.name: one for one in request_alarms("app/lb/1", "targetgroup/green/2")}
    errors, latency = alarms["errors"], alarms["latency"]
    assert (errors.metric, errors.statistic, errors.threshold) == ("HTTPCode_Target_5XX_Count", "Sum", 0)
    assert (latency.metric, latency.statistic, latency.threshold) == ("TargetResponseTime", "p95", 0.2)
    assert {(one.period, one.periods) for one in alarms.values()} == {(60, 3)}


def test_the_database_is_watched_for_cpu_connections_and_free_storage() -> None:
    alarms = database_alarms("db-1", "postgres", "db.t4g.small", 100)
    assert [(one.name, one.metric, one.beyond, one.threshold) for one in alarms] == [
        ("database-cpu", "CPUUtilization", "GreaterThanThreshold", 80),
        ("database-connections", "DatabaseConnections", "GreaterThanThreshold", 168),
        ("database-storage", "FreeStorageSpace", "LessThanThreshold", pytest.approx(20 * GIB)),
    ]


def test_health_is_watched_in_one_slot_and_some_unhealthy_servers_can_be_borne() -> None:
    alarm = health_alarm("app/lb/1", "targetgroup/green/2", bearable=2)
    assert (alarm.metric, alarm.beyond, alarm.threshold) == ("UnHealthyHostCount", "GreaterThanThreshold", 2)
    assert alarm.dimensions == {"LoadBalancer": "app/lb/1", "TargetGroup": "targetgroup/green/2"}


@pytest.mark.parametrize(
    ("engine", "instance_class", "connections"),
    [
        ("postgres", "db.t4g.micro", 112),
        ("postgres", "db.m7g.large", 901),
        ("mysql", "db.m7g.large", 682),
        ("postgres", "db.r7g.16xlarge", 5000),
    ],
)
def test_an_engine_allows_connections_by_the_memory_of_its_class(
    engine: str, instance_class: str, connections: int
) -> None:
    assert most_connections(engine, instance_class) == connections


@pytest.mark.parametrize(
    ("instance_class", "gib"),
    [
        ("db.t3.small", 2),
        ("db.m5.xlarge", 16),
        ("db.r6g.2xlarge", 64),
        ("db.c6gd.large", 4),
        ("db.x2g.large", 32),
        ("db.new.tiny", 1),
    ],
)
def test_memory_follows_family_and_size_and_an_unknown_size_is_small(instance_class: str, gib: float) -> None:
    assert memory_gib(instance_class) == gib
