"""Bastion: what it is and what it may read."""

import json

import pytest

from components import recording
from components.machine import Keys
from components.recording import Declared, Recording
from tests.components.recording import (
    BLUE_LIVE_GREEN_FILLED,
    EMPTY,
    HOST_KEY,
    PRIVATE_KEY,
    private_settings_of,
    record,
    settings_of,
)

INSTANCE = "aws:ec2/instance:Instance"
POLICY = "aws:iam/rolePolicy:RolePolicy"


@pytest.fixture(scope="module")
def private() -> Recording:
    return record(private_settings_of("prod"), BLUE_LIVE_GREEN_FILLED)


def settings_at_boot(machine: Declared) -> dict[str, str]:
    scope: dict[str, str] = {}
    exec(machine.inputs["userData"].splitlines()[1], scope)
    found: dict[str, str] = json.loads(scope["SETTINGS"])
    return found


def test_public_servers_have_no_bastion() -> None:
    found = record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED)
    assert [one.name for one in found.declared if "bastion" in one.name] == []


def test_private_servers_have_no_public_address_and_stand_in_private_subnets(private: Recording) -> None:
    machines = {one.name: one.inputs for one in private.of(INSTANCE)}
    assert {name: one["associatePublicIpAddress"] for name, one in machines.items()} == {
        "env-bastion-instance": True,
        "env-servers-1": False,
        "env-servers-2": False,
    }
    assert {name: one["subnetId"] for name, one in machines.items()} == {
        "env-bastion-instance": "env-network-public-a-id",
        "env-servers-1": "env-network-private-a-id",
        "env-servers-2": "env-network-private-b-id",
    }


def test_a_private_server_boots_only_when_it_has_a_way_out(private: Recording) -> None:
    route = private.one("aws:ec2/route:Route", "env-network-private-default")
    servers = [one for one in private.of(INSTANCE) if one.name.startswith("env-servers")]
    assert [route.urn in server.after for server in servers] == [True, True]


def test_a_bastion_has_imdsv2_an_encrypted_disk_no_key_pair_and_is_replaced_on_purpose_only(private: Recording) -> None:
    bastion = private.one(INSTANCE, "env-bastion-instance")
    assert bastion.inputs["metadataOptions"]["httpTokens"] == "required"
    assert bastion.inputs["rootBlockDevice"]["encrypted"] is True
    assert "keyName" not in bastion.inputs
    assert {"ami", "userData"} <= set(bastion.ignore_changes)


def test_a_bastion_may_read_its_host_key_and_who_may_log_in_and_nothing_else(private: Recording) -> None:
    [policy] = [one for one in private.of(POLICY) if one.inputs["role"].startswith("env-bastion")]
    [statement] = json.loads(policy.inputs["policy"])["Statement"]
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stageline/prod"
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"] == [f"{secret}/bastion-host-key-??????", f"{secret}/authorized-keys-??????"]


def test_servers_may_not_read_the_bastions_host_key(private: Recording) -> None:
    policies = [one for one in private.of(POLICY) if not one.inputs["role"].startswith("env-bastion")]
    assert len(policies) >= 2
    assert [one.name for one in policies if "bastion" in one.inputs["policy"]] == []


def test_a_bastion_is_told_of_its_own_keys_and_neither_of_artifacts_nor_of_the_database(private: Recording) -> None:
    assert settings_at_boot(private.one(INSTANCE, "env-bastion-instance")) == {
        "project": "stageline",
        "environment": "prod",
        "region": "eu-central-1",
        "user": "stageline",
        "host_key_secret": "stageline/prod/bastion-host-key",
        "authorized_keys_secret": "stageline/prod/authorized-keys",
        "program": "usr/local/lib/stageline/boot.py",
        "server_file": "stageline/server.json",
    }


def test_without_the_bastions_host_key_nothing_is_declared() -> None:
    keys = Keys(deploy_private=PRIVATE_KEY, host_public=HOST_KEY)
    with pytest.raises(ValueError, match="the bastion's host key is not known"):
        recording.record(private_settings_of("dev"), EMPTY, keys)
