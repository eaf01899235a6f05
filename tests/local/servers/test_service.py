"""One unit's process: what starts it, what starts it again, and how it ends."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.servers.disk import Disk
from local.servers.journal import Journal
from local.servers.service import Service
from local.servers.units import parse
from tests.local.servers.small_cloud import eventually, runs


class Services:
    """Makes services that write into one folder, and stops them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: list[Service] = []

    def make(self, script: str, *lines: str) -> Service:
        (self.folder / "script").write_text(script)
        text = "\n".join(["[Service]", "ExecStart=sh script", *lines])
        environment = {"PATH": "/usr/bin:/bin"}
        disk = Disk(self.folder, "STAGELINE_ROOT=nowhere")
        journal = Journal(self.folder / "journal", disk)
        service = Service(parse("a.service", text, {}), environment, self.folder, journal, disk)
        self._made.append(service)
        return service

    def lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def stop(self) -> None:
        for service in self._made:
            service.stop()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path)
    yield made
    made.stop()


def test_a_started_service_runs_with_its_environment_and_writes_to_the_journal(services: Services) -> None:
    service = services.make("echo $NAME; echo oops >&2; exec sleep 300", "Environment=NAME=app")
    assert service.start()
    eventually(lambda: services.lines("journal") == ["app", "oops"])
    assert service.state == ("active", "running")
    assert service.pid > 0


def test_a_second_start_changes_nothing(services: Services) -> None:
    service = services.make("exec sleep 300")
    service.start()
    first = service.pid
    assert service.start()
    assert service.pid == first


def test_stop_gives_the_service_the_chance_to_end_well(services: Services) -> None:
    service = services.make("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done")
    service.start()
    eventually(lambda: services.lines("journal") == ["up"])
    service.stop()
    assert services.lines("journal")[-1] == "bye"
    assert service.state == ("inactive", "dead")


def test_stop_kills_what_does_not_end_within_its_time(services: Services) -> None:
    service = services.make("trap '' TERM; echo up; while :; do sleep 0.01; done", "TimeoutStopSec=100ms")
    service.start()
    eventually(lambda: services.lines("journal") == ["up"])
    pid = service.pid
    service.stop()
    assert not Path(f"/proc/{pid}").exists()


def test_stop_ends_children_that_left_the_session(services: Services) -> None:
    service = services.make("setsid sleep 300 & echo $!; exec sleep 300")
    service.start()
    eventually(lambda: len(services.lines("journal")) == 1)
    child = int(services.lines("journal")[0])
    service.stop()
    eventually(lambda: not runs(child))


@pytest.mark.parametrize(
    ("policy", "end", "again"),
    [
        ("no", "exit 1", False),
        ("on-failure", "exit 1", True),
        ("on-failure", "exit 0", False),
        ("on-failure", "kill -KILL $$", True),
        ("on-failure", "kill -TERM $$", False),
        ("on-success", "exit 0", True),
        ("on-abnormal", "exit 1", False),
        ("on-abnormal", "kill -KILL $$", True),
        ("always", "exit 0", True),
    ],
)
def test_a_service_is_started_again_as_its_unit_says(services: Services, policy: str, end: str, again: bool) -> None:
    script = f"echo start >> starts; test $(wc -l < starts) -gt 1 && exec sleep 300; {end}"
    service = services.make(script, f"Restart={policy}", "RestartSec=10ms")
    service.start()
    eventually(lambda: services.lines("starts") == ["start"] * 2 if again else not service.active)
    assert len(services.lines("starts")) == (2 if again else 1)


def test_a_service_that_ended_badly_is_failed_and_keeps_its_exit_code(services: Services) -> None:
    service = services.make("exit 3")
    service.start()
    eventually(lambda: not service.active)
    assert (service.state, service.result, service.exit_code) == (("failed", "failed"), "exit-code", 3)
    service.reset_failed()
    assert service.state == ("inactive", "dead")


def test_a_service_that_fails_five_times_is_given_up(services: Services) -> None:
    service = services.make("echo start >> starts; exit 1", "Restart=always", "RestartSec=1ms")
    service.start()
    eventually(lambda: service.result == "start-limit-hit")
    assert len(services.lines("starts")) == 5


def test_a_stop_ends_the_waiting_for_the_next_start(services: Services) -> None:
    service = services.make("exit 1", "Restart=always", "RestartSec=1h")
    service.start()
    eventually(lambda: service.state == ("activating", "auto-restart"))
    service.stop()
    assert not service.active


def test_a_program_that_is_not_there_fails_the_service_and_is_named_in_the_journal(services: Services) -> None:
    service = services.make("", "ExecStart=", "ExecStart=no-such-program")
    service.start()
    assert (service.state[0], service.exit_code) == ("failed", 203)
    assert "cannot start no-such-program" in services.lines("journal")[0]


def test_a_oneshot_has_run_when_its_start_returns(services: Services) -> None:
    service = services.make("echo done", "Type=oneshot")
    assert service.start()
    assert (services.lines("journal"), service.state) == (["done"], ("inactive", "dead"))


def test_a_oneshot_that_fails_fails_its_start(services: Services) -> None:
    service = services.make("exit 1", "Type=oneshot")
    assert not service.start()
    assert service.state == ("failed", "failed")


def test_what_must_run_before_keeps_the_service_from_starting_when_it_fails(services: Services) -> None:
    service = services.make("echo never >> starts", "ExecStartPre=false")
    service.start()
    assert service.state == ("failed", "failed")
    assert services.lines("starts") == []


def test_a_oneshot_under_way_can_be_stopped(services: Services) -> None:
    service = services.make("echo up; exec sleep 300", "Type=oneshot")
    starting = threading.Thread(target=service.start)
    starting.start()
    eventually(lambda: services.lines("journal") == ["up"])
    service.stop()
    starting.join()
    assert service.state == ("inactive", "dead")


def test_a_process_killed_from_outside_is_seen(services: Services) -> None:
    service = services.make("exec sleep 300")
    service.start()
    os.kill(service.pid, signal.SIGKILL)
    eventually(lambda: service.state == ("failed", "failed"))
    assert service.result == "signal"


def test_a_service_whose_condition_does_not_hold_is_left_alone_without_a_failure(services: Services) -> None:
    service = services.make("exec sleep 300", "[Unit]", f"ConditionPathExists={services.folder}/slot")
    assert service.start()
    assert (service.state, service.condition_met) == (("inactive", "dead"), False)
    (services.folder / "slot").touch()
    assert service.start()
    assert (service.state, service.condition_met) == (("active", "running"), True)


def test_without_a_start_limit_a_service_is_restarted_for_ever(services: Services) -> None:
    lines = ("Restart=on-failure", "RestartSec=1ms", "[Unit]", "StartLimitIntervalSec=0")
    service = services.make("exit 1", *lines)
    service.start()
    eventually(lambda: service.restarts > 8)


def test_more_starts_than_the_limit_are_refused_until_the_failure_is_reset(services: Services) -> None:
    service = services.make("exit 1", "Type=oneshot", "[Unit]", "StartLimitBurst=2", "StartLimitIntervalSec=1h")
    for _ in range(3):
        assert not service.start()
    assert service.result == "start-limit-hit"
    assert "repeated too quickly" in services.lines("journal")[-1]
    service.reset_failed()
    assert not service.start()
    assert service.result == "exit-code"
