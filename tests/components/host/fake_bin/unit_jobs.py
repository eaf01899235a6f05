"""Starts or stops the process of a unit: unit_jobs.py start|stop|restart UNIT. One job of a unit after the other."""

# subprocess and pathlib take longer to import than all of this
# ruff: noqa: PTH107, PTH123

import fcntl
import os
import select
import signal
import sys

STATE = os.environ["FAKE_SYSTEMD"]
UNITS = f"{os.environ['HOME']}/.config/systemd/user"
PATIENCE = 5
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def process(unit: str) -> int | None:
    """A handle that becomes readable when the unit's process has ended, None when it has ended already."""
    try:
        handle = os.pidfd_open(pid_of(unit))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if ended(handle, 0) else handle


def pid_of(unit: str) -> int:
    with open(f"{STATE}/{unit}") as file:
        return int(file.read())


def ended(handle: int, limit: float) -> bool:
    return bool(select.select([handle], [], [], limit)[0])


def start(unit: str) -> None:
    if process(unit) is not None:
        return
    with open(f"{UNITS}/{unit}") as file:
        (command,) = [line.partition("=")[2] for line in file.read().splitlines() if line.startswith("ExecStart=")]
    argv = command.replace("%h", os.environ["HOME"]).split()
    streams = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
    streams += [(os.POSIX_SPAWN_OPEN, stream, f"{STATE}/{unit}.log", APPEND, 0o644) for stream in (1, 2)]
    os.chdir(os.environ["HOME"])
    child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=streams, setsid=True)
    with open(f"{STATE}/{unit}", "w") as file:
        file.write(f"{child}\n")


def stop(unit: str) -> None:
    handle = process(unit)
    if handle is None:
        return
    pid = pid_of(unit)
    os.killpg(pid, signal.SIGTERM)
    if not ended(handle, PATIENCE):
        os.killpg(pid, signal.SIGKILL)
        ended(handle, PATIENCE)
    os.remove(f"{STATE}/{unit}")


def restart(unit: str) -> None:
    stop(unit)
    start(unit)


with open(f"{STATE}/{sys.argv[2]}.jobs", "a") as jobs:
    fcntl.flock(jobs, fcntl.LOCK_EX)
    {"start": start, "stop": stop, "restart": restart}[sys.argv[1]](sys.argv[2])
