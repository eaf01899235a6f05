"""Calls to the AWS API do the real thing: instances are booted, load balancers listen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.rds.models import RDSBackend

from local import hooks
from local.addresses import AddressPool
from local.balancers.health import UNUSED, Health
from local.errors import CloudError
from local.hooks.databases import UNSUPPORTED_DATABASE_CALLS
from local.hooks.parts import Parts
from local.servers.machine import Machine
from tests.aws_clients import aws_client

IMAGE = "ami-0123456789abcdef0"
REGION = "eu-central-1"


@dataclass
class Servers:
    """Remembers what it is asked for."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def boot(self, instance_id: str, address: str, user_data: str, role: str | None, machine: Machine) -> None:
        self.asked.append(("boot", instance_id, address, user_data, role))

    def start(self, instance_id: str, machine: Machine) -> None:
        self.asked.append(("start", instance_id))

    def reboot(self, instance_id: str) -> None:
        self.asked.append(("reboot", instance_id))

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
class Cloud:
    """The hooked moto with its fakes."""

    servers: Servers
    balancers: Balancers

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


UNAVAILABLE = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    cloud = Cloud(Servers(), Balancers())
    parts: Any = Parts
    with (
        mock_aws(),
        hooks.install(
            parts(
                servers=cloud.servers,
                server_addresses=AddressPool("127.9.3"),
                balancers=cloud.balancers,
                balancer_addresses=AddressPool("127.9.1"),
                certificates=None,
                databases=None,
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


def test_without_the_hooks_moto_is_as_before() -> None:
    parts: Any = Parts
    before = {name: getattr(RDSBackend, name) for name in UNSUPPORTED_DATABASE_CALLS}
    hooks.install(
        parts(
            servers=Servers(),
            server_addresses=AddressPool("127.9.3"),
            balancers=Balancers(),
            balancer_addresses=AddressPool("127.9.1"),
            certificates=None,
            databases=None,
        )
    ).close()
    assert {name: getattr(RDSBackend, name) for name in before} == before
