"""The door to servers by SSH, with a program of that name which says what it was told."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from release.doors.servers.scratch import MOST_SAID, Disk, Memory, Scratch
from release.doors.servers.ssh import Bastion, Door, NoAnswer, NotReached, Ssh
from release.process.errors import NotBegun
from release.process.leftovers import DEPLOYMENT, Leftovers

# Writes down its arguments, its configuration and the files that this names, as ssh would read them.
FAKE = """#!/bin/sh
printf '%s\\n' "$@" > argv
cat "$3" > config
for name in IdentityFile UserKnownHostsFile; do
  path=$(sed -n "s/^ *$name //p" "$3")
  cat "$path" > "$name"
  stat -L -c %a "$path" >> modes
done
cat > stdin
. ./behaviour
"""

SERVERS = Door(user="stageline", port=2222, host_key="ssh-ed25519 AAAAserver")
BASTION = Bastion(address="198.51.100.7", door=Door(user="jump", port=22, host_key="ssh-ed25519 AAAAbastion"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ssh").write_text(FAKE)
    (tmp_path / "ssh").chmod(0o755)
    (tmp_path / "behaviour").write_text("exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ssh(bastion: Bastion | None = None, limit: float = 60.0) -> Ssh:
    return Ssh(servers=SERVERS, bastion=bastion, private_key="PRIVATE\n\n", answer_limit=limit)


def on(scratch: Scratch) -> Ssh:
    return replace(ssh(), scratch=scratch)


everywhere = pytest.mark.parametrize("scratch", [Memory(), Disk()], ids=["linux", "elsewhere"])


def said(folder: Path, name: str) -> str:
    return (folder / name).read_text()


@everywhere
def test_a_command_is_run_with_data_on_stdin_and_answers(folder: Path, scratch: Scratch) -> None:
    (folder / "behaviour").write_text("echo out; echo err >&2; exit 3")
    done = on(scratch).run("10.0.0.5", "cat keys", "data")
    assert (done.code, done.out, done.err, said(folder, "stdin")) == (3, "out\n", "err\n", "data")
    argv = said(folder, "argv").splitlines()
    assert (argv[:2], argv[3:]) == (["-T", "-F"], ["-o", "HostName=10.0.0.5", "server", "cat keys"])


@everywhere
def test_only_the_pinned_host_key_and_the_deploy_key_are_used(folder: Path, scratch: Scratch) -> None:
    on(scratch).run("10.0.0.5", "true")
    config = said(folder, "config")
    for option in ("BatchMode yes", "IdentitiesOnly yes", "IdentityAgent none", "StrictHostKeyChecking yes"):
        assert f"    {option}\n" in config
    assert "Host server\n    HostKeyAlias server\n    Port 2222\n    User stageline\n" in config
    assert said(folder, "UserKnownHostsFile") == "server ssh-ed25519 AAAAserver\n"
    assert said(folder, "IdentityFile") == "PRIVATE\n"
    assert said(folder, "modes") == "600\n600\n"


@everywhere
def test_the_private_key_is_in_no_argument_and_in_no_file_afterwards(folder: Path, scratch: Scratch) -> None:
    on(scratch).run("10.0.0.5", "true")
    key = next(line.split()[1] for line in said(folder, "config").splitlines() if "IdentityFile" in line)
    assert "PRIVATE" not in said(folder, "argv") + said(folder, "config") + repr(ssh())
    assert not Path(key).exists()


def test_a_bastion_is_jumped_through_with_its_own_pinned_key(folder: Path) -> None:
    ssh(BASTION).run("10.0.0.5", "true")
    config = said(folder, "config")
    assert "User stageline\n    ProxyJump bastion\n" in config
    assert config.endswith(
        "Host bastion\n    HostKeyAlias bastion\n    Port 22\n    User jump\n    HostName 198.51.100.7\n"
    )
    assert said(folder, "UserKnownHostsFile") == "server ssh-ed25519 AAAAserver\nbastion ssh-ed25519 AAAAbastion\n"


def test_who_cannot_log_in_is_told_why(folder: Path) -> None:
    (folder / "behaviour").write_text("echo 'Host key verification failed.' >&2; exit 255")
    with pytest.raises(NotReached, match=r"cannot log in to 10\.0\.0\.5: Host key verification failed"):
        ssh().run("10.0.0.5", "true")


def test_a_server_that_does_not_answer_is_not_waited_for_longer_than_the_limit(folder: Path) -> None:
    (folder / "behaviour").write_text("exec sleep 60")
    with pytest.raises(NoAnswer, match=r"10\.0\.0\.5 does not answer within 0 seconds"):
        ssh(limit=0.3).run("10.0.0.5", "true")


@pytest.mark.parametrize("address", ["-oProxyCommand=id", "", "a b", "x\ny", "$(id)"])
def test_what_is_no_address_never_reaches_ssh(folder: Path, address: str) -> None:
    with pytest.raises(NotReached, match="is not an address"):
        ssh().run(address, "true")
    assert not (folder / "argv").exists()


@everywhere
def test_without_ssh_it_says_so(tmp_path: Path, scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotBegun, match="there is no ssh on PATH"):
        on(scratch).run("10.0.0.5", "true")


@everywhere
def test_of_a_server_that_never_stops_talking_the_beginning_is_kept(folder: Path, scratch: Scratch) -> None:
    (folder / "behaviour").write_text("yes out; yes err >&2; exit 7")
    done = on(scratch).run("10.0.0.5", "true")
    assert done.code != 0
    assert done.out.startswith("out\nout\n")
    assert 0 < len(done.out) <= MOST_SAID
    assert "err\nerr\n" in done.err
    assert len(done.err) <= MOST_SAID


def test_what_is_no_text_is_read_all_the_same(folder: Path) -> None:
    (folder / "behaviour").write_text("printf 'a\\377b'")
    assert ssh().run("10.0.0.5", "true").out == "a\ufffdb"


def test_why_nobody_may_log_in_is_told_in_one_line_that_prints(folder: Path) -> None:
    (folder / "behaviour").write_text("printf '\\033[2J%09000d' 1 >&2; exit 255")
    with pytest.raises(NotReached, match=r"cannot log in to 10\.0\.0\.5: \\x1b\[2J000") as caught:
        ssh().run("10.0.0.5", "true")
    assert len(str(caught.value)) < 600


def test_what_works_for_a_deployment_is_found_by_its_name_and_no_ctrl_c_reaches_it(folder: Path) -> None:
    (folder / "behaviour").write_text(f'echo "${DEPLOYMENT}"; ps -o sid= -p $$')
    mark, session = replace(ssh(), deployment="dev-1").run("10.0.0.5", "true").out.split()
    assert (mark, int(session) == os.getsid(0)) == ("dev-1", False)


def test_what_works_for_none_ends_with_the_terminal(folder: Path) -> None:
    (folder / "behaviour").write_text(f'echo "x${DEPLOYMENT}"; ps -o sid= -p $$')
    assert ssh().run("10.0.0.5", "true").out.split() == ["x", str(os.getsid(0))]


def test_of_a_deployments_ssh_that_does_not_answer_nothing_is_left(folder: Path) -> None:
    """Also not what leads it through the bastion."""
    (folder / "behaviour").write_text("sleep 60 & wait")
    with pytest.raises(NoAnswer):
        replace(ssh(BASTION, limit=0.5), deployment="dev-never-seen").run("10.0.0.5", "true")
    assert Leftovers().of("dev-never-seen") == ()
