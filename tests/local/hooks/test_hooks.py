"""Calls to the AWS API do the real thing: instances are booted, load balancers listen, databases hold rows."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.rds.models import RDSBackend

from local import hooks
from local.addresses import AddressPool
from local.balancer import UNUSED
from local.databases import Master
from local.errors import CloudError
from local.health import Health
from local.hooks.databases import UNSUPPORTED_DATABASE_CALLS
from local.hooks.parts import Parts
from tests.aws_clients import aws_client

IMAGE = "ami-0123456789abcdef0"
REGION = "eu-central-1"


@dataclass
class Servers:
    """Remembers what it is asked for."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def boot(self, instance_id: str, address: str, user_data: str, role: str | None) -> None:
        self.asked.append(("boot", instance_id, address, user_data, role))

    def start(self, instance_id: str) -> None:
        self.asked.append(("start", instance_id))

    def stop(self, instance_id: str) -> None:
        self.asked.append(("stop", instance_id))

    def terminate(self, instance_id: str) -> None:
        self.asked.append(("terminate", instance_id))


@dataclass
class Balancers:
    """Knows which ports each balancer was told of, and answers with the health it is given."""

    models: dict[str, Any] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    ports: dict[str, list[int]] = field(default_factory=dict)
    measured: Health = field(default_factory=Health)
    taken_port: int = 0

    def add(self, backend: Any, model: Any, address: str) -> None:
        self.models[model.arn], self.addresses[model.arn] = model, address

    def remove(self, arn: str) -> str | None:
        return self.addresses.pop(arn, None)

    def refresh(self, arn: str) -> None:
        ports = sorted(int(listener.port) for listener in self.models[arn].listeners.values())
        if self.taken_port in ports:
            raise CloudError(f"port {self.taken_port} is taken")
        self.ports[arn] = ports

    def health(self, group: str, target: str, port: int) -> Health:
        return self.measured


@dataclass
class Databases:
    """Clusters that are only names."""

    made: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    broken: bool = False

    def create(self, *, port: int, master: Master, name: str | None) -> str:
        return self._add(("empty", port, master, name))

    def restore(self, snapshot: str, *, port: int, master: Master) -> str:
        return self._add((snapshot, port, master, None))

    def snapshot(self, address: str) -> str:
        name = f"copy-{len(self.snapshots)}"
        self.snapshots[name] = address
        return name

    def copy_snapshot(self, snapshot: str) -> str:
        return self.snapshot(self.snapshots[snapshot])

    def delete_snapshot(self, snapshot: str) -> None:
        del self.snapshots[snapshot]

    def set_password(self, address: str, master: Master) -> None:
        content, port, _, name = self.made[address]
        self.made[address] = (content, port, master, name)

    def stop(self, address: str) -> None:
        self.made[address] = ("stopped", *self.made[address][1:])

    def start(self, address: str) -> None:
        self.made[address] = ("started", *self.made[address][1:])

    def delete(self, address: str) -> None:
        del self.made[address]

    def _add(self, made: tuple[Any, ...]) -> str:
        if self.broken:
            raise CloudError("the database did not start: no memory")
        address = f"127.9.2.{len(self.made) + 1}"
        self.made[address] = made
        return address


@dataclass
class Cloud:
    """The hooked moto with its fakes."""

    servers: Servers
    balancers: Balancers
    databases: Databases

    def client(self, service: str) -> Any:
        return aws_client(service, REGION)

    def subnet(self, *, public: bool) -> str:
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
        ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": public})
        return str(subnet)

    def instance(self, **more: Any) -> dict[str, Any]:
        launched = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **more}
        return dict(self.client("ec2").run_instances(**launched)["Instances"][0])

    def described(self, instance_id: str) -> dict[str, Any]:
        found = self.client("ec2").describe_instances(InstanceIds=[instance_id])
        return dict(found["Reservations"][0]["Instances"][0])

    def load_balancer(self) -> dict[str, Any]:
        made = self.client("elbv2").create_load_balancer(Name="live", Subnets=[self.subnet(public=True)])
        return dict(made["LoadBalancers"][0])

    def listener(self, arn: str, port: int, **more: Any) -> str:
        made = self.client("elbv2").create_listener(
            LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[UNAVAILABLE], **more
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def database(self, name: str = "dev", **more: Any) -> dict[str, Any]:
        made = self.client("rds").create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t4g.small",
            AllocatedStorage=20,
            **{
                "Engine": "postgres",
                "Port": 5432,
                "MasterUsername": "master",
                "ManageMasterUserPassword": True,
                "DBName": "fieldmap",
                **more,
            },
        )
        return dict(made["DBInstance"])

    def secret(self, database: dict[str, Any]) -> Master:
        found = self.client("secretsmanager").get_secret_value(SecretId=database["MasterUserSecret"]["SecretArn"])
        content = json.loads(found["SecretString"])
        return Master(user=content["username"], password=content["password"])


