"""What a server suffers from on purpose: with its real effect, and as before when it is lifted."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from local.errors import CloudError
from local.faults import Fault
from local.servers.faults import KINDS, ServerFaults
from tests.local.servers.small_cloud import Cloud, eventually, runs

pytestmark = pytest.mark.enable_socket

SERVE = "[Service]\nExecStart=python3 -m http.server 8081 --bind {address}\n[Install]\nWantedBy=default.target\n"


WRITE = """
import os, time
log = os.open("log", os.O_CREAT | os.O_WRONLY)
while True:
    try:
        os.write(log, b"x" * 99)
    except OSError:
        open("failed", "w")
    time.sleep(0.01)
"""


class Broken:
    """A server with a unit that serves a port, and its faults."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.address = cloud.boot()
        self.faults = ServerFaults(cloud.servers, lambda target: {"web": "i-1"}[target])
        folder = cloud.home() / ".config/systemd/user"
        folder.mkdir(parents=True)
        (folder / "app.service").write_text(SERVE.format(address=self.address))
        assert cloud.run(self.address, "systemctl --user enable --now app").code == 0
        eventually(self.serves)

    def inject(self, kind: str) -> Fault:
        fault = Fault(id=f"f-{kind}", kind=kind, target="web")
        self.faults.inject(fault)
        return fault

    def lift(self, kind: str) -> None:
        self.faults.lift(Fault(id=f"f-{kind}", kind=kind, target="web"))

    def serves(self) -> bool:
        try:
            return self.ask(8081, b"GET / HTTP/1.0\r\n\r\n", within=1.0).startswith(b"HTTP/1.0 200")
        except (ConnectionRefusedError, TimeoutError):
            return False

    def answers(self) -> bool:
        try:
            return self.cloud.run(self.address, "echo in").stdout == "in\n"
        except OSError:
            return False

    def ask(self, port: int, data: bytes = b"", *, within: float = 0.3) -> bytes:
        """What the port says. Raises TimeoutError when it accepts and says nothing."""
        with socket.create_connection((self.address, port), timeout=within) as connection:
            connection.sendall(data)
            return connection.recv(100)

    def app(self) -> int:
        return next(int(unit["pid"]) for unit in self.cloud.status("i-1")["units"] if unit["name"] == "app.service")


@pytest.fixture
def broken(cloud: Cloud) -> Iterator[Broken]:
    yield Broken(cloud)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_shows_in_the_status_and_is_gone_from_it_when_lifted(broken: Broken, kind: str) -> None:
    broken.inject(kind)
    assert broken.cloud.status("i-1")["faults"] == [kind]
    assert broken.cloud.state("i-1") == "faulty"
    broken.lift(kind)
    eventually(lambda: broken.cloud.state("i-1") == "running")
    eventually(broken.answers)
    eventually(broken.serves)


def test_a_server_without_power_runs_nothing_and_boots_when_it_has_it_again(broken: Broken) -> None:
    app = broken.app()
    broken.inject("stop")
    assert not runs(app)
    for port in (2222, 8081):
        with pytest.raises(ConnectionRefusedError):
            broken.ask(port)
    broken.lift("stop")
    eventually(broken.serves)
    assert broken.app() != app


def test_aws_cannot_start_a_server_without_power(broken: Broken) -> None:
    broken.inject("stop")
    broken.cloud.servers.stop("i-1")
    broken.cloud.servers.start("i-1")
    assert broken.cloud.status("i-1")["power"] == "stopped"
    broken.lift("stop")
    eventually(broken.serves)


def test_a_server_that_aws_has_stopped_meanwhile_stays_off_when_it_has_power_again(broken: Broken) -> None:
    broken.inject("stop")
    broken.cloud.servers.stop("i-1")
    broken.lift("stop")
    assert broken.cloud.state("i-1") == "stopped"


@pytest.mark.parametrize("port", [2222, 8081])
def test_a_hanging_server_accepts_and_says_nothing(broken: Broken, port: int) -> None:
    broken.inject("hang")
    with pytest.raises(TimeoutError):
        broken.ask(port, b"GET / HTTP/1.0\r\n\r\n")


def test_the_same_processes_go_on_when_a_server_hangs_no_more(broken: Broken) -> None:
    app = broken.app()
    broken.inject("hang")
    broken.lift("hang")
    assert broken.serves()
    assert broken.app() == app


def test_who_is_logged_in_on_a_hanging_server_gets_no_answer_until_it_goes_on(broken: Broken) -> None:
    async def ask() -> str:
        async with broken.cloud.connect(broken.address) as connection:
            await asyncio.to_thread(broken.inject, "hang")
            asked = asyncio.ensure_future(connection.run("echo in"))
            done, _ = await asyncio.wait([asked], timeout=0.3)
            assert not done
            await asyncio.to_thread(broken.lift, "hang")
            return str((await asked).stdout)

    assert asyncio.run(ask()) == "in\n"


