"""How large a server is, what it uses of that, and what happens when that is too much."""

from pathlib import Path

import pytest

from local.servers.machine import Machine
from local.servers.usage import Meter, ProcessUse, percent
from tests.local.servers.small_cloud import Cloud, eventually, new_address, runs

TINY = Machine(type="t3.tiny", vcpus=3, memory_mib=64, disk_gib=1)


def use(pid: int, cpu_seconds: float, memory_bytes: int = 0, *, started: int = 1) -> ProcessUse:
    return ProcessUse(
        pid=pid, started=started, name="app", invocation="", cpu_seconds=cpu_seconds, memory_bytes=memory_bytes
    )


def test_load_is_what_was_used_between_two_looks() -> None:
    meter = Meter(looked=100.0)
    meter.look([use(1, 4.0)], 102.0)
    meter.look([use(1, 5.0), use(2, 2.0)], 104.0)
    assert meter.load == 1.5


def test_the_mean_load_counts_all_looks_since_it_was_asked_last() -> None:
    meter = Meter(looked=100.0)
    meter.look([use(1, 4.0)], 102.0)
    meter.look([], 104.0)
    assert meter.mean_load(104.0) == 1.0
    assert meter.mean_load(105.0) == 0.0


def test_a_new_process_with_an_old_number_is_another_one() -> None:
    meter = Meter(looked=0.0)
    meter.look([use(1, 4.0)], 1.0)
    meter.look([use(1, 1.0, started=2)], 2.0)
    assert meter.load == 1.0


def test_memory_is_that_of_the_last_look() -> None:
    meter = Meter(looked=0.0)
    meter.look([use(1, 0, 10), use(2, 0, 5)], 1.0)
    assert meter.memory_bytes == 15


@pytest.mark.parametrize(("part", "whole", "shown"), [(1, 3, 33.3), (5, 4, 100.0), (0, 4, 0.0)])
def test_a_percentage_is_rounded_and_never_above_100(part: float, whole: float, shown: float) -> None:
    assert percent(part, whole) == shown


def boot_tiny(cloud: Cloud) -> str:
    address = new_address()
    cloud.servers.boot("i-1", address, cloud.user_data(), None, TINY)
    eventually(lambda: cloud.state("i-1") == "running")
    return address


@pytest.mark.enable_socket
def test_a_server_sees_the_size_of_its_type(cloud: Cloud) -> None:
    address = boot_tiny(cloud)
    assert cloud.run(address, "nproc; nproc --ignore=1; nproc --ignore=9").stdout.split() == ["3", "2", "1"]
    total, used = cloud.run(address, "free -m").stdout.splitlines()[1].split()[1:3]
    assert total == "64"
    assert 0 < int(used) < 64


@pytest.mark.enable_socket
def test_free_counts_the_memory_of_the_servers_own_processes(cloud: Cloud) -> None:
    address = boot_tiny(cloud)
    hold = 'import signal; x = b"x" * (20 << 20); open("held", "w"); signal.pause()'
    cloud.run(address, f"nohup python3 -c '{hold}' >/dev/null 2>&1 &")
    eventually((cloud.home() / "held").exists)
    shown = cloud.run(address, "free -b").stdout
    assert int(shown.splitlines()[1].split()[2]) > 20 << 20


@pytest.mark.enable_socket
def test_metrics_tell_what_is_used_in_percent_of_what_there_is(cloud: Cloud) -> None:
    address = boot_tiny(cloud)
    cloud.run(address, "head -c 104857600 /dev/zero > big; nohup sh -c 'while :; do :; done' >/dev/null 2>&1 &")
    cloud.servers.metrics()
    busy: list[float] = []

    def is_busy() -> bool:
        [metrics] = cloud.servers.metrics()
        busy.append(metrics["cpu_percent"])
        return 5 < busy[-1] <= 100

    eventually(is_busy)
    [metrics] = cloud.servers.metrics()
    assert metrics["instance_id"] == "i-1"
    assert 0 < metrics["memory_percent"] < 100
    assert 9.7 < metrics["disk_percent"] < 11


@pytest.mark.enable_socket
def test_a_server_that_is_off_has_no_metrics(cloud: Cloud) -> None:
    boot_tiny(cloud)
    cloud.servers.stop("i-1")
    assert cloud.servers.metrics() == []


@pytest.mark.enable_socket
def test_status_tells_the_size_and_what_is_used(cloud: Cloud) -> None:
    boot_tiny(cloud)
    status = cloud.status("i-1")
    assert (status["type"], status["vcpus"], status["memory_mib"]) == ("t3.tiny", 3, 64)
    assert {"cpu_percent", "memory_used_mib"} <= status.keys()


GREEDY = "import signal; small = bytes(1 << 20); large = b'x' * (80 << 20); signal.pause()"
UNIT = f'[Service]\nExecStart=python3 -c "{GREEDY}"\nRestart=no\n'


@pytest.mark.enable_socket
def test_a_unit_that_uses_more_memory_than_there_is_is_killed_and_everybody_is_told(cloud: Cloud) -> None:
    address = boot_tiny(cloud)
    sleeper = start_a_sleeper(cloud, address)
    folder = cloud.home() / ".config/systemd/user"
    folder.mkdir(parents=True)
    (folder / "greedy.service").write_text(UNIT)
    cloud.run(address, "systemctl --user start greedy")
    eventually(lambda: bool(cloud.status("i-1")["out_of_memory"]))
    eventually(lambda: cloud.run(address, "systemctl --user is-failed greedy").code == 0)
    assert cloud.run(address, "systemctl --user show greedy -p Result --value").stdout == "oom-kill\n"
    [line] = cloud.status("i-1")["out_of_memory"]
    assert line.startswith("Out of memory: killed process ")
    assert line.endswith(", as t3.tiny has 64 MiB")
    assert line in cloud.run(address, "journalctl --user -u greedy").stdout
    assert line in cloud.run(address, "journalctl -k").stdout
    assert runs(sleeper)


def start_a_sleeper(cloud: Cloud, address: str) -> int:
    cloud.run(address, "nohup sleep 300 >/dev/null 2>&1 & echo $! > sleeper")
    return int(Path(cloud.home() / "sleeper").read_text())
