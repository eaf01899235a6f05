"""Firewall: the complete list of who may talk to whom."""

from typing import Any

import pytest

from components.recording import Declared
from tests.components.recording import private_settings_of, record, settings_of

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

Rule = tuple[str, Any, Any]


def rule(declared: Declared) -> Rule:
    """Group, peer and port; a rule over several ports would be another one."""
    inputs = declared.inputs
    assert inputs["fromPort"] == inputs["toPort"]
    peer = inputs.get("cidrIpv4") or name(inputs["referencedSecurityGroupId"])
    return name(inputs["securityGroupId"]), peer, inputs["fromPort"]


def name(group: str) -> str:
    return group.removeprefix("env-").removeprefix("firewall-").removesuffix("-id").removesuffix("-group")


def test_these_may_come_in_and_nothing_else() -> None:
    rules = [rule(declared) for declared in record(settings_of("prod")).of(INGRESS)]
    assert sorted(rules) == [
        ("balancer", "0.0.0.0/0", 80),
        ("balancer", "0.0.0.0/0", 443),
        ("balancer", "203.0.113.0/24", 8443),
        ("database", "servers", 5432),
        ("servers", "203.0.113.0/24", 22),
        ("servers", "balancer", 8081),
        ("servers", "balancer", 8082),
    ]


def test_these_may_go_out_and_nothing_else() -> None:
    rules = [rule(declared) for declared in record(settings_of("prod")).of(EGRESS)]
    assert sorted(rules) == [
        ("balancer", "servers", 8081),
        ("balancer", "servers", 8082),
        ("servers", "0.0.0.0/0", 443),
        ("servers", "database", 5432),
    ]


def test_behind_a_bastion_ssh_comes_to_servers_from_it_alone() -> None:
    rules = [rule(declared) for declared in record(private_settings_of("prod")).of(INGRESS)]
    assert sorted(one for one in rules if one[2] == 22) == [
        ("bastion", "203.0.113.0/24", 22),
        ("servers", "bastion", 22),
    ]


def test_a_bastion_reaches_servers_and_its_secrets_and_nothing_else() -> None:
    rules = [rule(declared) for declared in record(private_settings_of("prod")).of(EGRESS)]
    assert sorted(one for one in rules if one[0] == "bastion") == [
        ("bastion", "0.0.0.0/0", 443),
        ("bastion", "servers", 22),
    ]


@pytest.mark.parametrize("environment", ["dev", "qa", "staging", "prod"])
def test_only_the_live_port_and_the_way_to_it_are_open_to_the_world(environment: str) -> None:
    balancer = settings_of(environment).load_balancer
    rules = [rule(declared) for declared in record(settings_of(environment)).of(INGRESS)]
    open_ports = [(group, port) for group, peer, port in rules if peer.endswith("/0")]
    ports = [port for port in (balancer.live_port, balancer.redirect_port) if port]
    assert open_ports == [("balancer", port) for port in ports]


def test_groups_hold_no_rules_of_their_own() -> None:
    groups = record(settings_of("dev")).of("aws:ec2/securityGroup:SecurityGroup")
    assert [set(group.inputs) for group in groups] == [{"vpcId", "description"}] * 3
