"""Signals are acted on where it is safe, once; the second one ends the process at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from release.deployment.interruption import Interruption
from release.errors import Interrupted

ROOT = Path(__file__).parents[3]
TWICE = """
import os, signal
from release.deployment.interruption import INTERRUPTION
with INTERRUPTION.watched():
    os.kill(os.getpid(), signal.SIGINT)
    print("still here", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    print("never", flush=True)
"""


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
    done = subprocess.run([sys.executable, "-c", TWICE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "still here\n")


def test_a_signal_that_came_before_pulumi_was_started_reaches_it_too() -> None:
    interruption = Interruption()
    with interruption.watched():
        os.kill(os.getpid(), signal.SIGTERM)
        with subprocess.Popen(["sleep", "60"]) as process, interruption.passed_on_to(process):
            assert process.wait() == -signal.SIGTERM
