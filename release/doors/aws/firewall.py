"""EC2: the rules that security groups really have, and one more for a time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    tags: Mapping[str, str] = field(default_factory=dict)


class Firewall:
    """The security groups of one account and region."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def rules(self, groups: Sequence[str]) -> tuple[FirewallRule, ...]:
        """Every rule of these groups."""
        return self._found({"group-id": list(groups)})

    def tagged(self, tags: Mapping[str, str]) -> tuple[FirewallRule, ...]:
        """Every rule that carries these tags."""
        return self._found({f"tag:{key}": [value] for key, value in tags.items()})

    def let_in(self, group: str, port: int, block: str, tags: Mapping[str, str]) -> None:
        """Let a block reach a port, by a rule with these tags."""
        entry = {"CidrIp": block, "Description": "for a time"}
        said = {"ResourceType": "security-group-rule", "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
        with aws_call(f"let {block} in to port {port} of {group}"):
            self._session.client("ec2").authorize_security_group_ingress(
                GroupId=group,
                IpPermissions=[{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [entry]}],
                TagSpecifications=[said],
            )

    def take_back(self, rules: Iterable[FirewallRule]) -> None:
        """Delete rules that let something in; none is nothing to do."""
        of_groups: dict[str, list[str]] = defaultdict(list)
        for rule in rules:
            of_groups[rule.group].append(rule.id)
        for group, ids in of_groups.items():
            with aws_call(f"take back what {group} lets in"):
                self._session.client("ec2").revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)

    def _found(self, filters: Mapping[str, list[str]]) -> tuple[FirewallRule, ...]:
        with aws_call("list the rules of security groups"):
            pages = self._session.client("ec2").get_paginator("describe_security_group_rules")
            found = pages.paginate(Filters=[{"Name": name, "Values": values} for name, values in filters.items()])
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
        tags={tag["Key"]: tag["Value"] for tag in entry.get("Tags", ())},
    )
