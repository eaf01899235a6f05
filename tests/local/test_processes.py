"""No process of the cloud outlives it, and no stranger is ever ended."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.processes import MARK, SERVER_MARK, Process, descendants, end, end_marked, marked, read_process

STUBBORN = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
PATIENT = "import signal; print('up', flush=True); signal.pause()"
WITH_CHILD = "import subprocess, sys; c = subprocess.Popen(['sleep', '60']); print(c.pid, flush=True); c.wait()"


@pytest.fixture
def strangers(tmp_path: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Processes that a careless search would take for the cloud's."""
    marks: list[dict[str, str]] = [{}, {MARK: f"{tmp_path}-other"}, {SERVER_MARK: f"{tmp_path}/elsewhere"}]
    processes = [sleeping(mark) for mark in marks]
    processes.append(subprocess.Popen(["sh", "-c", "sleep 60", str(tmp_path)], cwd=tmp_path, start_new_session=True))
    yield processes
    for process in processes:
        os.killpg(process.pid, 9)
        process.wait()


def test_what_carries_the_mark_is_ended_and_nobody_else(
    tmp_path: Path, strangers: list["subprocess.Popen[bytes]"]
) -> None:
    own = [sleeping({MARK: str(tmp_path)}), sleeping({SERVER_MARK: f"{tmp_path}/servers/i-1"})]
    assert end_marked(tmp_path) == 2
    assert [process.wait(5) < 0 for process in own] == [True, True]
    assert [process.poll() for process in strangers] == [None] * 4


def test_a_marked_process_is_found_after_its_parent_is_gone_and_its_session_left(tmp_path: Path) -> None:
    environment = {**os.environ, MARK: str(tmp_path)}
    command = f'setsid {sys.executable} -c "{PATIENT}" &'
    parent = subprocess.Popen(["sh", "-c", command], env=environment, stdout=subprocess.PIPE)
    assert parent.stdout
    parent.stdout.readline()  # a process that is just being executed shows no environment
    assert parent.wait(5) == 0
    assert end_marked(tmp_path) == 1
    assert marked(tmp_path) == []
    parent.stdout.close()


def test_a_process_that_started_at_another_time_is_a_stranger() -> None:
    sleeper = sleeping({})
    now = process(sleeper.pid)
    end([replace(now, started=now.started - 1)])
    assert sleeper.poll() is None
    end([now])
    assert sleeper.wait(5) < 0


def test_a_group_ends_with_its_recorded_leader(tmp_path: Path) -> None:
    leader = subprocess.Popen([sys.executable, "-c", WITH_CHILD], stdout=subprocess.PIPE, start_new_session=True)
    assert leader.stdout
    child = int(leader.stdout.readline())
    end([process(leader.pid)])
    leader.wait(5)
    leader.stdout.close()
    assert gone(child)


def test_a_process_that_ignores_polite_signals_is_ended_by_force() -> None:
    stubborn = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True)
    assert stubborn.stdout
    stubborn.stdout.readline()
    end([process(stubborn.pid)])
    assert stubborn.wait(5) < 0
    stubborn.stdout.close()


def test_descendants_are_found_with_their_own_descendants() -> None:
    parent = subprocess.Popen([sys.executable, "-c", WITH_CHILD], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout
    child = int(parent.stdout.readline())
    found = {one.pid for one in descendants(os.getpid())}
    end([process(parent.pid)])
    parent.wait(5)
    parent.stdout.close()
    assert {parent.pid, child} <= found


def sleeping(mark: dict[str, str]) -> "subprocess.Popen[bytes]":
    """A process that sleeps, once the kernel shows its environment: that comes a moment after its start."""
    sleeper = subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], **mark}, start_new_session=True)
    while not Path(f"/proc/{sleeper.pid}/environ").read_bytes():
        os.sched_yield()
    return sleeper


def gone(pid: int) -> bool:
    """Whether a process that was signalled ends: nobody here can wait for another's child."""
    end = time.monotonic() + 5
    while (left := read_process(pid)) and not left.zombie and time.monotonic() < end:
        os.sched_yield()
    return left is None or left.zombie


def process(pid: int) -> Process:
    found = read_process(pid)
    assert found
    return found