UNAVAILABLE = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    cloud = Cloud(Servers(), Balancers(), Databases())
    parts: Any = Parts
    with (
        mock_aws(),
        hooks.install(
            parts(
                servers=cloud.servers,
                server_addresses=AddressPool("127.9.3"),
                balancers=cloud.balancers,
                balancer_addresses=AddressPool("127.9.1"),
                databases=cloud.databases,
            )
        ),
    ):
        yield cloud


def test_an_instance_is_booted_at_the_address_that_the_api_tells(cloud: Cloud) -> None:
    instance = cloud.instance(SubnetId=cloud.subnet(public=True), UserData="#!/bin/sh\necho up\n")
    assert instance["PrivateIpAddress"] == "127.9.3.1"
    assert cloud.described(instance["InstanceId"])["PublicIpAddress"] == "127.9.3.1"
    assert cloud.servers.asked == [("boot", instance["InstanceId"], "127.9.3.1", "#!/bin/sh\necho up\n", None)]


def test_an_instance_in_a_private_subnet_has_no_public_address(cloud: Cloud) -> None:
    instance = cloud.instance(SubnetId=cloud.subnet(public=False))
    assert "PublicIpAddress" not in cloud.described(instance["InstanceId"])


def test_each_instance_has_an_address_of_its_own(cloud: Cloud) -> None:
    subnet = cloud.subnet(public=True)
    assert len({cloud.instance(SubnetId=subnet)["PrivateIpAddress"] for _ in range(3)}) == 3


