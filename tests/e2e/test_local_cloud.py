"""The local cloud as a whole: up, real servers, load balancers and databases behind its API, down without a trace."""

import json
import os
import resource
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.clone import Clone, eventually, new_clone, stack_files
from tests.project import copy_project

UP_LIMIT = 5.0
PROGRAM = """
import pulumi, pulumi_aws as aws
provider = aws.Provider("aws", region="eu-central-1", allowed_account_ids=["123456789012"])
vpc = aws.ec2.Vpc("vpc", cidr_block="10.9.0.0/16", opts=pulumi.ResourceOptions(provider=provider))
pulumi.export("vpc", vpc.id)
"""
USER_DATA = """#!/bin/sh
mkdir -p $STAGELINE_ROOT/etc/ssh $STAGELINE_ROOT/home/stageline
ssh-keygen -q -t ed25519 -N '' -f $STAGELINE_ROOT/etc/ssh/ssh_host_ed25519_key
"""
NOTHING_LIVE = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "nothing is live"},
}

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = new_clone(tmp_path_factory.mktemp("clone") / "a clone")
    (clone.folder / "__main__.py").write_text(PROGRAM)
    yield clone
    clone.run("down")


@pytest.fixture
def cloud(clone: Clone) -> Clone:
    """The clone's cloud, up. Each test makes its own things in it."""
    started = clone.run("up")
    assert started.returncode == 0, started.stderr
    return clone


def test_up_is_quick_and_a_second_up_changes_nothing(clone: Clone) -> None:
    clone.run("down")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    first = clone.run("up")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    daemon = clone.status()["pid"]
    second = clone.run("up")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "started in" in first.stdout
    assert "was up already" in second.stdout
    assert clone.status()["pid"] == daemon
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert worked + processor_time(daemon) < UP_LIMIT  # time of work, not of waiting for others on a busy machine


def test_no_tracked_file_changes(cloud: Clone, tmp_path: Path) -> None:
    assert stack_files(cloud.folder) == stack_files(copy_project(tmp_path))


def test_people_act_as_a_user_with_an_identity(cloud: Clone) -> None:
    assert cloud.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/ops"


def test_plain_pulumi_makes_resources_in_the_cloud(cloud: Clone) -> None:
    variables = {**cloud.environment(), "PULUMI_CONFIG_PASSPHRASE": "not a secret"}

    def pulumi(*arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments], cwd=cloud.folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("stack", "init", "dev")
    assert "warning" not in pulumi("up", "-s", "dev", "--yes", "--skip-preview", "--color", "never")
    vpc = json.loads(pulumi("stack", "output", "-s", "dev", "--json"))["vpc"]
    assert cloud.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"] == "10.9.0.0/16"
    pulumi("destroy", "-s", "dev", "--yes", "--skip-preview")


def test_an_instance_is_an_ssh_host_at_its_public_address(cloud: Clone) -> None:
    ec2 = cloud.client("ec2")
    subnet = subnets(ec2)[0]
    launched = ec2.run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=subnet, UserData=USER_DATA
    )["Instances"][0]["InstanceId"]
    instance = ec2.describe_instances(InstanceIds=[launched])["Reservations"][0]["Instances"][0]
    place = (instance["PublicIpAddress"], 2222)
    eventually(lambda: greeting(place).startswith(b"SSH-2.0-"))
    ec2.terminate_instances(InstanceIds=[launched])
    assert greeting(place) == b""


def test_a_load_balancer_answers_on_its_dns_name(cloud: Clone) -> None:
    elb = cloud.client("elbv2")
    balancer = elb.create_load_balancer(Name="live", Subnets=subnets(cloud.client("ec2")))["LoadBalancers"][0]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=8080, DefaultActions=[NOTHING_LIVE]
    )
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(f"http://{balancer['DNSName']}:8080/", timeout=5)
    with answer.value as error:
        assert (error.code, error.read()) == (503, b"nothing is live")
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])


def test_a_database_takes_the_password_of_its_secret_and_its_snapshot_restores_rows(cloud: Clone) -> None:
    rds = cloud.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="dev",
        Engine="postgres",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="master",
        ManageMasterUserPassword=True,
        DBName="fieldmap",
        Port=5432,
    )
    with connected(cloud, "dev") as connection:
        connection.execute("CREATE TABLE project (name text)")
        connection.execute("INSERT INTO project VALUES ('before')")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    with connected(cloud, "dev") as connection:
        connection.execute("INSERT INTO project VALUES ('after')")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="beside", DBSnapshotIdentifier="before")
    with connected(cloud, "beside") as connection:
        assert connection.execute("SELECT name FROM project").fetchall() == [("before",)]
    with connected(cloud, "dev") as connection:
        assert len(connection.execute("SELECT name FROM project").fetchall()) == 2


