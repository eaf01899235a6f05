"""EC2: the rules that security groups really have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from release.doors.aws.session import AwsSession, aws_call

PEERS = ("CidrIpv4", "CidrIpv6", "PrefixListId")


@dataclass(frozen=True, kw_only=True)
class FirewallRule:
    """What one rule of a security group lets through; `peer` is a block, a group or a prefix list."""

    id: str
    group: str
    direction: str
    protocol: str
    ports: str
    peer: str


class Firewall:
    """The security groups of one account and region."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def rules(self, groups: Sequence[str]) -> tuple[FirewallRule, ...]:
        """Every rule of these groups."""
        with aws_call("list the rules of security groups"):
            pages = self._session.client("ec2").get_paginator("describe_security_group_rules")
            found = pages.paginate(Filters=[{"Name": "group-id", "Values": list(groups)}])
            return tuple(_rule(entry) for page in found for entry in page["SecurityGroupRules"])


def _rule(entry: dict[str, Any]) -> FirewallRule:
    peer = next((entry[name] for name in PEERS if entry.get(name)), None)
    first, last = entry.get("FromPort", -1), entry.get("ToPort", -1)
    return FirewallRule(
        id=entry["SecurityGroupRuleId"],
        group=entry["GroupId"],
        direction="to" if entry["IsEgress"] else "from",
        protocol="all" if entry["IpProtocol"] == "-1" else entry["IpProtocol"],
        ports=str(first) if first == last else f"{first}-{last}",
        peer=peer or entry.get("ReferencedGroupInfo", {}).get("GroupId", "unknown"),
    )
