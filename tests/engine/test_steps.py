"""Parts of a set-up: shown, logged, done once, and never two at a time."""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.steps import SetupFailed, alone, done, mark_done, run


def test_a_part_is_done_only_for_the_input_it_was_done_with(tmp_path: Path) -> None:
    stamp = tmp_path / "new folder" / "part.stamp"
    assert not done(stamp, "a")
    mark_done(stamp, "a")
    assert done(stamp, "a")
    assert not done(stamp, "b")


def test_a_part_shows_its_title_and_its_seconds(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run("the part", [sys.executable, "-c", "print('details')"], log=tmp_path / "log")
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("  the part ...\n  the part: ")
    assert shown.err.endswith(" s\n")
    assert "details" in (tmp_path / "log").read_text()


def test_a_failed_part_shows_the_end_of_its_own_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    run("first", [sys.executable, "-c", "print('all well')"], log=log)
    with pytest.raises(SetupFailed, match=r"^second failed: see above and \.engine/log, then run it again$"):
        run("second", [sys.executable, "-c", "print('why'); raise SystemExit(3)"], log=log)
    shown = capfd.readouterr().err
    assert "    why\n" in shown
    assert "all well" not in shown


def test_a_command_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(SetupFailed, match=f"^{missing} cannot be run: No such file or directory$"):
        run("part", [missing], log=tmp_path / "log")


class Interrupted(BaseException):
    """What the test's signal raises, in place of the KeyboardInterrupt of a person."""


@pytest.fixture
def interrupting_signal() -> Iterator[signal.Signals]:
    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield signal.SIGUSR1
    signal.signal(signal.SIGUSR1, before)


def test_an_interrupted_part_ends_its_command(tmp_path: Path, interrupting_signal: signal.Signals) -> None:
    pid = tmp_path / "pid"
    command = f"""
import os, pathlib, signal
pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))
os.kill({os.getpid()}, {int(interrupting_signal)})
signal.pause()
"""
    with pytest.raises(Interrupted):
        run("part", [sys.executable, "-c", command], log=tmp_path / "log")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_lock_is_held_inside_and_free_after(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with alone(lock), lock.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
