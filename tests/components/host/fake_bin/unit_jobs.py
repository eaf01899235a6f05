"""Starts or stops the process of a unit: unit_jobs.py start|stop|restart UNIT. One job of a unit after the other."""

import fcntl
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

STATE = Path(os.environ["FAKE_SYSTEMD"])
UNITS = Path(os.environ["HOME"], ".config", "systemd", "user")
PATIENCE = 5


def process(unit):
    """A handle that becomes readable when the unit's process has ended, None when it has ended already."""
    try:
        handle = os.pidfd_open(int((STATE / unit).read_text()))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if ended(handle, 0) else handle


def ended(handle, limit):
    return bool(select.select([handle], [], [], limit)[0])


def start(unit):
    if process(unit) is not None:
        return
    lines = (UNITS / unit).read_text().splitlines()
    (command,) = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    argv = command.replace("%h", os.environ["HOME"]).split()
    with (STATE / f"{unit}.log").open("ab") as log:
        child = subprocess.Popen(
            argv, cwd=os.environ["HOME"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (STATE / unit).write_text(f"{child.pid}\n")


def stop(unit):
    handle = process(unit)
    if handle is None:
        return
    pid = int((STATE / unit).read_text())
    os.killpg(pid, signal.SIGTERM)
    if not ended(handle, PATIENCE):
        os.killpg(pid, signal.SIGKILL)
        ended(handle, PATIENCE)
    (STATE / unit).unlink()


def restart(unit):
    stop(unit)
    start(unit)


with (STATE / f"{sys.argv[2]}.jobs").open("a") as jobs:
    fcntl.flock(jobs, fcntl.LOCK_EX)
    {"start": start, "stop": stop, "restart": restart}[sys.argv[1]](sys.argv[2])
