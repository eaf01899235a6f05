"""Watching is real: what databases, load balancers and servers do becomes metrics, and alarms change by them."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from local.demo import Cloud
from tests.e2e.clone import Clone, client, eventually, new_clone, shell

PASSWORD = "longer-than-8"
BUSY = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A clone with its cloud, and the shell of its user."""

    clone: Clone
    shell: Cloud

    def client(self, service: str) -> Any:
        return client(self.shell, service)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A minute of an alarm lasts a second here."""
    clone = new_clone(tmp_path_factory.mktemp("clone") / "a clone")
    started = clone.run("up", "--pace", "60")
    assert started.returncode == 0, started.stderr
    yield Watched(clone=clone, shell=shell(clone))
    clone.run("down")


def test_an_alarm_on_connections_rises_tells_its_topic_and_calms_down(cloud: Watched) -> None:
    make_database(cloud, "busy")
    topic, queue = topic_with_queue(cloud)
    put_alarm(cloud, "connections", "AWS/RDS", "DatabaseConnections", {"DBInstanceIdentifier": "busy"}, topic)
    eventually(lambda: state(cloud, "connections") == "OK")
    with connected(cloud, "busy"):
        eventually(lambda: state(cloud, "connections") == "ALARM")
    eventually(lambda: state(cloud, "connections") == "OK")
    told = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    notices = [json.loads(json.loads(each["Body"])["Message"]) for each in told]
    assert [(each["AlarmName"], each["NewStateValue"]) for each in notices] == [("connections", "ALARM")]
    history = cloud.client("cloudwatch").describe_alarm_history(AlarmName="connections")["AlarmHistoryItems"]
    assert [each["HistorySummary"].rpartition(" ")[2] for each in history] == ["OK", "ALARM", "OK"]


def test_answers_that_a_load_balancer_gave_itself_are_counted(cloud: Watched) -> None:
    ec2, elb = cloud.client("ec2"), cloud.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("ab")
    ]
    names = [each["Subnet"]["SubnetId"] for each in subnets]
    balancer = elb.create_load_balancer(Name="live", Subnets=names)["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8080, DefaultActions=[BUSY])
    for _ in range(5):
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"http://{balancer['DNSName']}:8080/", timeout=5)
        answer.value.close()
    place = {"LoadBalancer": arn.partition("loadbalancer/")[2]}
    eventually(lambda: total(cloud, "AWS/ApplicationELB", "HTTP_Fixed_Response_Count", place) == 5)


def test_a_running_server_has_figures_and_passes_its_check(cloud: Watched) -> None:
    ec2 = cloud.client("ec2")
    instance = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    wanted = {
        ("AWS/EC2", "CPUUtilization"),
        ("AWS/EC2", "StatusCheckFailed"),
        ("CWAgent", "mem_used_percent"),
        ("CWAgent", "disk_used_percent"),
    }
    eventually(lambda: wanted <= listed(cloud, instance))
    assert total(cloud, "AWS/EC2", "StatusCheckFailed", {"InstanceId": instance}) == 0
    ec2.terminate_instances(InstanceIds=[instance])


def test_a_broken_database_is_seen_and_comes_back_with_its_rows(cloud: Watched) -> None:
    make_database(cloud, "fragile")
    with connected(cloud, "fragile") as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
    broken = cloud.clone.run("fault", "break", "fragile")
    assert broken.returncode == 0, broken.stderr
    assert shown(cloud, "fragile")["state"] == "broken"
    assert described(cloud, "fragile")["DBInstanceStatus"] == "available"
    with pytest.raises(psycopg.OperationalError):
        connected(cloud, "fragile")
    assert cloud.clone.run("fault", "clear").returncode == 0
    assert shown(cloud, "fragile")["state"] == "running"
    with connected(cloud, "fragile") as connection:
        assert connection.execute("SELECT number FROM task").fetchall() == [(7,)]


def test_a_renamed_database_keeps_its_address_rows_and_figures(cloud: Watched) -> None:
    make_database(cloud, "before")
    address = described(cloud, "before")["Endpoint"]["Address"]
    cloud.client("rds").modify_db_instance(
        DBInstanceIdentifier="before", NewDBInstanceIdentifier="after", ApplyImmediately=True
    )
    assert described(cloud, "after")["Endpoint"]["Address"] == address
    assert shown(cloud, "after")["address"] == address
    eventually(lambda: total(cloud, "AWS/RDS", "FreeStorageSpace", {"DBInstanceIdentifier": "after"}) > 0)


def test_the_final_snapshot_of_a_deleted_database_holds_its_rows_and_users(cloud: Watched) -> None:
    make_database(cloud, "ending")
    with connected(cloud, "ending") as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reads'")
        connection.execute("GRANT SELECT ON task TO reader")
    rds = cloud.client("rds")
    rds.delete_db_instance(DBInstanceIdentifier="ending", FinalDBSnapshotIdentifier="final")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="again", DBSnapshotIdentifier="final")
    with connected(cloud, "again", user="reader", password="reads") as connection:
        assert connection.execute("SELECT number FROM task").fetchall() == [(7,)]


def make_database(cloud: Watched, name: str) -> None:
    cloud.client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword=PASSWORD,
        DBName="fieldmap",
        Port=5432,
    )


def connected(
    cloud: Watched, name: str, user: str = "master", password: str = PASSWORD
) -> "psycopg.Connection[tuple[Any, ...]]":
    place = described(cloud, name)["Endpoint"]
    return psycopg.connect(
        host=place["Address"], port=place["Port"], user=user, password=password, dbname="fieldmap", autocommit=True
    )


def described(cloud: Watched, name: str) -> dict[str, Any]:
    return dict(cloud.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])


def shown(cloud: Watched, name: str) -> dict[str, Any]:
    return next(dict(each) for each in cloud.clone.status()["databases"] if each["id"] == name)


def topic_with_queue(cloud: Watched) -> tuple[str, str]:
    """A topic and the queue in which one sees what it was told."""
    topic = cloud.client("sns").create_topic(Name="alarms")["TopicArn"]
    queue = cloud.client("sqs").create_queue(QueueName="alarms")["QueueUrl"]
    arn = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, queue


def put_alarm(cloud: Watched, name: str, namespace: str, metric: str, place: dict[str, str], topic: str) -> None:
    """An alarm as soon as one value is 1 or more."""
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions(place),
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[topic],
    )


def state(cloud: Watched, alarm: str) -> str:
    return str(cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"])


def total(cloud: Watched, namespace: str, metric: str, place: dict[str, str]) -> float:
    """The sum of all that was measured in the last minutes."""
    now = datetime.now(UTC)
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions(place),
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(each["Sum"] for each in points))


def listed(cloud: Watched, instance: str) -> set[tuple[str, str]]:
    """Namespace and name of the instance's metrics."""
    found = cloud.client("cloudwatch").list_metrics(Dimensions=[{"Name": "InstanceId", "Value": instance}])["Metrics"]
    return {(each["Namespace"], each["MetricName"]) for each in found}


def dimensions(place: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in place.items()]
