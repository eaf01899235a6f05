"""A server's key is pinned, and no key or password stands where others could read it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import Paths
from local.shells import PsqlDoor, SshDoor, known_host, run_psql, run_ssh, ssh_arguments

DOOR = SshDoor(address="127.9.3.1", port=2222, user="stageline", private="PRIVATE", host_key="ssh-ed25519 AAAA ops")
DATABASE = PsqlDoor(address="127.9.2.1", port=5432, name="fieldmap", user="master", password="canary")
CLIENT = """#!{python}
import json, os, sys
key = next(word for word in sys.argv if word.startswith("IdentityFile=")).partition("=")[2].strip('"')
seen = {{"argv": sys.argv[1:], "key": open(key).read(), "mode": os.stat(key).st_mode & 0o777}}
json.dump(seen, open({seen!r}, "w"))
sys.exit(7)
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(project=tmp_path)
    paths.root.mkdir()
    return paths


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_key_is_a_file_of_its_owner_while_ssh_runs_and_is_gone_afterwards(paths: Paths, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    client = program(tmp_path / "ssh", CLIENT.format(python=sys.executable, seen=str(seen)))
    code = run_ssh(paths, DOOR, ["hostname"], str(client))
    assert code == 7
    assert '"key": "PRIVATE", "mode": 384' in seen.read_text()
    assert "PRIVATE" not in seen.read_text().partition('"key"')[0]
    assert list(paths.doors.iterdir()) == []


def test_only_the_pinned_host_key_is_accepted_and_nothing_of_the_user_is_read() -> None:
    told = " ".join(ssh_arguments(DOOR, Path("/folder"), [], is_terminal=False))
    for words in (
        "-F none",
        "StrictHostKeyChecking=yes",
        'UserKnownHostsFile="/folder/known_hosts"',
        "GlobalKnownHostsFile=/dev/null",
        "IdentityAgent=none",
    ):
        assert words in told
    assert known_host(DOOR) == "[127.9.3.1]:2222 ssh-ed25519 AAAA\n"


def test_ssh_itself_reads_a_folder_with_a_space_and_a_percent_sign_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "a clone 100%d"
    arguments = ssh_arguments(DOOR, folder, [], is_terminal=False)
    shown = subprocess.run(["ssh", "-G", *arguments], capture_output=True, text=True, check=True).stdout
    assert f"userknownhostsfile {folder}/known_hosts\n" in shown.replace("%%", "%")


@pytest.mark.parametrize(
    ("command", "is_terminal", "ending"),
    [
        (["echo", "-n"], True, ["stageline@127.9.3.1", "--", "echo", "-n"]),
        ([], True, ["stageline@127.9.3.1", "--", "/bin/sh", "-i"]),
        ([], False, ["stageline@127.9.3.1"]),
    ],
    ids=["a command", "a person", "a script"],
)
def test_what_runs_there(command: list[str], is_terminal: bool, ending: list[str]) -> None:
    assert ssh_arguments(DOOR, Path("/folder"), command, is_terminal=is_terminal)[-len(ending) :] == ending


def test_psql_gets_its_password_by_its_environment_only(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    psql = program(tmp_path / "psql", f'#!/bin/sh\necho "$*|$PGPASSWORD" > {seen}\nkill -TERM $$\n')
    assert run_psql(DATABASE, ["-c", "SELECT 1"], psql) == 128 + 15
    told, password = seen.read_text().strip().split("|")
    assert told == "-h 127.9.2.1 -p 5432 -U master -d fieldmap -w -c SELECT 1"
    assert password == "canary"
    assert "PGPASSWORD" not in os.environ


def test_no_secret_is_shown_by_a_door() -> None:
    assert "canary" not in repr(DATABASE)
    assert "PRIVATE" not in repr(DOOR)
