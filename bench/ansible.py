"""Ansible doing the same on the same servers: what Stageline is measured against.

Its playbook unpacks a release's archive into a directory of its own, writes a unit, restarts that and waits until it is
healthy, with the deploy key on the same SSH servers. It gets its best: all servers at once, pipelining, connections
that stay open from one run to the next, no facts, an interpreter that it need not look for, directories that are there,
and nothing to unpack where a release was before. It serves on a port of its own, so that it and Stageline take turns
without being in each other's way.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench.figure import NotMeasured
from local.control import ask
from local.demo import Cloud
from local.paths import CODE
from local.shells import SshDoor, known_host
from settings.stackfile import load

REQUIREMENTS = CODE / "requirements" / "bench.txt"
PORT = 8088  # of the application as Ansible serves it
RELEASES = "ansible-releases"  # in the home of the servers' user
TOLD = 800  # characters of the end of what a program said that failed

CONFIG = """\
[defaults]
inventory = {folder}/inventory.yaml
forks = {forks}
gathering = explicit
interpreter_python = /usr/bin/python3
retry_files_enabled = false
[ssh_connection]
pipelining = true
ssh_args = -F {folder}/ssh_config -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {folder}/control
control_path = %(directory)s/%%h
"""

SSH_CONFIG = """\
Host *
    BatchMode yes
    GlobalKnownHostsFile /dev/null
    IdentitiesOnly yes
    IdentityAgent none
    IdentityFile {folder}/key
    LogLevel ERROR
    StrictHostKeyChecking yes
    UpdateHostKeys no
    UserKnownHostsFile {folder}/known_hosts
"""

UNIT = """\
[Service]
Environment=RELEASE_VERSION={{ version }} HOST={{ ansible_host }} PORT={{ port }}
ExecStart=%h/{{ releases }}/{{ version }}/bin/start
Restart=on-failure
"""

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: the release is in a directory of its own
      ansible.builtin.unarchive:
        src: "{{ archive }}"
        dest: "{{ releases }}/{{ version }}"
        creates: "{{ releases }}/{{ version }}/bin/start"
    - name: the unit says which release runs
      ansible.builtin.template:
        src: unit.j2
        dest: .config/systemd/user/ansible.service
    - name: the unit is restarted
      ansible.builtin.systemd_service:
        name: ansible.service
        scope: user
        state: restarted
        daemon_reload: true
    - name: the release is healthy
      ansible.builtin.uri:
        url: "http://{{ ansible_host }}:{{ port }}/health"
      register: health
      until: health.status == 200 and health.json.version == version
      retries: 100
      delay: 0.1
"""


@dataclass(frozen=True, kw_only=True)
class Ansible:
    """A playbook for the servers of one environment, and the archives of the releases that it can serve."""

    program: Path
    folder: Path
    archives: Mapping[str, Path]

    def serve(self, version: str) -> float:
        """Run the playbook for a release; seconds from its start to its end, when all servers have it healthy."""
        variables = {"version": version, "archive": str(self.archives[version]), "port": PORT, "releases": RELEASES}
        command = [str(self.program), str(self.folder / "playbook.yaml"), "--extra-vars", json.dumps(variables)]
        began = time.monotonic()
        _must(command, cwd=self.folder, env=self._environment)
        return time.monotonic() - began

    @property
    def _environment(self) -> dict[str, str]:
        """Nothing of the user's own Ansible or SSH."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SSH_"))}
        own = {"ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"), "ANSIBLE_HOME": str(self.folder / "ansible")}
        return {**kept, **own, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}


@contextmanager
def ansible_for(cloud: Cloud, environment: str, archives: Mapping[str, Path]) -> Iterator[Ansible]:
    """Ansible, told of the servers of an environment that is up; its files and its connections are gone at the end."""
    program = _installed()
    doors = _doors(cloud, environment)
    with TemporaryDirectory(prefix="stageline-ansible-") as name:
        folder = Path(name)
        _write(folder, doors)
        for server in doors:
            made = [f"{RELEASES}/{version}" for version in archives]
            cloud.must("local-cloud", "ssh", server, "mkdir", "-p", *made)
        try:
            yield Ansible(program=program, folder=folder, archives=archives)
        finally:
            _hang_up(folder / "control")


def _installed() -> Path:
    """The program `ansible-playbook`, in an environment of its own for these very requirements; made where missing."""
    folder = CODE / "build" / f"ansible-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    whole = folder / "whole"
    if not whole.exists():
        _must([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _must([*pip, "--require-hashes", "--requirement", str(REQUIREMENTS)])
        whole.touch()
    return folder / "bin" / "ansible-playbook"


def _doors(cloud: Cloud, environment: str) -> dict[str, SshDoor]:
    """Where each server listens, by its id, and the deploy key that opens it."""
    user = load(cloud.paths.work, environment).servers.user
    servers = json.loads(cloud.must("pulumi", "stack", "output", "servers", "--json", "--stack", environment))
    return {one["id"]: _door(cloud, one["id"], user) for one in servers}


def _door(cloud: Cloud, server: str, user: str) -> SshDoor:
    said = ask(cloud.paths.control, {"do": "ssh", "server": server}, timeout=10)
    place = {name: said[name] for name in ("address", "port", "private", "host_key")}
    return SshDoor(user=user, **place)


def _write(folder: Path, doors: Mapping[str, SshDoor]) -> None:
    """All that Ansible reads."""
    (folder / "control").mkdir(mode=0o700)
    (folder / "key").touch(mode=0o600)
    (folder / "key").write_text(next(iter(doors.values())).private)
    (folder / "known_hosts").write_text("".join(map(known_host, doors.values())))
    (folder / "ssh_config").write_text(SSH_CONFIG.format(folder=folder))
    (folder / "ansible.cfg").write_text(CONFIG.format(folder=folder, forks=len(doors)))
    (folder / "inventory.yaml").write_text(yaml.safe_dump({"all": {"hosts": _hosts(doors)}}))
    (folder / "unit.j2").write_text(UNIT)
    (folder / "playbook.yaml").write_text(PLAYBOOK)


def _hosts(doors: Mapping[str, SshDoor]) -> dict[str, Any]:
    return {
        name: {"ansible_host": door.address, "ansible_port": door.port, "ansible_user": door.user}
        for name, door in doors.items()
    }


def _hang_up(connections: Path) -> None:
    """End the connections that Ansible leaves open."""
    for connection in connections.iterdir():
        command = ["ssh", "-o", f"ControlPath={connection}", "-O", "exit", "server"]
        subprocess.run(command, capture_output=True, check=False)


def _must(command: Sequence[str], **options: Any) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        said = " / ".join((done.stdout + done.stderr).strip().splitlines())[-TOLD:]
        raise NotMeasured(f"{' '.join(command[:4])} ended with {done.returncode}: {said}")
