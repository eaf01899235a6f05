"""Security groups and their rules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from local.aws_provider.calls import first
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.types.vpc import ec2_tags, matching

Atom = tuple[str, int | None, int | None, str, str, str]
"""One permission that cannot be split: protocol, ports, kind of peer, peer, description."""

PEERS = {
    "cidrBlocks": ("IpRanges", "CidrIp"),
    "ipv6CidrBlocks": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListIds": ("PrefixListIds", "PrefixListId"),
    "securityGroups": ("UserIdGroupPairs", "GroupId"),
}
"""Inputs of an inline rule, and where EC2 keeps them."""


# --- inline rules: EC2 merges and splits them as it likes, so they are compared by their atoms


def rule_atoms(rules: Sequence[Properties] | None) -> set[Atom]:
    """Split the rules of a program into atoms."""
    return {atom for rule in rules or () for atom in _rule_atoms(rule)}


def _rule_atoms(rule: Properties) -> Iterator[Atom]:
    protocol = str(rule["protocol"]).lower()
    ports = (None, None) if protocol == "-1" else (rule.get("fromPort"), rule.get("toPort"))
    for kind in PEERS:
        for peer in rule.get(kind) or ():
            yield (protocol, *ports, kind, peer, rule.get("description", ""))
    if rule.get("self"):
        yield (protocol, *ports, "self", "", rule.get("description", ""))


def rules_from(group_id: str, permissions: Sequence[Description]) -> list[Description]:
    """Tell what a group permits as rules of one peer each."""
    return [
        {
            "protocol": permission["IpProtocol"],
            "fromPort": permission.get("FromPort", 0),
            "toPort": permission.get("ToPort", 0),
            **_peer(group_id, kind, peer[key]),
            **({"description": peer["Description"]} if peer.get("Description") else {}),
        }
        for permission in permissions
        for kind, (place, key) in PEERS.items()
        for peer in permission.get(place, [])
    ]


def _peer(group_id: str, kind: str, peer: str) -> Properties:
    return {"self": True} if peer == group_id and kind == "securityGroups" else {kind: [peer]}


def permission_of(group_id: str, atom: Atom) -> Description:
    """Write one atom as EC2 takes it."""
    protocol, from_port, to_port, kind, peer, description = atom
    place, key = PEERS["securityGroups" if kind == "self" else kind]
    target = {key: group_id if kind == "self" else peer}
    target.update({"Description": description} if description else {})
    ports = {} if from_port is None else {"FromPort": from_port, "ToPort": to_port}
    return {"IpProtocol": protocol, **ports, place: [target]}


def same_rules(one: Any, other: Any) -> bool:
    """Compare two lists of rules by what they permit."""
    return isinstance(one, list) and isinstance(other, list) and rule_atoms(one) == rule_atoms(other)


def set_rules(api: Api, group_id: str, change: Change) -> None:
    """Bring what the group permits to what its inputs say; a direction that was not given is left alone."""
    group = read_group(api, group_id) or {}
    for direction in ("ingress", "egress"):
        if change.new.get(direction) is not None:
            _set_direction(api, group_id, direction, rule_atoms(group[direction]), rule_atoms(change.new[direction]))


def _set_direction(api: Api, group_id: str, direction: str, old: set[Atom], new: set[Atom]) -> None:
    revoke = getattr(api.client, f"revoke_security_group_{direction}")
    authorize = getattr(api.client, f"authorize_security_group_{direction}")
    for call, atoms in ((revoke, old - new), (authorize, new - old)):
        if atoms:
            call(GroupId=group_id, IpPermissions=[permission_of(group_id, atom) for atom in sorted(atoms, key=repr)])


def clear_rules(api: Api, group_id: str) -> None:
    """Take away what AWS permits in every new group, so that the program alone says what is permitted."""
    set_rules(api, group_id, Change(old={}, new={"ingress": [], "egress": []}))


def read_group(api: Api, group_id: str) -> Description | None:
    group = first(api.client.describe_security_groups(GroupIds=[group_id])["SecurityGroups"])
    if group is None:
        return None
    return {
        **group,
        "Arn": api.arn("ec2", f"security-group/{group_id}"),
        "ingress": rules_from(group_id, group.get("IpPermissions", [])),
        "egress": rules_from(group_id, group.get("IpPermissionsEgress", [])),
    }


RULE = {
    "protocol": Input("protocol", required=True),
    "fromPort": Input("fromPort", required=True),
    "toPort": Input("toPort", required=True),
    "cidrBlocks": Input("cidrBlocks"),
    "ipv6CidrBlocks": Input("ipv6CidrBlocks"),
    "prefixListIds": Input("prefixListIds"),
    "securityGroups": Input("securityGroups"),
    "self": Input("self"),
    "description": Input("description"),
}


def rules(place: str, *, default: Any = None) -> Input:
    """Make the input for the inline rules of one direction."""
    return Input(place, later=True, computed=default is None, default=default, many=True, fields=RULE, same=same_rules)


SECURITY_GROUP = ResourceType(
    token="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    identity="GroupId",
    inputs={
        "name": Input("GroupName", replaces=True),
        "description": Input("Description", default="Managed by Pulumi", replaces=True),
        "vpcId": Input("VpcId", computed=True, replaces=True),
        "ingress": rules("ingress"),
        "egress": rules("egress"),
        "revokeRulesOnDelete": Input(only_here=True, default=False),
    },
    outputs={"arn": "Arn", "ownerId": "OwnerId"},
    create=lambda api, request: dict(api.client.create_security_group(**request)),
    settle=clear_rules,
    read=read_group,
    delete=lambda api, group_id, old: delete_group(api, group_id, old),
    updates=[Updating(inputs=("ingress", "egress"), run=set_rules)],
    tagging=ec2_tags("security-group"),
    autoname=Autoname(),
    alone_by=("name", "vpcId"),
)


def delete_group(api: Api, group_id: str, old: Properties) -> None:
    if old.get("revokeRulesOnDelete"):
        clear_rules(api, group_id)
    api.client.delete_security_group(GroupId=group_id)


# --- DefaultSecurityGroup: every VPC has one; it is taken over, emptied, and left there


def adopt_default_group(api: Api, request: Description) -> Description:
    found = api.client.describe_security_groups(Filters=matching(vpc_id=request["VpcId"], group_name="default"))
    group = dict(found["SecurityGroups"][0])
    clear_rules(api, group["GroupId"])
    tags = [{"Key": tag["Key"]} for tag in group.get("Tags", [])]
    if tags:
        api.client.delete_tags(Resources=[group["GroupId"]], Tags=tags)
    return group


DEFAULT_SECURITY_GROUP = ResourceType(
    token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    identity="GroupId",
    inputs={
        "vpcId": Input("VpcId", required=True, replaces=True),
        "ingress": rules("ingress", default=[]),
        "egress": rules("egress", default=[]),
        "revokeRulesOnDelete": Input(only_here=True, default=False),
    },
    outputs={"arn": "Arn", "ownerId": "OwnerId", "name": "GroupName", "description": "Description"},
    create=adopt_default_group,
    read=read_group,
    delete=lambda api, group_id, old: clear_rules(api, group_id) if old.get("revokeRulesOnDelete") else None,
    updates=[Updating(inputs=("ingress", "egress"), run=set_rules)],
    tagging=replace(ec2_tags("security-group"), request=None),
)


# --- SecurityGroupIngressRule, SecurityGroupEgressRule


def rule_request(values: Properties) -> Description:
    """Write a rule as `ModifySecurityGroupRules` takes it."""
    return {place: values[name] for name, place in RULE_PLACES.items() if values.get(name) is not None}


RULE_PLACES = {
    "ipProtocol": "IpProtocol",
    "fromPort": "FromPort",
    "toPort": "ToPort",
    "cidrIpv4": "CidrIpv4",
    "cidrIpv6": "CidrIpv6",
    "prefixListId": "PrefixListId",
    "referencedSecurityGroupId": "ReferencedGroupId",
    "description": "Description",
}


RULE_PEERS = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
"""Whom a rule is for: EC2 changes one to another of its kind only."""


def rule_permission(request: Mapping[str, Any]) -> Description:
    """Write a rule as the authorize calls take it."""
    note = {"Description": request["Description"]} if request.get("Description") else {}
    peers = {
        "IpRanges": ("CidrIp", request.get("CidrIpv4")),
        "Ipv6Ranges": ("CidrIpv6", request.get("CidrIpv6")),
        "PrefixListIds": ("PrefixListId", request.get("PrefixListId")),
        "UserIdGroupPairs": ("GroupId", request.get("ReferencedGroupId")),
    }
    ports = {name: request[name] for name in ("FromPort", "ToPort") if name in request}
    named = {place: [{key: peer, **note}] for place, (key, peer) in peers.items() if peer}
    return {"IpProtocol": request["IpProtocol"], **ports, **named}


def authorizes(direction: str) -> Callable[[Api, Description], Description]:
    """Create a rule by the authorize call of its direction."""

    def create(api: Api, request: Description) -> Description:
        tags = {name: value for name, value in request.items() if name == "TagSpecifications"}
        authorize = getattr(api.client, f"authorize_security_group_{direction}")
        answer = authorize(GroupId=request["GroupId"], IpPermissions=[rule_permission(request)], **tags)
        return dict(answer["SecurityGroupRules"][0])

    return create


def revokes(direction: str) -> Callable[[Api, str, Properties], object]:
    """Delete a rule by the revoke call of its direction."""
    return lambda api, rule_id, old: getattr(api.client, f"revoke_security_group_{direction}")(
        GroupId=old["securityGroupId"], SecurityGroupRuleIds=[rule_id]
    )


def read_rule(api: Api, rule_id: str) -> Description | None:
    rule = first(api.client.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])["SecurityGroupRules"])
    if rule is None:
        return None
    return {
        **rule,
        "Arn": api.arn("ec2", f"security-group-rule/{rule_id}"),
        "ReferencedGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
    }


def change_rule(api: Api, rule_id: str, change: Change) -> None:
    # -1 stands for "all ports"; here, unlike when it is created, AWS wants to be told.
    rule = {"FromPort": -1, "ToPort": -1, **rule_request(change.new)}
    wanted = {"SecurityGroupRuleId": rule_id, "SecurityGroupRule": rule}
    api.client.modify_security_group_rules(GroupId=change.new["securityGroupId"], SecurityGroupRules=[wanted])


def rule_type(direction: str, token: str) -> ResourceType:
    """Make the entry for the rules of one direction; they differ in nothing else."""
    return ResourceType(
        token=token,
        service="ec2",
        identity="SecurityGroupRuleId",
        inputs={
            "securityGroupId": Input("GroupId", required=True, replaces=True),
            "ipProtocol": Input("IpProtocol", required=True, same=same_protocol),
            "fromPort": Input("FromPort", computed=True),
            "toPort": Input("ToPort", computed=True),
            **{name: Input(RULE_PLACES[name], replaces_if_switched=True) for name in RULE_PEERS},
            "description": Input("Description"),
        },
        exactly_one=(RULE_PEERS,),
        outputs={"arn": "Arn", "securityGroupRuleId": "SecurityGroupRuleId"},
        create=authorizes(direction),
        read=read_rule,
        delete=revokes(direction),
        updates=[Updating(inputs=tuple(RULE_PLACES), run=change_rule)],
        tagging=ec2_tags("security-group-rule"),
    )


def same_protocol(one: Any, other: Any) -> bool:
    """Compare protocols, which AWS tells in lower case."""
    return str(one).lower() == str(other).lower()


INGRESS_RULE = rule_type("ingress", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
EGRESS_RULE = rule_type("egress", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")

ENTRIES = (SECURITY_GROUP, DEFAULT_SECURITY_GROUP, INGRESS_RULE, EGRESS_RULE)
