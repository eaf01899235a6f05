"""What a sweep finds and takes away, and that nothing is changed of what AWS keeps."""

from typing import Any

import pytest

from release.doors.aws.leftovers import Left, Leftovers
from release.process.errors import Broken
from tests.aws_clients import aws_client
from tests.release.doors.aws.groups import group_in
from tests.release.world import shared_session

TAGS = {"project": "stageline", "environment": "demo-0a1b2c3d", "kind": "demo", "creation": "0a1b2c3d"}
TAGGED = [{"Key": key, "Value": value} for key, value in TAGS.items()]


@pytest.fixture
def network(aws: None) -> tuple[str, str]:
    """A VPC and a subnet of it."""
    vpc = aws_client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return vpc, aws_client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]


def leftovers() -> Leftovers:
    session = shared_session("123456789012", "eu-central-1")
    return Leftovers(session, TAGS, "/stageline/demo-0a1b2c3d/machines/")


def rules_of(group: str) -> int:
    found = aws_client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return len(found["SecurityGroupRules"])


def test_a_group_goes_with_its_rules(network: tuple[str, str]) -> None:
    group = group_in(network[0], "own", TAGGED)
    left = Left(kind="security_group", id=group, creation="")
    assert leftovers().all() == (left,)
    leftovers().remove(left)
    assert leftovers().all() == ()


def test_of_a_group_that_something_uses_no_rule_is_changed(network: tuple[str, str]) -> None:
    vpc, subnet = network
    group = group_in(vpc, "own", TAGGED)
    aws_client("ec2").create_network_interface(SubnetId=subnet, Groups=[group])
    before = rules_of(group)
    with pytest.raises(Broken, match=f"security_group {group} is in use by eni-"):
        leftovers().remove(Left(kind="security_group", id=group, creation=""))
    assert rules_of(group) == before > 0


@pytest.mark.parametrize("missing", TAGS)
def test_what_lacks_one_of_the_tags_is_nobodys(network: tuple[str, str], missing: str) -> None:
    group_in(network[0], "other", [tag for tag in TAGGED if tag["Key"] != missing])
    assert leftovers().all() == ()


def test_a_server_that_aws_protects_is_kept_whatever_its_tags_say(network: tuple[str, str]) -> None:
    ec2 = aws_client("ec2")
    tagged: list[Any] = [{"ResourceType": "instance", "Tags": TAGGED}]
    server = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, TagSpecifications=tagged)[
        "Instances"
    ][0]["InstanceId"]
    ec2.modify_instance_attribute(InstanceId=server, DisableApiTermination={"Value": True})
    with pytest.raises(Broken, match="disableApiTermination"):
        leftovers().remove(Left(kind="instance", id=server, creation=""))
    kept = ec2.describe_instance_attribute(InstanceId=server, Attribute="disableApiTermination")
    assert kept["DisableApiTermination"]["Value"] is True
    state = ec2.describe_instances(InstanceIds=[server])["Reservations"][0]["Instances"][0]["State"]["Name"]
    assert state == "running"