def test_a_server_is_booted_with_the_role_of_its_instance_profile(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    role = iam.create_role(RoleName="server", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.create_instance_profile(InstanceProfileName="server")
    iam.add_role_to_instance_profile(InstanceProfileName="server", RoleName="server")
    cloud.instance(SubnetId=cloud.subnet(public=True), IamInstanceProfile={"Name": "server"})
    assert cloud.servers.asked[0][-1] == role


def test_a_server_follows_its_instance_through_stop_start_and_termination(cloud: Cloud) -> None:
    instance_id = cloud.instance(SubnetId=cloud.subnet(public=True))["InstanceId"]
    ec2 = cloud.client("ec2")
    for call in (ec2.stop_instances, ec2.start_instances, ec2.terminate_instances, ec2.terminate_instances):
        call(InstanceIds=[instance_id])
    assert [asked[0] for asked in cloud.servers.asked] == ["boot", "stop", "start", "terminate"]


def test_an_instance_keeps_its_address_over_stop_and_start(cloud: Cloud) -> None:
    instance_id = cloud.instance(SubnetId=cloud.subnet(public=True))["InstanceId"]
    cloud.client("ec2").stop_instances(InstanceIds=[instance_id])
    cloud.client("ec2").start_instances(InstanceIds=[instance_id])
    assert cloud.described(instance_id)["PublicIpAddress"] == "127.9.3.1"


def test_starting_a_running_instance_does_not_start_its_server_again(cloud: Cloud) -> None:
    instance_id = cloud.instance(SubnetId=cloud.subnet(public=True))["InstanceId"]
    cloud.client("ec2").start_instances(InstanceIds=[instance_id])
    assert [asked[0] for asked in cloud.servers.asked] == ["boot"]


def test_a_load_balancer_is_named_by_its_address(cloud: Cloud) -> None:
    assert cloud.load_balancer()["DNSName"] == "127.9.1.1"


def test_listeners_are_opened_moved_and_closed_before_the_call_returns(cloud: Cloud) -> None:
    arn = cloud.load_balancer()["LoadBalancerArn"]
    elb = cloud.client("elbv2")
    live = cloud.listener(arn, 8080)
    cloud.listener(arn, 8090)
    opened = cloud.balancers.ports[arn]
    elb.modify_listener(ListenerArn=live, Port=9090)
    moved = cloud.balancers.ports[arn]
    elb.delete_listener(ListenerArn=live)
    assert (opened, moved, cloud.balancers.ports[arn]) == ([8080, 8090], [8090, 9090], [8090])


def test_a_listener_on_a_taken_port_fails_and_is_not_there(cloud: Cloud) -> None:
    arn = cloud.load_balancer()["LoadBalancerArn"]
    cloud.balancers.taken_port = 8080
    with pytest.raises(ClientError, match="port 8080 is taken"):
        cloud.listener(arn, 8080)
    assert cloud.client("elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"] == []


def test_a_listener_that_cannot_move_stays_where_it_was(cloud: Cloud) -> None:
    arn = cloud.load_balancer()["LoadBalancerArn"]
    live = cloud.listener(arn, 8080)
    cloud.balancers.taken_port = 9090
    with pytest.raises(ClientError, match="port 9090 is taken"):
        cloud.client("elbv2").modify_listener(ListenerArn=live, Port=9090)
    assert cloud.client("elbv2").describe_listeners(ListenerArns=[live])["Listeners"][0]["Port"] == 8080


def test_a_second_listener_on_a_port_is_refused(cloud: Cloud) -> None:
    arn = cloud.load_balancer()["LoadBalancerArn"]
    cloud.listener(arn, 8080)
    with pytest.raises(ClientError, match="DuplicateListener"):
        cloud.listener(arn, 8080)


def test_a_tls_listener_is_refused_with_what_to_change(cloud: Cloud) -> None:
    arn = cloud.load_balancer()["LoadBalancerArn"]
    with pytest.raises(ClientError, match=r"set load_balancer\.certificate to null"):
        cloud.client("elbv2").create_listener(
            LoadBalancerArn=arn, Protocol="HTTPS", Port=443, DefaultActions=[UNAVAILABLE]
        )


def test_a_deleted_load_balancer_gives_its_address_back(cloud: Cloud) -> None:
    arn = cloud.load_balancer()["LoadBalancerArn"]
    cloud.client("elbv2").delete_load_balancer(LoadBalancerArn=arn)
    assert cloud.balancers.addresses == {}


@pytest.mark.parametrize(
    ("measured", "state"),
    [
        (Health(), "initial"),
        (Health(state="healthy", reason=None), "healthy"),
        (Health(state="unhealthy", reason="Target.Timeout"), "unhealthy"),
        (UNUSED, "unused"),
    ],
)
def test_target_health_is_what_the_balancer_measured(cloud: Cloud, measured: Health, state: str) -> None:
    instance = cloud.instance(SubnetId=cloud.subnet(public=True))
    elb = cloud.client("elbv2")
    group = elb.create_target_group(Name="blue", Protocol="HTTP", Port=8081, VpcId=instance["VpcId"])["TargetGroups"][0]
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": instance["InstanceId"]}])
    cloud.balancers.measured = measured
    told = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    assert told[0]["TargetHealth"]["State"] == state


def test_a_database_is_made_with_the_password_of_its_secret(cloud: Cloud) -> None:
    database = cloud.database()
    assert database["Endpoint"] == {"Address": "127.9.2.1", "Port": 5432}
    master = cloud.secret(database)
    assert master.user == "master"
    assert cloud.databases.made["127.9.2.1"] == ("empty", 5432, master, "fieldmap")


def test_two_databases_have_different_passwords(cloud: Cloud) -> None:
    passwords = {cloud.secret(cloud.database(name)).password for name in ("one", "two")}
    assert len(passwords) == 2


def test_a_given_password_is_used_and_a_changed_one_too(cloud: Cloud) -> None:
    cloud.database(ManageMasterUserPassword=False, MasterUserPassword="first-pass")
    first = cloud.databases.made["127.9.2.1"][2]
    cloud.client("rds").modify_db_instance(
        DBInstanceIdentifier="dev", MasterUserPassword="second-pass", ApplyImmediately=True
    )
    second = cloud.databases.made["127.9.2.1"][2]
    assert (first.password, second.password) == ("first-pass", "second-pass")


def test_a_change_without_a_new_password_leaves_the_database_alone(cloud: Cloud) -> None:
    cloud.database()
    before = dict(cloud.databases.made)
    cloud.client("rds").modify_db_instance(DBInstanceIdentifier="dev", BackupRetentionPeriod=7, ApplyImmediately=True)
    assert cloud.databases.made == before


@pytest.mark.parametrize("engine", ["mysql", "mariadb"])
def test_another_engine_is_refused_and_nothing_is_made(cloud: Cloud, engine: str) -> None:
    with pytest.raises(ClientError, match="runs PostgreSQL only"):
        cloud.database(Engine=engine)
    assert cloud.client("rds").describe_db_instances()["DBInstances"] == []


def test_a_database_that_does_not_start_is_an_error_and_is_forgotten(cloud: Cloud) -> None:
    cloud.databases.broken = True
    with pytest.raises(ClientError, match="no memory"):
        cloud.database()
    assert cloud.client("rds").describe_db_instances()["DBInstances"] == []


def test_a_restored_database_has_the_content_of_the_snapshot_and_a_secret_of_its_own(cloud: Cloud) -> None:
    original = cloud.database()
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    restored = rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="beside", DBSnapshotIdentifier="before")[
        "DBInstance"
    ]
    content, _, master, _ = cloud.databases.made[restored["Endpoint"]["Address"]]
    assert cloud.databases.snapshots[content] == original["Endpoint"]["Address"]
    assert master == cloud.secret(restored) != cloud.secret(original)


def test_a_new_database_after_a_restore_is_empty(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="beside", DBSnapshotIdentifier="before")
    new = cloud.database("new")
    assert cloud.databases.made[new["Endpoint"]["Address"]][0] == "empty"


def test_deleting_a_database_takes_the_final_snapshot_first(cloud: Cloud) -> None:
    address = cloud.database()["Endpoint"]["Address"]
    cloud.client("rds").delete_db_instance(
        DBInstanceIdentifier="dev", FinalDBSnapshotIdentifier="final", SkipFinalSnapshot=False
    )
    assert (list(cloud.databases.snapshots.values()), cloud.databases.made) == ([address], {})


def test_a_protected_database_is_not_deleted(cloud: Cloud) -> None:
    cloud.database(DeletionProtection=True)
    with pytest.raises(ClientError, match="protected"):
        cloud.client("rds").delete_db_instance(DBInstanceIdentifier="dev", SkipFinalSnapshot=True)
    assert list(cloud.databases.made) == ["127.9.2.1"]


def test_a_copied_snapshot_outlives_the_original(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier="dev", DBSnapshotIdentifier="before")
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier="before", TargetDBSnapshotIdentifier="kept")
    rds.delete_db_snapshot(DBSnapshotIdentifier="before")
    assert len(cloud.databases.snapshots) == 1


