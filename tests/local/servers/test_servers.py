"""Servers as their users meet them: over SSH, through a boot, a stop, a start and an end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from local.servers import Servers
from local.servers.servers import UnknownServer
from tests.local.servers.small_cloud import Cloud, eventually, runs

pytestmark = pytest.mark.enable_socket

UNIT = """
[Service]
ExecStart=/bin/sh -c 'echo up >> %h/starts; exec sleep 300'

[Install]
WantedBy=default.target
"""


def test_a_boot_runs_the_user_data_as_root_inside_the_folder_of_the_server(cloud: Cloud) -> None:
    cloud.boot(more='echo "$USER $HOME $(pwd)" > $STAGELINE_ROOT/seen')
    root = cloud.root / "i-1"
    assert (root / "seen").read_text() == f"root {root}/root {root}\n"
    assert cloud.status("i-1")["user_data_exit"] == 0


def test_ssh_opens_with_the_host_key_that_the_user_data_brought(cloud: Cloud) -> None:
    address = cloud.boot()
    assert cloud.run(address, "echo in").stdout == "in\n"


def test_a_server_without_a_host_key_makes_one_like_a_machine_image(cloud: Cloud) -> None:
    address = cloud.boot(more="rm $STAGELINE_ROOT/etc/ssh/ssh_host_ed25519_key\n")
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        cloud.run(address, "true")


def test_user_data_that_fails_shows_in_the_status(cloud: Cloud) -> None:
    cloud.boot(more="echo broken >&2; exit 3\n")
    assert cloud.status("i-1")["user_data_exit"] == 3
    assert "broken" in Path(cloud.status("i-1")["boot_log"]).read_text()


def test_an_address_that_is_taken_leaves_the_server_broken_and_says_so(cloud: Cloud) -> None:
    address = cloud.boot("i-1")
    cloud.servers.boot("i-2", address, cloud.user_data(), None)
    eventually(lambda: cloud.state("i-2") == "broken")
    assert "address already in use" in cloud.status("i-2")["error"]


def test_a_command_runs_in_home_with_nothing_of_the_local_clouds_environment(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    address = cloud.boot()
    seen = cloud.run(address, "pwd; env").stdout
    assert seen.splitlines()[0] == str(cloud.home())
    assert f"STAGELINE_ROOT={cloud.root / 'i-1'}" in seen.splitlines()
    assert "canary" not in seen


def test_a_command_gets_its_stdin_and_gives_both_streams_and_its_exit_code(cloud: Cloud) -> None:
    address = cloud.boot()
    done = cloud.run(address, "cat; echo oops >&2; exit 7", stdin="given")
    assert (done.code, done.stdout, done.stderr) == (7, "given", "oops\n")


def test_a_command_that_ignores_its_stdin_ends_all_the_same(cloud: Cloud) -> None:
    address = cloud.boot()
    assert cloud.run(address, "echo done", stdin="x" * 200_000).stdout == "done\n"


def test_large_output_arrives_whole(cloud: Cloud) -> None:
    address = cloud.boot()
    assert len(cloud.run(address, "head -c 3000000 /dev/zero | tr '\\0' x").stdout) == 3_000_000


def test_a_command_ended_by_a_signal_tells_which(cloud: Cloud) -> None:
    address = cloud.boot()
    assert cloud.run(address, "kill -TERM $$").code == -signal.SIGTERM


def test_of_a_clients_environment_only_the_locale_gets_through(cloud: Cloud) -> None:
    address = cloud.boot()
    seen = cloud.run(address, "env", env={"LC_TIME": "C", "SECRET": "x"}).stdout.splitlines()
    assert "LC_TIME=C" in seen
    assert "SECRET=x" not in seen


def test_a_key_lets_in_from_the_moment_it_stands_in_the_file_until_it_is_gone(cloud: Cloud) -> None:
    address = cloud.boot()
    keys = cloud.home() / ".ssh/authorized_keys"
    before = keys.read_text()
    keys.write_text(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode())
    with pytest.raises(asyncssh.PermissionDenied):
        cloud.run(address, "true")
    keys.write_text(before)
    assert cloud.run(address, "true").code == 0


@pytest.mark.parametrize("user", ["nobody", "../stageline", "root", ""])
def test_nobody_without_a_key_file_gets_in(cloud: Cloud, user: str) -> None:
    address = cloud.boot()

    async def log_in() -> None:
        async with cloud.connect(address, username=user):
            pytest.fail("was let in")

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(log_in())


def test_sftp_paths_start_at_home_as_those_of_commands_do(cloud: Cloud) -> None:
    address = cloud.boot()
    _with_sftp(cloud, address, lambda sftp: _write(sftp, "folder/file", b"content"))
    assert cloud.run(address, "cat folder/file").stdout == "content"


def test_sftp_takes_an_absolute_path_as_a_command_sees_it_or_from_the_root_of_the_server(cloud: Cloud) -> None:
    address = cloud.boot()
    _with_sftp(cloud, address, lambda sftp: _write(sftp, f"{cloud.home()}/one", b"1"))
    _with_sftp(cloud, address, lambda sftp: _write(sftp, "/home/stageline/two", b"2"))
    assert cloud.run(address, "cat one two").stdout == "12"


def test_sftp_does_not_leave_the_folder_of_the_server(cloud: Cloud) -> None:
    address = cloud.boot()
    _with_sftp(cloud, address, lambda sftp: _write(sftp, "../../../../escaped", b"x"))
    assert (cloud.root / "i-1/escaped").read_bytes() == b"x"
    assert not (cloud.root / "escaped").exists()


def test_a_server_can_be_the_bastion_of_another(cloud: Cloud) -> None:
    bastion, private = cloud.boot("i-1"), cloud.boot("i-2")

    async def through() -> str:
        async with cloud.connect(bastion) as tunnel, cloud.connect(private, tunnel=tunnel) as connection:
            return str((await connection.run("hostname -I")).stdout)

    assert asyncio.run(through()).split() == [private]


def test_a_stopped_server_answers_nobody_and_runs_nothing_not_even_a_daemon(cloud: Cloud) -> None:
    address = cloud.boot()
    cloud.run(address, "(setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $! > daemon); wait")
    pid = int((cloud.home() / "daemon").read_text())
    cloud.servers.stop("i-1")
    assert not runs(pid)
    with pytest.raises(ConnectionRefusedError):
        cloud.run(address, "true")


def test_a_started_server_brings_back_enabled_units_but_does_not_run_the_user_data_again(cloud: Cloud) -> None:
    address = cloud.boot()
    _install_unit(cloud)
    assert cloud.run(address, "systemctl --user enable --now app").code == 0
    cloud.servers.stop("i-1")
    cloud.servers.start("i-1")
    eventually(lambda: cloud.state("i-1") == "running")
    eventually(lambda: (cloud.home() / "starts").read_text() == "up\nup\n")
    assert cloud.run(address, "systemctl --user is-active app").stdout == "active\n"
    assert len((cloud.root / "i-1/boots").read_text().splitlines()) == 1


def test_units_of_a_user_who_does_not_linger_stay_down_after_a_start(cloud: Cloud) -> None:
    address = cloud.boot()
    _install_unit(cloud)
    cloud.run(address, "systemctl --user enable app; loginctl disable-linger")
    cloud.servers.stop("i-1")
    cloud.servers.start("i-1")
    eventually(lambda: cloud.state("i-1") == "running")
    assert cloud.run(address, "systemctl --user is-active app").stdout == "inactive\n"


def test_a_terminated_server_is_gone_with_its_folder(cloud: Cloud) -> None:
    cloud.boot()
    cloud.servers.terminate("i-1")
    assert cloud.servers.status() == []
    assert not (cloud.root / "i-1").exists()
    with pytest.raises(UnknownServer, match="no server 'i-1' here"):
        cloud.servers.stop("i-1")


def test_a_server_can_be_stopped_while_it_boots(cloud: Cloud) -> None:
    cloud.servers.boot("i-1", "127.0.0.1", "#!/bin/sh\ntouch $STAGELINE_ROOT/began\nexec sleep 300\n", None)
    eventually(lambda: (cloud.root / "i-1/began").exists())
    cloud.servers.terminate("i-1")
    assert not (cloud.root / "i-1").exists()


def test_a_server_can_be_terminated_at_the_very_moment_of_its_boot(cloud: Cloud) -> None:
    for number in range(10):
        cloud.servers.boot(f"i-{number}", "127.0.0.1", "#!/bin/sh\nexec sleep 300\n", None)
        cloud.servers.terminate(f"i-{number}")
    assert cloud.servers.status() == []


def test_close_ends_every_process_of_every_server(tmp_path: Path) -> None:
    servers = Servers(tmp_path / "servers", tmp_path / "control.sock", sys.executable)
    for name in ("i-1", "i-2"):
        servers.boot(name, "127.0.0.1", "#!/bin/sh\nsleep 300 & echo $! > pid.new; mv pid.new pid; wait\n", None)
    files = [tmp_path / "servers" / name / "pid" for name in ("i-1", "i-2")]
    eventually(lambda: all(file.exists() for file in files))
    servers.close()
    assert not any(runs(int(file.read_text())) for file in files)


def _install_unit(cloud: Cloud) -> None:
    folder = cloud.home() / ".config/systemd/user"
    folder.mkdir(parents=True)
    (folder / "app.service").write_text(UNIT)


def _with_sftp(cloud: Cloud, address: str, work: Callable[[asyncssh.SFTPClient], Any]) -> None:
    async def connected() -> None:
        async with cloud.connect(address) as connection, connection.start_sftp_client() as sftp:
            await work(sftp)

    asyncio.run(connected())


async def _write(sftp: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    await sftp.makedirs(os.path.dirname(path) or ".", exist_ok=True)  # noqa: PTH120 (a path on the server)
    async with sftp.open(path, "wb") as file:
        await file.write(content)
