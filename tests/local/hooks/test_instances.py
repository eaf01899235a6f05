"""Calls to the EC2 API that servers follow, and what is refused of instances in the wrong state."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.addresses import AddressPool
from local.hooks.images import install_images
from local.hooks.instances import install_instances
from local.servers.machine import Machine
from tests.aws_clients import aws_client

IMAGE = "ami-0123456789abcdef0"


@dataclass
class Cloud:
    """The servers and their addresses, and what the servers were asked for."""

    server_addresses: AddressPool
    asked: list[tuple[str, str]] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)

    @property
    def servers(self) -> "Cloud":
        return self

    def boot(self, instance_id: str, address: str, user_data: str, role: str | None, machine: Machine) -> None:
        self.asked.append(("boot", instance_id))
        self.machines.append(machine)

    def start(self, instance_id: str, machine: Machine) -> None:
        self.asked.append(("start", instance_id))
        self.machines.append(machine)

    def stop(self, instance_id: str) -> None:
        self.asked.append(("stop", instance_id))

    def reboot(self, instance_id: str) -> None:
        self.asked.append(("reboot", instance_id))

    def terminate(self, instance_id: str) -> None:
        self.asked.append(("terminate", instance_id))


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    cloud: Any = Cloud(AddressPool("127.9.3"))
    with mock_aws(), ExitStack() as installed:
        install_images(installed)
        install_instances(installed, cloud)
        yield cloud


def ec2() -> Any:
    return aws_client("ec2", "eu-central-1")


def launch(**more: Any) -> str:
    made = ec2().run_instances(**{"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", **more})
    return str(made["Instances"][0]["InstanceId"])


def addresses(instance_id: str) -> tuple[str, str | None]:
    found = ec2().describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return found["PrivateIpAddress"], found.get("PublicIpAddress")


def test_the_images_that_moto_has_by_itself_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "true")
    with ExitStack() as installed:
        install_images(installed)
        with mock_aws():
            assert ec2().describe_images()["Images"] == []


def test_a_server_has_the_size_of_its_type_and_of_its_volumes(cloud: Cloud) -> None:
    launch(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30}}])
    assert cloud.machines == [Machine(type="t3.micro", vcpus=2, memory_mib=1024, disk_gib=30)]


def test_an_instance_of_another_type_starts_as_another_machine(cloud: Cloud) -> None:
    instance_id = launch()
    ec2().stop_instances(InstanceIds=[instance_id])
    ec2().modify_instance_attribute(InstanceId=instance_id, InstanceType={"Value": "m5.large"})
    ec2().start_instances(InstanceIds=[instance_id])
    assert [machine.memory_mib for machine in cloud.machines] == [1024, 8192]


def test_a_reboot_reaches_the_server_and_keeps_its_address(cloud: Cloud) -> None:
    instance_id = launch()
    before = addresses(instance_id)
    ec2().reboot_instances(InstanceIds=[instance_id])
    assert cloud.asked == [("boot", instance_id), ("reboot", instance_id)]
    assert addresses(instance_id) == before


@pytest.mark.parametrize("call", ["start_instances", "stop_instances", "reboot_instances"])
def test_a_terminated_instance_is_neither_started_nor_stopped_nor_rebooted(cloud: Cloud, call: str) -> None:
    instance_id = launch()
    ec2().terminate_instances(InstanceIds=[instance_id])
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        getattr(ec2(), call)(InstanceIds=[instance_id])
    assert [asked for asked, _ in cloud.asked] == ["boot", "terminate"]


def test_a_stopped_instance_is_not_rebooted(cloud: Cloud) -> None:
    instance_id = launch()
    ec2().stop_instances(InstanceIds=[instance_id])
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        ec2().reboot_instances(InstanceIds=[instance_id])
    assert [asked for asked, _ in cloud.asked] == ["boot", "stop"]
