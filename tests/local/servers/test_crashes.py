"""A part of a server that ends by itself is seen in the status, and nobody waits for it."""

from pathlib import Path
from typing import Any

import pytest

from local.servers.loop import LoopCrashed, LoopThread, end_all_tasks
from tests.local.servers.small_cloud import Cloud, eventually

pytestmark = pytest.mark.enable_socket


async def _exit() -> None:
    raise SystemExit


async def _nothing() -> None:
    """Done at once."""


def test_nobody_waits_for_a_loop_that_has_crashed() -> None:
    loop = LoopThread()
    for work in (_exit(), _nothing()):
        with pytest.raises((LoopCrashed, SystemExit)):
            loop.run(work)
    assert not loop.lives
    loop.close()


def test_a_command_ends_with_the_loop_that_carries_it(cloud: Cloud, tmp_path: Path) -> None:
    address = cloud.boot()
    server: Any = cloud.servers.server("i-1")
    pid = tmp_path / "pid"

    async def begin() -> None:
        connection = await cloud.connect(address)
        await connection.create_process(f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 300")

    server._loop.run(begin())
    eventually(pid.exists)
    server._loop.run(end_all_tasks())
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


def test_a_crash_of_the_ssh_part_shows_on_every_server_and_they_can_still_be_stopped(cloud: Cloud) -> None:
    cloud.boot("i-1")
    cloud.boot("i-2")
    loop: Any = cloud.servers.server("i-1")
    with pytest.raises((LoopCrashed, SystemExit)):
        loop._loop.run(_exit())
    assert [cloud.state(name) for name in ("i-1", "i-2")] == ["crashed", "crashed"]
    assert "run local-cloud down, then up" in cloud.status("i-1")["error"]
    cloud.servers.stop("i-1")
    assert cloud.state("i-1") == "stopped"


def test_a_door_that_closes_by_itself_shows_and_a_reboot_opens_it(cloud: Cloud) -> None:
    address = cloud.boot()
    server: Any = cloud.servers.server("i-1")

    async def close() -> None:
        server.door._acceptor.close()

    server._loop.run(close())
    assert cloud.state("i-1") == "crashed"
    assert "reboot i-1" in cloud.status("i-1")["error"]
    cloud.servers.reboot("i-1")
    eventually(lambda: cloud.state("i-1") == "running")
    assert cloud.run(address, "echo in").stdout == "in\n"


def test_a_unit_that_nobody_watches_any_more_shows(cloud: Cloud) -> None:
    address = cloud.boot()
    folder = cloud.home() / ".config/systemd/user"
    folder.mkdir(parents=True)
    (folder / "app.service").write_text("[Service]\nExecStart=sleep 300\n")
    cloud.run(address, "systemctl --user start app")
    service: Any = cloud.servers.server("i-1").user_manager("stageline").service("app.service")
    service._end_the_rest = _broken
    service._process.kill()
    eventually(lambda: cloud.state("i-1") == "crashed")
    assert cloud.status("i-1")["error"] == "app.service is not watched any more: no memory"
    del service._end_the_rest


def _broken() -> None:
    raise OSError("no memory")
