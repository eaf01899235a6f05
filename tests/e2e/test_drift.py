"""`release drift` and `release parity --live` on the real engine: what is changed by hand is found, and nothing else.

One cloud for all: dev is up with 1.0.0 live in it, and each test undoes what it changed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract.slots import SLOT_PORTS
from local.demo import Cloud
from release.doors.servers.ssh import Door, Ssh
from release.work.keys import new_key_pair
from settings.stackfile import load
from tests.e2e.clone import client, eventually, one_line
from tests.e2e.ready import Ready

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

STRANGER = new_key_pair("stranger").public


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, dev's servers, and the door to them."""

    cloud: Cloud
    servers: list[dict[str, str]]
    ssh: Ssh

    def drift(self) -> tuple[int, set[tuple[str, str]], list[str], str]:
        """How `release drift` ends, what it finds, what it could not ask, and its last word."""
        done = self.cloud.run("release", "drift", "dev", "--json")
        report = json.loads(done.stdout)
        findings = {(one["where"], one["what"]) for one in report["findings"]}
        return done.returncode, findings, [one["part"] for one in report["unasked"]], done.stderr

    def on_server(self, number: int, command: str) -> None:
        """Do something by hand on a server."""
        done = self.ssh.run(self.servers[number]["address"], command)
        assert done.code == 0, done.err


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Dev]:
    with ready.live_dev() as cloud:
        servers = json.loads(cloud.must("pulumi", "stack", "output", "servers", "--json", "--stack", "dev"))
        yield Dev(cloud=cloud, servers=servers, ssh=opened(cloud))


def opened(cloud: Cloud) -> Ssh:
    settings = load(cloud.paths.work, "dev")
    secrets = client(cloud, "secretsmanager")
    deploy, host = (
        json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
        for name in (settings.names.deploy_key, settings.names.host_key)
    )
    door = Door(user=settings.servers.user, port=settings.servers.ssh_port, host_key=host["public"])
    return Ssh(servers=door, private_key=deploy["private"])


def test_an_environment_that_nobody_touched_is_as_it_is_declared_and_no_key_is_left_on_a_disk(dev: Dev) -> None:
    assert dev.drift()[:3] == (0, set(), [])
    kept = [path for path in Path(dev.cloud.variables["TMPDIR"]).rglob("*") if path.is_file()]
    assert [path for path in kept if "PRIVATE KEY" in path.read_text(errors="replace")] == []


def test_a_stack_that_nobody_touched_is_what_its_program_declares(dev: Dev) -> None:
    done = dev.cloud.run("release", "parity", "--live", "--json")
    report: dict[str, Any] = json.loads(done.stdout)
    assert [entry for entry in report["differences"] if not entry["declared_by"]] == []
    assert [entry["environment"] for entry in report["unasked"]] == ["qa", "staging", "prod"]
    assert (done.returncode, "these stacks could not be read: qa, staging, prod" in one_line(done)) == (4, True)


def test_what_is_changed_in_aws_by_hand_is_found_by_resource_and_input(dev: Dev) -> None:
    ec2, balancers = client(dev.cloud, "ec2"), client(dev.cloud, "elbv2")
    server = dev.servers[0]["id"]
    (group,) = [
        one["TargetGroupArn"]
        for one in balancers.describe_target_groups()["TargetGroups"]
        if one["Port"] == SLOT_PORTS["green"]
    ]
    (firewall,) = [
        one["GroupId"]
        for one in ec2.describe_security_groups()["SecurityGroups"]
        if one["GroupName"].startswith("env-firewall-servers")
    ]
    world = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    name = {"Key": "Name", "Value": "stageline-dev-1"}

    ec2.create_tags(Resources=[server], Tags=[{**name, "Value": "mine"}])
    balancers.modify_target_group(TargetGroupArn=group, HealthCheckIntervalSeconds=60)
    ec2.authorize_security_group_ingress(GroupId=firewall, IpPermissions=[world])
    found = dev.drift()
    ec2.create_tags(Resources=[server], Tags=[name])
    balancers.modify_target_group(TargetGroupArn=group, HealthCheckIntervalSeconds=5)
    ec2.revoke_security_group_ingress(GroupId=firewall, IpPermissions=[world])

    assert found[:3] == (
        3,
        {
            (dev.servers[0]["name"], "tags.Name"),
            ("env-lb-green", "healthCheck.interval"),
            ("env-firewall-servers", "from tcp 22 0.0.0.0/0"),
        },
        [],
    )
    assert "dev is not as it is declared, differences: 3; pulumi up --refresh" in found[3]
    assert dev.drift()[:2] == (0, set())


def test_what_is_changed_on_a_server_by_hand_is_found(dev: Dev) -> None:
    first, second = (server["name"] for server in dev.servers)
    dev.on_server(0, f"cp -p .ssh/authorized_keys kept && echo '{STRANGER}' >> .ssh/authorized_keys")
    dev.on_server(0, "cp -p stageline/installer.pyz kept.pyz && echo '# mine' >> stageline/installer.pyz")
    dev.on_server(1, "systemctl --user stop stageline-blue.service")
    code, found, unasked, _ = dev.drift()
    dev.on_server(0, "mv kept .ssh/authorized_keys && mv kept.pyz stageline/installer.pyz")
    dev.on_server(1, "systemctl --user start stageline-blue.service")

    assert (code, unasked) == (3, [])
    (key,) = [what for where, what in found if what.startswith("authorized_keys")]
    assert key.endswith(" stranger")
    assert found == {
        (first, key),
        (first, "stageline/installer.pyz"),
        (second, "slot blue: unit"),
        (second, "slot blue: health"),
    }
    eventually(lambda: dev.drift()[0] == 0, limit=30)


def test_a_server_that_does_not_answer_leaves_it_open_and_is_named(dev: Dev) -> None:
    dev.cloud.must("local-cloud", "fault", "stop", dev.servers[1]["id"])
    code, found, unasked, said = dev.drift()
    dev.cloud.must("local-cloud", "fault", "clear")
    assert (code, found, unasked) == (4, set(), [dev.servers[1]["name"]])
    assert f"dev could not be asked in full: {dev.servers[1]['name']}" in said