def test_a_hanging_server_can_be_stopped_and_terminated(broken: Broken) -> None:
    app = broken.app()
    broken.inject("hang")
    broken.cloud.servers.terminate("i-1")
    assert not runs(app)
    broken.lift("hang")


def test_a_refusing_server_runs_what_is_no_unit_and_has_its_units_back_afterwards(broken: Broken) -> None:
    broken.cloud.run(broken.address, "nohup sleep 300 >/dev/null 2>&1 & echo $! > pid")
    broken.inject("refuse")
    for port in (2222, 8081):
        with pytest.raises(ConnectionRefusedError):
            broken.ask(port)
    assert runs(int((broken.cloud.home() / "pid").read_text()))
    broken.lift("refuse")
    eventually(broken.serves)
    assert broken.answers()


def test_a_server_that_reboots_while_it_refuses_comes_back_when_it_accepts_again(broken: Broken) -> None:
    broken.inject("refuse")
    broken.cloud.servers.reboot("i-1")
    eventually(lambda: broken.cloud.status("i-1")["power"] == "running")
    with pytest.raises(ConnectionRefusedError):
        broken.ask(2222)
    broken.lift("refuse")
    eventually(broken.serves)


def test_the_programs_of_a_slow_server_stand_still_most_of_the_time_but_get_on(broken: Broken) -> None:
    count = "nohup sh -c 'i=0; while :; do i=$((i+1)); echo $i > count; done' >/dev/null 2>&1 & echo $! > pid"
    broken.cloud.run(broken.address, count)
    pid = int((broken.cloud.home() / "pid").read_text())
    eventually(lambda: counted(broken) > 0)
    broken.inject("slow")
    eventually(lambda: stands_still(pid))
    seen = counted(broken)
    eventually(lambda: counted(broken) > seen)
    eventually(lambda: stands_still(pid))
    broken.lift("slow")
    assert not stands_still(pid)


def stands_still(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def counted(broken: Broken) -> int:
    """How far it has come; 0 before it wrote for the first time, and while it writes."""
    file = broken.cloud.home() / "count"
    return int(file.read_text() or 0) if file.exists() else 0


def test_a_slow_server_answers_a_login_late(broken: Broken) -> None:
    broken.inject("slow")

    async def log_in() -> None:
        async with asyncio.timeout(0.5), broken.cloud.connect(broken.address):
            pytest.fail("was let in at once")

    with pytest.raises(TimeoutError):
        asyncio.run(log_in())
    broken.lift("slow")
    assert broken.answers()


def test_nothing_can_be_written_on_a_full_disk_by_what_starts_then(broken: Broken) -> None:
    broken.inject("fill")
    assert broken.cloud.run(broken.address, "echo much > new").code != 0
    broken.lift("fill")
    assert broken.cloud.run(broken.address, "echo much > new; cat new").stdout == "much\n"


def test_nothing_can_be_written_on_a_full_disk_by_what_runs_already(broken: Broken) -> None:
    (broken.cloud.home() / "write.py").write_text(WRITE)
    broken.cloud.run(broken.address, "nohup python3 write.py >/dev/null 2>&1 &")
    log = broken.cloud.home() / "log"
    eventually(lambda: log.exists() and log.stat().st_size > 0)
    broken.inject("fill")
    eventually((broken.cloud.home() / "failed").exists)
    full = log.stat().st_size
    broken.lift("fill")
    eventually(lambda: log.stat().st_size > full)


def test_sftp_writes_nothing_to_a_full_disk(broken: Broken) -> None:
    broken.inject("fill")

    async def write() -> None:
        async with (
            broken.cloud.connect(broken.address) as connection,
            connection.start_sftp_client() as sftp,
            sftp.open("new", "wb") as file,
        ):
            await file.write(b"much")

    with pytest.raises(asyncssh.SFTPError, match="No space left"):
        asyncio.run(write())


def test_a_running_release_survives_a_full_disk_though_it_prints(broken: Broken) -> None:
    app = broken.app()
    broken.inject("fill")
    assert broken.serves()
    assert broken.serves()
    assert broken.app() == app


def test_a_full_disk_shows_in_the_metrics(broken: Broken) -> None:
    broken.inject("fill")
    assert broken.cloud.servers.metrics()[0]["disk_percent"] == 100.0


def test_a_server_that_is_off_cannot_be_broken(broken: Broken) -> None:
    broken.cloud.servers.stop("i-1")
    with pytest.raises(CloudError, match="i-1 is stopped: start it before you break it"):
        broken.inject("hang")


def test_hanging_and_slow_exclude_each_other(broken: Broken) -> None:
    broken.inject("hang")
    with pytest.raises(CloudError, match="i-1 has another fault, hang: clear that one first"):
        broken.inject("slow")