def test_a_database_is_really_stopped_and_started(cloud: Cloud) -> None:
    address = cloud.database()["Endpoint"]["Address"]
    rds = cloud.client("rds")
    rds.stop_db_instance(DBInstanceIdentifier="dev")
    stopped = cloud.databases.made[address][0]
    rds.start_db_instance(DBInstanceIdentifier="dev")
    assert (stopped, cloud.databases.made[address][0]) == ("stopped", "started")


def test_what_has_nothing_real_behind_it_is_refused(cloud: Cloud) -> None:
    cloud.database()
    rds = cloud.client("rds")
    with pytest.raises(ClientError, match=re.escape("no restoring to a point in time (it keeps no transaction log)")):
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="dev", TargetDBInstanceIdentifier="then", UseLatestRestorableTime=True
        )


def test_without_the_hooks_moto_is_as_before() -> None:
    parts: Any = Parts
    before = {name: getattr(RDSBackend, name) for name in UNSUPPORTED_DATABASE_CALLS}
    hooks.install(
        parts(
            servers=Servers(),
            server_addresses=AddressPool("127.9.3"),
            balancers=Balancers(),
            balancer_addresses=AddressPool("127.9.1"),
            databases=Databases(),
        )
    ).close()
    assert {name: getattr(RDSBackend, name) for name in before} == before
