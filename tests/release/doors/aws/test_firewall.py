"""The rules of security groups, on moto's AWS."""

from release.doors.aws.firewall import Firewall, FirewallRule
from release.doors.aws.session import AwsSession

TAGS = {"project": "stageline", "environment": "dev"}
REGION = "eu-central-1"


def test_every_rule_of_the_groups_is_told_and_of_no_others(aws: None) -> None:
    session = AwsSession(account="123456789012", region=REGION, role=None)
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group, other = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("one", "other")
    )
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
    many = {"IpProtocol": "udp", "FromPort": 1, "ToPort": 9, "UserIdGroupPairs": [{"GroupId": other}]}
    for made in (group, other):
        ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[ssh])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[many])
    found = Firewall(session).rules([group])
    assert {(rule.direction, rule.protocol, rule.ports, rule.peer) for rule in found} == {
        ("from", "tcp", "22", "192.0.2.0/24"),
        ("from", "udp", "1-9", other),
        ("to", "all", "-1", "0.0.0.0/0"),
    }
    assert all(isinstance(rule, FirewallRule) and rule.group == group and rule.id.startswith("sgr-") for rule in found)


def test_what_is_let_in_by_its_tags_is_found_and_taken_back_again(aws: None) -> None:
    session = AwsSession(account="123456789012", region=REGION, role=None)
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    firewall = Firewall(session)
    firewall.let_in(group, 22, "198.51.100.7/32", {**TAGS, "open-until": "2026-11-30T12:00:00+00:00"})
    firewall.let_in(group, 22, "198.51.100.8/32", {**TAGS, "environment": "qa"})
    (found,) = firewall.tagged(TAGS)
    assert (found.group, found.ports, found.peer, found.tags["open-until"]) == (
        group,
        "22",
        "198.51.100.7/32",
        "2026-11-30T12:00:00+00:00",
    )
    firewall.take_back([found])
    assert firewall.tagged(TAGS) == ()
    assert len(firewall.rules([group])) == 2, "qa's, and the one that lets out"
