"""Servers in private subnets, reached through a bastion only, on the real engine.

One cloud for all: dev is changed to private servers, comes up, and 1.0.0 is live in it.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.demo import Cloud, bring_up, version_at
from release.work.keys import new_key_pair
from tests.e2e.clone import client, live_url, new_program, publish, shell

CODE = Path(__file__).parents[2]
DIALS = 5
UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, dev's live URL and what the stack says of its machines."""

    cloud: Cloud
    url: str
    servers: list[dict[str, str]]
    bastion: dict[str, str]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    clone = new_program(tmp_path_factory.mktemp("private") / "a clone")
    change(clone.folder / "Pulumi.dev.yaml", "network", nat=True)
    bastion = {"instance_type": "t3.micro", "ami": "ami-0123456789abcdef0"}
    change(clone.folder / "Pulumi.dev.yaml", "servers", public=False, bastion=bastion)
    try:
        started = clone.run("up")
        assert started.returncode == 0, started.stderr
        cloud = shell(clone)
        bring_up(cloud, "dev")
        change(cloud.paths.work / "Pulumi.dev.yaml", "servers", dial_error_limit=DIALS)  # nothing boots any more
        cloud.must(*UP)  # a promotion applies nothing but its release
        publish(cloud, "1.0.0")
        cloud.must("release", "promote", "1.0.0", "--to", "dev")
        yield Dev(
            cloud=cloud,
            url=live_url(cloud, "dev"),
            servers=output(cloud, "servers"),
            bastion=output(cloud, "bastion"),
        )
    finally:
        clone.run("down")
    assert clone.processes() == []


def test_a_release_goes_live_on_servers_without_a_public_address(dev: Dev) -> None:
    assert version_at(dev.url) == "1.0.0"
    assert [public_address(dev.cloud, server["id"]) for server in dev.servers] == [None, None]
    assert public_address(dev.cloud, dev.bastion["id"]) == dev.bastion["address"]


def test_a_plain_up_changes_nothing(dev: Dev) -> None:
    done = dev.cloud.run(*UP, "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bastion_holds_no_key_of_a_server_and_no_slots(dev: Dev) -> None:
    files = folder(dev, dev.bastion["id"]) / "home/stageline"
    assert sorted(path.name for path in files.rglob("*") if path.is_file()) == ["authorized_keys"]
    assert host_key(dev, dev.bastion["id"]) not in {host_key(dev, server["id"]) for server in dev.servers}


def test_people_reach_servers_and_the_bastion(dev: Dev) -> None:
    for machine in (dev.servers[1]["id"], dev.bastion["id"]):
        assert dev.cloud.must("local-cloud", "ssh", machine, "printenv", "STAGELINE_ROOT").strip().endswith(machine)


def test_people_log_in_by_hand_as_the_runbook_says(dev: Dev, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(dev.cloud.must("pulumi", "stack", "output", "known_hosts", "-s", "dev"))
    secret = client(dev.cloud, "secretsmanager").get_secret_value(SecretId="stageline/dev/deploy-key")["SecretString"]
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(json.loads(secret)["private"])
    told = {"203.0.113.5": dev.bastion["address"], "10.40.128.7": dev.servers[1]["address"], "Port 22": "Port 2222"}
    (tmp_path / "config").write_text(f"{runbooks_config(told)}    IdentityFile key\n    IdentitiesOnly yes\n")
    there = ["ssh", "-F", "config", "server", "printenv", "STAGELINE_ROOT"]
    done = subprocess.run(there, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith(dev.servers[1]["id"]), done.stderr


def test_drift_asks_the_servers_through_the_bastion(dev: Dev) -> None:
    report = asked_for_drift(dev)
    assert report["unasked"] == []
    assert [one for one in report["findings"] if one["where"] in names(dev)] == []


def test_a_bastion_with_another_host_key_is_refused(dev: Dev) -> None:
    """The last one: nothing reaches the servers afterwards."""
    other = new_key_pair("impostor")
    path = folder(dev, dev.bastion["id"]) / "etc/ssh/ssh_host_ed25519_key"
    path.write_text(other.private)
    dev.cloud.must("local-cloud", "ssh", dev.bastion["id"], "systemctl", "restart", "sshd")

    change(dev.cloud.paths.work / "Pulumi.dev.yaml", "servers", settle=2)  # part of each install
    up = dev.cloud.run(*UP)
    assert up.returncode != 0
    said = f"proxy: after {DIALS} failed attempts: ssh: handshake failed: ssh: host key mismatch"
    assert said in up.stdout + up.stderr
    assert version_at(dev.url) == "1.0.0"
    assert {one["part"] for one in asked_for_drift(dev)["unasked"]} == names(dev)


def asked_for_drift(dev: Dev) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(dev.cloud.run("release", "drift", "dev", "--json").stdout)
    return report


def names(dev: Dev) -> set[str]:
    return {server["name"] for server in dev.servers}


def change(file: Path, section: str, **values: Any) -> None:
    """Change settings in a stack file."""
    content = yaml.safe_load(file.read_text())
    content["config"][f"stageline:{section}"].update(values)
    file.write_text(yaml.safe_dump(content, sort_keys=False))


def runbooks_config(told: dict[str, str]) -> str:
    """What the runbook says that ssh shall be told, with other values."""
    config = (CODE / "docs/runbook.md").read_text().partition("```\nHost bastion\n")[2].partition("```")[0]
    assert [value for value in told if value not in config] == []
    for shown, value in told.items():
        config = config.replace(shown, value)
    return f"Host bastion\n{config}"


def output(cloud: Cloud, name: str) -> Any:
    return json.loads(cloud.must("pulumi", "stack", "output", name, "--json", "--stack", "dev"))


def public_address(cloud: Cloud, instance: str) -> str | None:
    (found,) = client(cloud, "ec2").describe_instances(InstanceIds=[instance])["Reservations"]
    address: str | None = found["Instances"][0].get("PublicIpAddress")
    return address


def folder(dev: Dev, instance: str) -> Path:
    return dev.cloud.paths.servers / instance


def host_key(dev: Dev, instance: str) -> str:
    return (folder(dev, instance) / "etc/ssh/ssh_host_ed25519_key").read_text()
