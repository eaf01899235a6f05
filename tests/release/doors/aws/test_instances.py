"""The machines of an environment by their ids and names, on moto's AWS."""

from typing import Any

import pytest

from release.doors.aws.instances import Instances
from release.doors.aws.session import AwsSession
from tests.release.world import shared_session


@pytest.fixture
def session(aws: None) -> AwsSession:
    return shared_session("123456789012", "eu-central-1")


def machine(session: AwsSession, name: str | None) -> dict[str, Any]:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}] if name else []
    ec2 = session.client("ec2")
    image = ec2.register_image(Name=f"image of {name}", Architecture="x86_64")["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)
    return dict(made["Instances"][0])


def test_machines_are_told_in_the_order_asked_for_with_their_addresses(session: AwsSession) -> None:
    one, two = machine(session, "env-servers-1"), machine(session, "env-servers-2")
    machine(session, "of-another-environment")
    found = Instances(session).running([two["InstanceId"], one["InstanceId"]])
    assert [(it.id, it.name) for it in found] == [
        (two["InstanceId"], "env-servers-2"),
        (one["InstanceId"], "env-servers-1"),
    ]
    assert [it.private for it in found] == [two["PrivateIpAddress"], one["PrivateIpAddress"]]


@pytest.mark.parametrize("end", ["stop_instances", "terminate_instances"])
def test_a_machine_that_does_not_run_is_left_out(session: AwsSession, end: str) -> None:
    one, two = machine(session, "env-servers-1"), machine(session, "env-servers-2")
    getattr(session.client("ec2"), end)(InstanceIds=[one["InstanceId"]])
    found = Instances(session).running([one["InstanceId"], two["InstanceId"], "i-0123456789abcdef0"])
    assert [it.name for it in found] == ["env-servers-2"]


def test_asked_for_none_it_tells_of_none_though_others_run(session: AwsSession) -> None:
    machine(session, "env-servers-1")
    assert Instances(session).running([]) == ()


def test_a_machine_without_a_name_is_called_by_its_id(session: AwsSession) -> None:
    one = machine(session, None)
    assert [it.name for it in Instances(session).running([one["InstanceId"]])] == [one["InstanceId"]]


def test_machines_are_found_by_their_very_name(session: AwsSession) -> None:
    bastion = machine(session, "stageline-dev-bastion")
    machine(session, "stageline-dev-bastion-2")
    assert [it.id for it in Instances(session).named("stageline-dev-bastion")] == [bastion["InstanceId"]]