def test_status_lists_what_is_there(cloud: Clone) -> None:
    elb = cloud.client("elbv2")
    balancer = elb.create_load_balancer(Name="shown", Subnets=subnets(cloud.client("ec2")))["LoadBalancers"][0]
    assert balancer["DNSName"] in cloud.run("status").stdout
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])


def test_down_leaves_no_process_and_the_next_up_is_a_fresh_cloud(cloud: Clone) -> None:
    rds = cloud.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="left",
        Engine="postgres",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="longer-than-8",
    )
    assert cloud.processes()
    assert cloud.run("down").returncode == 0
    assert cloud.processes() == []
    assert cloud.run("status").returncode == 1
    assert cloud.run("up").returncode == 0
    assert cloud.client("rds").describe_db_instances()["DBInstances"] == []


def test_after_the_daemon_was_killed_up_starts_a_fresh_cloud_and_ends_what_was_left(cloud: Clone) -> None:
    rds = cloud.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="left",
        Engine="postgres",
        DBInstanceClass="db.t4g.small",
        AllocatedStorage=20,
        MasterUsername="master",
        MasterUserPassword="longer-than-8",
    )
    daemon = cloud.status()["pid"]
    os.kill(daemon, signal.SIGKILL)
    status = cloud.run("status")
    assert (status.returncode, "has crashed and its state is lost" in status.stdout) == (1, True)
    assert "nothing to keep" in cloud.run("down", "--keep").stderr
    left = [line for line in cloud.processes() if "postgres" in line]
    up = cloud.run("up")
    assert (up.returncode, "empty, as the one before had crashed" in up.stdout) == (0, True)
    assert (len(left), [line for line in cloud.processes() if line in left]) == (1, [])


def test_what_the_daemon_says_is_in_the_log_with_a_date(cloud: Clone) -> None:
    last = cloud.run("logs").stdout.strip().splitlines()[-1]
    assert last[:2] == "20"
    assert "Z local." in last


def test_another_clones_cloud_runs_beside_it_and_holds_nothing_of_it(
    cloud: Clone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = new_clone(tmp_path_factory.mktemp("other") / "clone")
    try:
        started = other.run("up", "--pace", "1", "--port", "api=4600", "--port", "live=9080")
        assert started.returncode == 0, started.stderr
        vpc = other.client("ec2").create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        assert vpc not in [one["VpcId"] for one in cloud.client("ec2").describe_vpcs()["Vpcs"]]
        assert "live_port: 9080" in (other.folder / ".local" / "work" / "Pulumi.dev.yaml").read_text()
        assert other.run("down", "--keep").returncode == 0
        assert cloud.run("status").returncode == 0
        assert other.run("up").returncode == 0
        status = other.status()
        assert (status["url"].rpartition(":")[2], status["pace"]) == ("4600", 1)
        assert vpc in [one["VpcId"] for one in other.client("ec2").describe_vpcs()["Vpcs"]]
    finally:
        other.run("down")
    assert other.processes() == []


def test_people_act_in_another_account_when_they_ask_for_it(cloud: Clone) -> None:
    shell = f'{cloud.run("env", "--account", "210987654321").stdout}\necho "$AWS_ACCESS_KEY_ID"'
    key = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout.strip()
    assert key not in ("", cloud.environment()["AWS_ACCESS_KEY_ID"])
    assert "has 12 digits" in cloud.run("env", "--account", "12").stderr


def subnets(ec2: Any) -> list[str]:
    """Two public subnets of a new VPC."""
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("ab")
    ]
    names = [str(subnet["Subnet"]["SubnetId"]) for subnet in made]
    for name in names:
        ec2.modify_subnet_attribute(SubnetId=name, MapPublicIpOnLaunch={"Value": True})
    return names


def connected(cloud: Clone, identifier: str) -> "psycopg.Connection[tuple[Any, ...]]":
    found = cloud.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    secret = cloud.client("secretsmanager").get_secret_value(SecretId=found["MasterUserSecret"]["SecretArn"])
    master = json.loads(secret["SecretString"])
    return psycopg.connect(
        host=found["Endpoint"]["Address"],
        port=found["Endpoint"]["Port"],
        autocommit=True,
        user=master["username"],
        password=master["password"],
        dbname="fieldmap",
    )


def greeting(place: tuple[str, int]) -> bytes:
    """What the host says first; nothing when nobody listens."""
    try:
        with socket.create_connection(place, timeout=2) as connection:
            return connection.recv(100)
    except OSError:
        return b""


def processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
