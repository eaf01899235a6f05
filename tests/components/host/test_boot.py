"""The user data, run for real as a subprocess below a root folder of its own, with a fake `aws` and others."""

from __future__ import annotations

import ast
import json
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

BOOT = Path(__file__).parents[3] / "components" / "host" / "boot.py"
FAKE_AWS = Path(__file__).parent / "fake_bin" / "aws"
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----"
USER = "stageline-nobody"
SETTINGS = {
    "project": "shop",
    "environment": "dev",
    "region": "eu-central-1",
    "user": USER,
    "artifact_bucket": "shop-dev-artifacts",
    "artifact_folder": "artifacts",
    "database_parameter": "/shop/dev/database",
    "migration_parameter": "/shop/dev/migration",
    "host_key_secret": "host-key",
    "authorized_keys_secret": "authorized-keys",
    "server_logs": "/shop/dev/servers",
    "program": "usr/local/lib/stageline/boot.py",
    "server_file": "stageline/server.json",
}
KEYS = "ssh-ed25519 AAAAcurrent ops\n\nssh-ed25519 AAAAnext ops\n"

NOTE = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
[ "$(basename "$0")" = hostname ] && echo "10.0.1.7 172.17.0.1 "
exit 0
"""


@dataclass(frozen=True, kw_only=True)
class Machine:
    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def home(self) -> Path:
        return self.root / "home" / USER

    def secret(self, name: str, text: str) -> None:
        (self.folder / "aws" / "secrets" / name).write_text(text)

    def faults(self, *faults: str) -> None:
        (self.folder / "aws" / "faults").write_text("".join(f"{fault}\n" for fault in faults))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, str(self.folder / "user-data"), *arguments],
            env={
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "STAGELINE_ROOT": str(self.root),
                "FAKE_AWS": str(self.folder / "aws"),
                "CALLS": str(self.folder / "calls"),
            },
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert "canary" not in done.stdout + done.stderr
        return done

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def files(self) -> dict[str, str]:
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_text() for path in files}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(folder=tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "aws" / "secrets").mkdir(parents=True)
    (tmp_path / "bin" / "aws").symlink_to(FAKE_AWS)
    for name in ("useradd", "loginctl", "hostname", "systemctl"):
        (tmp_path / "bin" / name).write_text(NOTE)
        (tmp_path / "bin" / name).chmod(0o755)
    machine.faults()
    machine.secret("host-key", json.dumps({"private": PRIVATE + "\n", "public": "ssh-ed25519 AAAAhost"}))
    machine.secret("authorized-keys", KEYS)
    (tmp_path / "user-data").write_text(user_data())
    return machine


def user_data(settings: dict[str, str] = SETTINGS) -> str:
    """As the environment makes it, only that retries do not wait."""
    text = BOOT.read_text()
    assert text.count("RETRY_PAUSE = 2.0") == 1
    first = f"#!/usr/bin/env python3\nSETTINGS = {json.dumps(settings)!r}\n"
    return first + text.replace("RETRY_PAUSE = 2.0", "RETRY_PAUSE = 0.001")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_server_knows_what_the_installer_needs(machine: Machine) -> None:
    assert machine.run().returncode == 0
    assert json.loads((machine.home / "stageline" / "server.json").read_text()) == {
        "project": "shop",
        "environment": "dev",
        "region": "eu-central-1",
        "artifact_bucket": "shop-dev-artifacts",
        "artifact_folder": "artifacts",
        "database_parameter": "/shop/dev/database",
        "migration_parameter": "/shop/dev/migration",
        "address": "10.0.1.7",
    }


def test_a_bastion_gets_its_keys_and_nothing_that_an_installer_needs(machine: Machine) -> None:
    of_servers = ("artifact_bucket", "artifact_folder", "database_parameter", "migration_parameter")
    bastion = {key: value for key, value in SETTINGS.items() if key not in of_servers}
    (machine.folder / "user-data").write_text(user_data(bastion))
    assert machine.run().returncode == 0
    assert [path.name for path in machine.home.rglob("*") if path.is_file()] == ["authorized_keys"]
    assert (machine.root / "etc/ssh/ssh_host_ed25519_key").read_text() == PRIVATE + "\n"


def test_the_deploy_keys_are_let_in(machine: Machine) -> None:
    machine.run()
    keys = machine.home / ".ssh" / "authorized_keys"
    assert keys.read_text() == "ssh-ed25519 AAAAcurrent ops\nssh-ed25519 AAAAnext ops\n"
    assert (mode(keys), mode(keys.parent)) == (0o600, 0o700)


def test_the_pinned_host_key_is_the_only_one_that_is_offered(machine: Machine) -> None:
    machine.run()
    ssh = machine.root / "etc" / "ssh"
    assert (ssh / "ssh_host_ed25519_key").read_text() == PRIVATE + "\n"
    assert mode(ssh / "ssh_host_ed25519_key") == 0o600
    assert (ssh / "ssh_host_ed25519_key.pub").read_text() == "ssh-ed25519 AAAAhost\n"
    assert "HostKeyAlgorithms ssh-ed25519\n" in (ssh / "sshd_config.d" / "10-stageline.conf").read_text()


def test_ssh_forwards_connections_and_no_agents_and_takes_no_passwords(machine: Machine) -> None:
    machine.run()
    said = (machine.root / "etc/ssh/sshd_config.d/10-stageline.conf").read_text().splitlines()
    assert {"AllowTcpForwarding local", "AllowAgentForwarding no", "PasswordAuthentication no"} <= set(said)


def test_the_user_is_made_and_ssh_opens_last(machine: Machine) -> None:
    machine.run()
    assert machine.calls() == [
        f"useradd --create-home {USER}",
        f"loginctl enable-linger {USER}",
        "hostname -I",
        "systemctl daemon-reload",
        "systemctl enable --now stageline-keys.timer",
        "systemctl restart sshd",
    ]


def add_agent(machine: Machine) -> Path:
    """What an image with the CloudWatch agent has: the program that starts it."""
    program = machine.root / "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
    program.parent.mkdir(parents=True)
    program.write_text(NOTE)
    program.chmod(0o755)
    return program


def test_the_agent_tells_memory_and_disk_by_the_servers_id_alone_and_the_logs(machine: Machine) -> None:
    add_agent(machine)
    assert machine.run().returncode == 0
    config = machine.root / "opt/aws/amazon-cloudwatch-agent/etc/stageline.json"
    told = json.loads(config.read_text())
    assert told["metrics"]["aggregation_dimensions"] == [["InstanceId"]]
    assert told["metrics"]["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}
    assert set(told["metrics"]["metrics_collected"]) == {"mem", "disk"}
    files = told["logs"]["logs_collected"]["files"]["collect_list"]
    assert {file["log_group_name"] for file in files} == {"/shop/dev/servers"}
    start = f"amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:{config}"
    assert machine.calls()[-2:] == ["systemctl restart sshd", start]


def test_an_image_without_the_agent_boots_and_says_what_is_missing(machine: Machine) -> None:
    done = machine.run()
    assert done.returncode == 0
    assert "no CloudWatch agent" in done.stdout


@pytest.mark.parametrize("program", ["#!/bin/sh\nexit 1\n", "#!/no/such/interpreter\n"], ids=["fails", "cannot run"])
def test_an_agent_that_does_not_start_stops_no_boot(machine: Machine, program: str) -> None:
    add_agent(machine).write_text(program)
    done = machine.run()
    assert done.returncode == 0
    assert "the CloudWatch agent does not run: " in done.stdout
    assert machine.calls()[-1] == "systemctl restart sshd"


def test_a_machine_that_is_told_no_log_group_starts_no_agent(machine: Machine) -> None:
    add_agent(machine)
    data = machine.folder / "user-data"
    data.write_text(data.read_text().replace('"server_logs"', '"other"', 1))
    assert machine.run().returncode == 0
    assert not (machine.root / "opt/aws/amazon-cloudwatch-agent/etc").exists()


def test_a_second_boot_changes_nothing(machine: Machine) -> None:
    machine.run()
    before = machine.files()
    assert machine.run().returncode == 0
    assert machine.files() == before


def test_the_timer_runs_as_the_user_what_refreshes_the_keys(machine: Machine) -> None:
    machine.run()
    service = (machine.root / "etc/systemd/system/stageline-keys.service").read_text()
    assert f"User={USER}\n" in service
    assert f"Environment=STAGELINE_ROOT={machine.root}\n" in service
    assert f"ExecStart=python3 {machine.root}/usr/local/lib/stageline/boot.py keys\n" in service
    assert (machine.root / "usr/local/lib/stageline/boot.py").read_text() == user_data()


def test_a_refresh_replaces_the_keys_and_nothing_else(machine: Machine) -> None:
    machine.run()
    before = machine.files()
    machine.secret("authorized-keys", "ssh-ed25519 AAAAnext ops\n")
    assert machine.run("keys").returncode == 0
    keys = f"home/{USER}/.ssh/authorized_keys"
    assert machine.files() == {**before, keys: "ssh-ed25519 AAAAnext ops\n"}


@pytest.mark.parametrize("text", ["", "\n# none\n", "None", "ssh-ed25519 AAAA\nrm -rf"], ids=range(4))
def test_a_secret_without_keys_locks_nobody_out(machine: Machine, text: str) -> None:
    machine.run()
    before = machine.files()
    machine.secret("authorized-keys", text)
    done = machine.run("keys")
    assert done.returncode == 1
    assert "does not hold keys" in done.stderr
    assert machine.files() == before


def test_a_role_that_is_not_ready_yet_is_waited_for(machine: Machine) -> None:
    machine.faults("throttle", "throttle", "throttle")
    assert machine.run().returncode == 0


def test_a_secret_that_cannot_be_read_keeps_ssh_closed(machine: Machine) -> None:
    (machine.folder / "aws" / "secrets" / "host-key").unlink()
    done = machine.run()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("cannot read the secret host-key: ")
    assert not (machine.root / "etc" / "ssh").exists()
    assert "systemctl restart sshd" not in machine.calls()


def test_the_user_data_is_small_enough_for_ec2_and_python_3_9() -> None:
    assert len(user_data().encode()) < 12 * 1024
    ast.parse(user_data(), feature_version=(3, 9))
