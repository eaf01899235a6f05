"""Where servers are and how they are reached, by what settings and outputs say."""

import json
from typing import Any

import pytest

from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession
from release.doors.servers.servers import Server, installer_of, open_ssh, servers_of
from release.doors.servers.ssh import Bastion, Door
from release.process.errors import Broken, Inconclusive
from settings.model import Settings
from settings.stackfile import load
from tests.project import PROJECT
from tests.release.world import shared_session

OUTPUTS = {
    "servers": [{"name": "env-servers-1", "id": "i-1", "address": "203.0.113.9", "private_address": "10.10.0.9"}],
    "bastion": {"id": "i-2", "address": "203.0.113.5"},
}


def settings(**servers: Any) -> Settings:
    stated = load(PROJECT, "dev")
    return Settings.model_validate({**stated.model_dump(), "servers": {**stated.servers.model_dump(), **servers}})


PUBLIC = settings()
PRIVATE = settings(public=False, bastion={"instance_type": "t3.nano", "ami": "ami-0123456789abcdef0"})


@pytest.fixture
def session(aws: None) -> AwsSession:
    """An account in which `release init` has made the keys."""
    session = shared_session(PUBLIC.account, PUBLIC.region)
    names = PRIVATE.names
    for name in (names.deploy_key, names.host_key, names.bastion_host_key):
        Secrets(session).create(name, json.dumps({"private": f"{name} private", "public": f"{name} public"}), {})
    return session


def test_public_servers_are_reached_at_their_public_address(session: AwsSession) -> None:
    assert servers_of(PUBLIC, OUTPUTS) == (Server(name="env-servers-1", address="203.0.113.9"),)
    ssh = open_ssh(session, PUBLIC, OUTPUTS)
    assert ssh.servers == Door(user="stageline", port=22, host_key="stageline/dev/host-key public")
    assert (ssh.bastion, ssh.private_key) == (None, "stageline/dev/deploy-key private")


def test_private_servers_are_reached_through_the_bastion_with_its_own_host_key(session: AwsSession) -> None:
    assert servers_of(PRIVATE, OUTPUTS) == (Server(name="env-servers-1", address="10.10.0.9"),)
    door = Door(user="stageline", port=22, host_key="stageline/dev/bastion-host-key public")
    assert open_ssh(session, PRIVATE, OUTPUTS).bastion == Bastion(address="203.0.113.5", door=door)


def test_an_environment_that_has_not_come_up_has_no_servers(session: AwsSession) -> None:
    with pytest.raises(Inconclusive, match="the stack of dev has no output servers: it has not come up"):
        servers_of(PUBLIC, {})
    with pytest.raises(Inconclusive, match="has no output installer"):
        installer_of(PUBLIC, {})
    with pytest.raises(Inconclusive, match="has no output bastion"):
        open_ssh(session, PRIVATE, {"bastion": None})


def test_without_keys_it_says_how_to_make_them(aws: None) -> None:
    with pytest.raises(Broken, match="the secret stageline/dev/host-key is missing; run: release init dev"):
        open_ssh(shared_session(PUBLIC.account, PUBLIC.region), PUBLIC, OUTPUTS)
