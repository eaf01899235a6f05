"""A process is known by boot, process space, number and start; of any other one nothing is said."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from release.process.processes import Process, Processes

PID = 4711
NAME = "a (bad) na me"  # a program may call itself anything


class Machine:
    """A folder like /proc, and who has which number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hidden: set[int] = set()
        self.processes = Processes(folder, kill=self.kill)
        (folder / "sys/kernel/random").mkdir(parents=True)
        (folder / "sys/kernel/random/boot_id").write_text("boot-1\n")
        (folder / str(os.getpid()) / "ns").mkdir(parents=True)
        (folder / str(os.getpid()) / "ns" / "pid").symlink_to("pid:[1]")
        (folder / "self").symlink_to(str(os.getpid()))

    def run(self, pid: int, *, began: int = 500, state: str = "S") -> None:
        (self.folder / str(pid)).mkdir(exist_ok=True)
        fields = [state, *["0"] * 18, str(began), "0"]
        (self.folder / str(pid) / "cmdline").write_bytes(b"/opt/bin/pulumi\0--token\0secret\0")
        (self.folder / str(pid) / "stat").write_text(f"{pid} ({NAME}) {' '.join(fields)}\n")

    def kill(self, pid: int, number: int) -> None:
        if pid in self.hidden:
            raise PermissionError
        raise ProcessLookupError


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def process(machine: Machine) -> Process:
    machine.run(PID)
    found = machine.processes.find(PID)
    assert found == Process(pid=PID, began=500, boot="boot-1", space="pid:[1]")
    return found


def end(machine: Machine) -> None:
    (machine.folder / str(PID) / "stat").unlink()


def becomes_a_zombie(machine: Machine) -> None:
    machine.run(PID, state="Z")


def gives_its_number_away(machine: Machine) -> None:
    machine.run(PID, began=900)


def is_hidden(machine: Machine) -> None:
    end(machine)
    machine.hidden.add(PID)


def sees_another_space(machine: Machine) -> None:
    """As where the host's /proc is mounted into a container."""
    end(machine)
    (machine.folder / "self").unlink()
    (machine.folder / "self").symlink_to("1")


def has_no_proc(machine: Machine) -> None:
    end(machine)
    (machine.folder / "self").unlink()


@pytest.mark.parametrize(
    ("happens", "running", "gone"),
    [
        pytest.param(lambda machine: None, True, False, id="at-work"),
        pytest.param(end, False, True, id="ended"),
        pytest.param(becomes_a_zombie, False, True, id="zombie"),
        pytest.param(gives_its_number_away, False, True, id="number-given-again"),
        pytest.param(is_hidden, False, False, id="hidden"),
        pytest.param(sees_another_space, False, False, id="proc-of-another-space"),
        pytest.param(has_no_proc, False, False, id="no-proc"),
    ],
)
def test_running_and_gone_are_said_only_where_they_are_proven(
    machine: Machine, process: Process, happens: Callable[[Machine], None], running: bool, gone: bool
) -> None:
    happens(machine)
    assert (machine.processes.is_running(process), machine.processes.is_gone(process)) == (running, gone)


@pytest.mark.parametrize(
    ("happens", "may"),
    [(becomes_a_zombie, False), (end, False), (is_hidden, True), (gives_its_number_away, True)],
    ids=["zombie", "ended", "hidden", "number-given-again"],
)
def test_a_number_may_be_at_work_unless_nobody_has_it(
    machine: Machine, process: Process, happens: Callable[[Machine], None], may: bool
) -> None:
    happens(machine)
    assert machine.processes.may_run(PID) is may


def test_a_program_is_named_without_its_place_and_arguments(machine: Machine, process: Process) -> None:
    assert (machine.processes.program(PID), machine.processes.program(PID + 1)) == ("pulumi", "")


@pytest.mark.parametrize("elsewhere", [{"boot": "boot-2"}, {"space": "pid:[2]"}], ids=["boot", "space"])
def test_of_a_process_of_another_boot_or_space_nothing_is_said(
    machine: Machine, process: Process, elsewhere: dict[str, Any]
) -> None:
    other = replace(process, **elsewhere)
    for happens in (lambda machine: None, end):
        happens(machine)
        assert not machine.processes.is_running(other)
        assert not machine.processes.is_gone(other)


def test_a_real_process_is_found_running_and_then_gone() -> None:
    processes = Processes()
    with subprocess.Popen(["sleep", "60"]) as started:
        found, began = processes.find(started.pid), processes.began_at(started.pid)
        assert found is not None
        assert processes.is_running(found)
        assert began is not None
        assert abs(datetime.now(UTC) - began) < timedelta(seconds=5)
        started.kill()
    assert processes.is_gone(found)
    assert processes.find(started.pid) is None
