"""Security groups and their rules."""

from typing import Any

from tests.e2e.aws_provider_cases.case import RETAGGED, TAGS, Case, retag


def ssh_rule(cidr: str, port: int) -> dict[str, Any]:
    """Make an inline rule."""
    return {"protocol": "tcp", "fromPort": port, "toPort": port, "cidrBlocks": [cidr]}


FIREWALLS = {
    "default-group": Case(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        inputs={"vpcId": "${vpc.id}", "tags": TAGS},
        update={
            "ingress": [ssh_rule("10.0.0.0/8", 22)],
            "egress": [ssh_rule("10.0.0.0/8", 443)],
            "tags": RETAGGED,
        },
        drift=lambda clients, group: clients("ec2").authorize_security_group_egress(
            GroupId=group["id"],
            IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        ),
        reads=("arn", "name"),
    ),
    "other-default-group": Case(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        inputs={"vpcId": "${other-vpc.id}"},
        replacement={"vpcId": "${other-vpc.id}"},  # which is another VPC by then
    ),
    "group": Case(
        type="aws:ec2/securityGroup:SecurityGroup",
        inputs={"vpcId": "${vpc.id}", "description": "under test", "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"description": "of another description"},
        drift=retag,
        reads=("arn", "name"),
    ),
    "inline-group": Case(
        type="aws:ec2/securityGroup:SecurityGroup",
        inputs={"vpcId": "${vpc.id}", "ingress": [ssh_rule("10.0.0.0/8", 22)], "egress": []},
        update={
            "ingress": [ssh_rule("10.0.0.0/8", 22), ssh_rule("10.1.0.0/16", 443)],
            "egress": [ssh_rule("10.0.0.0/8", 443)],
        },
        drift=lambda clients, group: clients("ec2").revoke_security_group_ingress(
            GroupId=group["id"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
        ),
    ),
    "ingress": Case(
        type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 22,
            "toPort": 22,
            "cidrIpv4": "10.0.0.0/8",
            "description": "ssh",
            "tags": TAGS,
        },
        update={
            "ipProtocol": "udp",
            "fromPort": 2222,
            "toPort": 2222,
            "cidrIpv4": "10.0.0.0/16",
            "description": "another port",
            "tags": RETAGGED,
        },
        replacement={"securityGroupId": "${inline-group.id}"},
        drift=lambda clients, rule: clients("ec2").modify_security_group_rules(
            GroupId=rule["securityGroupId"],
            SecurityGroupRules=[
                {
                    "SecurityGroupRuleId": rule["id"],
                    "SecurityGroupRule": {
                        "IpProtocol": "tcp",
                        "FromPort": 1,
                        "ToPort": 65535,
                        "CidrIpv4": "0.0.0.0/0",
                    },
                }
            ],
        ),
        reads=("arn", "securityGroupRuleId"),
    ),
    "egress": Case(
        type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        inputs={"securityGroupId": "${group.id}", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0", "tags": TAGS},
        update={
            "ipProtocol": "tcp",
            "fromPort": 8443,
            "toPort": 8443,
            "cidrIpv4": "10.0.0.0/8",
            "description": "to the inside",
            "tags": RETAGGED,
        },
        replacement={"securityGroupId": "${inline-group.id}"},
        drift=lambda clients, rule: clients("ec2").revoke_security_group_egress(
            GroupId=rule["securityGroupId"], SecurityGroupRuleIds=[rule["id"]]
        ),
    ),
    "ingress-of-group": Case(
        type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 80,
            "toPort": 80,
            "description": "of a case",
            "referencedSecurityGroupId": "${inline-group.id}",
        },
        update={"referencedSecurityGroupId": "${other-group.id}", "description": "changed"},
        replacement={"referencedSecurityGroupId": None, "cidrIpv4": "10.0.0.0/8"},
    ),
    "ingress-of-list": Case(
        type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 81,
            "toPort": 81,
            "description": "of a case",
            "prefixListId": "${endpoint.prefixListId}",
        },
        update={"prefixListId": "pl-68a54001", "description": None},
    ),
    "ingress-of-ipv6": Case(
        type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 82,
            "toPort": 82,
            "description": "of a case",
            "cidrIpv6": "2001:db8::/32",
        },
        update={"cidrIpv6": "2001:db8:1::/48"},
    ),
    "egress-of-group": Case(
        type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 80,
            "toPort": 80,
            "description": "of a case",
            "referencedSecurityGroupId": "${inline-group.id}",
        },
        update={"referencedSecurityGroupId": "${other-group.id}", "description": "changed"},
        replacement={"referencedSecurityGroupId": None, "cidrIpv4": "10.0.0.0/8"},
    ),
    "egress-of-list": Case(
        type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 81,
            "toPort": 81,
            "description": "of a case",
            "prefixListId": "${endpoint.prefixListId}",
        },
        update={"prefixListId": "pl-68a54001", "description": None},
    ),
    "egress-of-ipv6": Case(
        type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        inputs={
            "securityGroupId": "${group.id}",
            "ipProtocol": "tcp",
            "fromPort": 82,
            "toPort": 82,
            "description": "of a case",
            "cidrIpv6": "2001:db8::/32",
        },
        update={"cidrIpv6": "2001:db8:1::/48"},
    ),
    "other-group": Case(type="aws:ec2/securityGroup:SecurityGroup", inputs={"vpcId": "${vpc.id}"}),
}
