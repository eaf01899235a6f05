"""The parts' figures get the names and dimensions that AWS gives them."""

from typing import Any

import pytest
from moto import mock_aws

from local.balancers.counts import BalancerCounts, GroupCounts
from local.databases import DatabaseFigures
from local.watching.figures import (
    Measured,
    Place,
    balancer_metrics,
    database_metrics,
    find_instance,
    server_metrics,
)
from tests.aws_clients import aws_client

BALANCER = "arn:aws:elasticloadbalancing:eu-central-1:210987654321:loadbalancer/app/live/50dc6c495c0c9188"
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:210987654321:targetgroup/blue/73e2d6bc24d8a067"
LOAD_BALANCER = ("LoadBalancer", "app/live/50dc6c495c0c9188")
TARGET_GROUP = ("TargetGroup", "targetgroup/blue/73e2d6bc24d8a067")
FIGURES = {"instance_id": "i-1", "cpu_percent": 12.5, "memory_percent": 40.0, "disk_percent": 71.0}


def values(measured: list[Measured], *dimensions: tuple[str, str]) -> dict[str, float]:
    """The totals of the metrics with just these dimensions."""
    return {
        each.metric.name: each.sample.total for each in measured if each.metric.dimensions == tuple(sorted(dimensions))
    }


def found(instance_id: str) -> Place | None:
    place = Place(account="1", region="eu-central-1", dimensions=(("InstanceId", instance_id),))
    return place if instance_id == "i-1" else None


def test_a_server_has_cpu_memory_and_disk_in_the_namespaces_of_ec2_and_the_agent() -> None:
    measured = server_metrics([FIGURES], [], 7.0, found)
    assert [(each.metric.namespace, each.metric.name, each.sample.total, each.sample.at) for each in measured] == [
        ("AWS/EC2", "CPUUtilization", 12.5, 7.0),
        ("CWAgent", "mem_used_percent", 40.0, 7.0),
        ("CWAgent", "disk_used_percent", 71.0, 7.0),
    ]


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        pytest.param({"state": "running"}, 0, id="runs"),
        pytest.param({"state": "crashed"}, 1, id="died"),
        pytest.param({"state": "faulty", "faults": ["stop"]}, 1, id="no power"),
        pytest.param({"state": "faulty", "faults": ["slow", "hang"]}, 1, id="hangs"),
        pytest.param({"state": "faulty", "faults": ["fill"]}, 0, id="full, but it answers"),
    ],
)
def test_the_status_check_fails_when_the_server_does_not_answer(status: dict[str, Any], failed: int) -> None:
    measured = server_metrics([], [{"id": "i-1", **status}], 0, found)
    assert values(measured, ("InstanceId", "i-1"))["StatusCheckFailed"] == failed


def test_a_server_that_ec2_does_not_call_running_has_no_metrics() -> None:
    stopped = {**FIGURES, "instance_id": "i-2"}
    assert server_metrics([stopped], [{"id": "i-2", "state": "stopped"}], 0, found) == []


def test_an_instance_is_found_in_its_account_and_region_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        ec2 = aws_client("ec2", "eu-west-1")
        made = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        running = find_instance(made)
        ec2.stop_instances(InstanceIds=[made])
        assert running == Place(account="123456789012", region="eu-west-1", dimensions=(("InstanceId", made),))
        assert find_instance(made) is None


def test_a_balancer_has_its_counts_and_each_target_group_its_own() -> None:
    group = GroupCounts(
        arn=GROUP,
        requests=6,
        target_2xx=3,
        target_4xx=2,
        target_5xx=1,
        response_times=(0.1, 0.3),
        healthy_hosts=2,
        unhealthy_hosts=1,
    )
    counts = BalancerCounts(arn=BALANCER, name="live", requests=6, elb_5xx=4, elb_503=4, groups=(group, group))
    measured = balancer_metrics([counts], 0)
    assert {(each.account, each.region, each.metric.namespace) for each in measured} == {
        ("210987654321", "eu-central-1", "AWS/ApplicationELB")
    }
    whole = values(measured, LOAD_BALANCER)
    assert (whole["RequestCount"], whole["HTTPCode_ELB_5XX_Count"], whole["HTTPCode_Target_5XX_Count"]) == (6, 4, 2)
    assert whole["TargetResponseTime"] == pytest.approx(0.8)
    assert values(measured, LOAD_BALANCER, TARGET_GROUP) == {
        "HealthyHostCount": 2,
        "UnHealthyHostCount": 1,
        "RequestCount": 6,
        "HTTPCode_Target_2XX_Count": 3,
        "HTTPCode_Target_4XX_Count": 2,
        "HTTPCode_Target_5XX_Count": 1,
        "TargetResponseTime": pytest.approx(0.4),
    }


def test_codes_that_nobody_answered_are_not_told() -> None:
    measured = balancer_metrics([BalancerCounts(arn=BALANCER, name="live")], 0)
    assert values(measured, LOAD_BALANCER) == {"RequestCount": 0}


def test_a_database_has_its_figures_under_its_identifier() -> None:
    arn = "arn:aws:rds:eu-central-1:1:db:dev"
    figures = DatabaseFigures(
        arn=arn, cpu_percent=3.0, connections=2, free_storage_bytes=5_000, freeable_memory_bytes=700
    )
    measured = database_metrics([figures], 0)
    assert values(measured, ("DBInstanceIdentifier", "dev")) == {
        "CPUUtilization": 3.0,
        "DatabaseConnections": 2,
        "FreeStorageSpace": 5_000,
        "FreeableMemory": 700,
    }
