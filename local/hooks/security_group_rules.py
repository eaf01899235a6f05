"""Rules of security groups whose peer changes, and descriptions of those without a CIDR, which moto 5.2.5 forgets."""

import functools
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule

from local.hooks.replacing import replace


def install_security_group_rules(installed: ExitStack) -> None:
    """Hook moto's EC2 until ``installed`` is closed."""
    replace(installed, SecurityGroupRule, "__init__", _described)
    replace(installed, SecurityGroupRule, "description", _kept_description)
    replace(installed, SecurityGroupBackend, "modify_security_group_rules", _changed)


def _described(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def init(rule: Any, *args: Any, **kwargs: Any) -> None:
        original(rule, *args, **kwargs)
        peers = [peer for peer in (*args, *kwargs.values()) if isinstance(peer, dict)]
        rule.local_description = next((peer["Description"] for peer in peers if "Description" in peer), None)

    return init


def _kept_description(original: Any) -> Any:
    return property(lambda rule: vars(rule).get("local_description") or original.fget(rule))


def _changed(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def modify(backend: Any, group_id: str, rules: Mapping[str, Mapping[str, Any]]) -> None:
        original(backend, group_id, rules)
        group = backend.get_security_group_by_name_or_id(group_id)
        for rule_id, wanted in rules.items():
            _change(group.get_rule(rule_id), wanted)

    return modify


def _change(rule: Any, wanted: Mapping[str, Any]) -> None:
    rule.local_description = wanted.get("Description")
    rule.ip_range.pop("Description", None)
    if "CidrIpv6" in wanted:
        rule.ip_range["CidrIpv6"] = wanted["CidrIpv6"]
    if "ReferencedGroupId" in wanted:
        rule.source_group = {**rule.source_group, "GroupId": wanted["ReferencedGroupId"]}
    if "PrefixListId" in wanted:
        rule.prefix_list_id = wanted["PrefixListId"]
