"""Signals are acted on where it is safe, once; the second one ends the process at once and names the way on."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from release.process.errors import Interrupted, Refused
from release.process.interruption import Interruption

ROOT = Path(__file__).parents[3]
TWICE = """
import os, signal, sys
from release.process.interruption import INTERRUPTION
with INTERRUPTION.watched({way_on}):
    os.kill(os.getpid(), signal.SIGINT)
    print("still here", flush=True)
    {between}
    os.kill(os.getpid(), signal.SIGTERM)
    print("never", flush=True)
"""


SPARED = """
import os, signal, subprocess, sys, time
from release.process.interruption import INTERRUPTION
with INTERRUPTION.watched():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    with INTERRUPTION.sparing(process):
        os.kill(os.getpid(), signal.SIGINT)
        print(process.poll(), flush=True)
        os.kill(os.getpid(), signal.SIGINT)
"""


class AskedProcess(subprocess.Popen[bytes]):
    """A Pulumi that counts how often it is asked to end; a signal may come just as it is handed over."""

    def __init__(self) -> None:
        self.asked = 0

    def terminate(self) -> None:
        self.asked += 1


def twice(way_on: str = "", between: str = "") -> "subprocess.CompletedProcess[str]":
    script = TWICE.format(way_on=way_on, between=between)
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda one: one.name)
def test_a_signal_waits_until_it_is_asked_for_and_is_told_once(number: signal.Signals) -> None:
    interruption = Interruption()
    with interruption.watched():
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as caught:
            interruption.check()
        interruption.check()
    assert caught.value.signal_number == number


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    interruption = Interruption()
    with interruption.watched():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_row_24_a_second_signal_ends_the_process_at_once_with_its_exit_code() -> None:
    done = twice()
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "still here\n")
    assert done.stderr == "release: ended at once by a second signal (SIGTERM)\n"


def test_a_second_signal_leaves_one_line_that_names_the_way_on() -> None:
    assert twice("'release abort dev'").stderr == (
        "release: ended at once by a second signal (SIGTERM); what it began is not put back: release abort dev\n"
    )


def test_a_closed_terminal_does_not_keep_a_second_signal_from_ending_the_process() -> None:
    assert twice("'release abort dev'", between="os.close(2)").returncode == 128 + signal.SIGTERM


def test_a_signal_that_came_before_pulumi_was_started_reaches_it_too() -> None:
    interruption = Interruption()
    with interruption.watched():
        os.kill(os.getpid(), signal.SIGTERM)
        with subprocess.Popen(["sleep", "60"]) as process, interruption.passed_on_to(process):
            assert process.wait() == -signal.SIGTERM


@pytest.mark.parametrize("line", range(1, 8))
def test_a_signal_at_any_moment_of_handing_pulumi_over_asks_it_to_end_once(line: int) -> None:
    """A second SIGTERM would end Pulumi at once, in the middle of its operation. Each line is a moment."""
    interruption, process, lines = Interruption(), AskedProcess(), 0

    def at_line(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        if frame.f_code.co_name not in ("passed_on_to", "_ask_to_end"):
            return None
        if event == "line":
            lines += 1
            if lines == line:
                sys.settrace(None)
                os.kill(os.getpid(), signal.SIGTERM)
        return at_line

    with interruption.watched():
        before = sys.gettrace()
        sys.settrace(at_line)
        try:
            with interruption.passed_on_to(process):
                pass
        finally:
            sys.settrace(before)
        if lines < line:
            return
    assert process.asked <= 1


def test_a_wish_is_heard_where_a_signal_is_once_and_only_in_its_block() -> None:
    interruption, asked = Interruption(), list[int]()

    def wish() -> None:
        asked.append(1)
        raise Refused("ann asked it to end")

    with interruption.heeding(wish):
        with pytest.raises(Refused, match="ann asked it to end"):
            interruption.check()
        interruption.check()
    interruption.check()
    assert asked == [1]


def test_a_wish_that_comes_while_pulumi_runs_asks_it_to_end_once_and_is_told_afterwards() -> None:
    interruption, process = Interruption(), AskedProcess()

    def wish() -> None:
        raise Refused("ann asked it to end")

    with interruption.heeding(wish):
        with interruption.passed_on_to(process):
            interruption.listen()
            interruption.listen()
        assert process.asked == 1
        with pytest.raises(Refused, match="ann asked it to end"):
            interruption.check()


def test_what_is_spared_by_the_first_signal_ends_with_the_process_by_the_second() -> None:
    script = [sys.executable, "-c", SPARED]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)  # it has our pipe
    assert (done.returncode, done.stdout) == (128 + signal.SIGINT, "None\n")
