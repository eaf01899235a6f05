"""Signals, and ends, every process that carries a mark in its environment, whatever became of its parents.

A program may leave its session and its process group, and its parent may be gone; it cannot leave its environment
without meaning to. systemd has control groups for this, which an ordinary user may not make everywhere.
"""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def end(mark: str, *, within: float = 5.0) -> None:
    """Kill all processes marked with `mark` (NAME=value), and those they start meanwhile.

    Raises TimeoutError when some live on after `within` seconds.
    """
    deadline = time.monotonic() + within
    while True:
        with held(mark) as handles:
            if not handles:
                return
            _kill(handles, deadline)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes with {mark} are still there after {within} s; end them by hand")


def kill(pid: int, mark: str) -> None:
    """Kill this one, if it still is one of the marked."""
    handle = _handle_if_marked(pid, mark)
    if handle is not None:
        send([handle], signal.SIGKILL)
        os.close(handle)


def marked(mark: str) -> list[int]:
    """The ids of the marked processes at this moment."""
    return [pid for pid in _pids() if _is_marked(pid, mark)]


@contextmanager
def held(mark: str) -> Iterator[list[int]]:
    """Handles of the marked processes: a signal to one never hits a stranger who got its number meanwhile."""
    handles = [handle for pid in _pids() if (handle := _handle_if_marked(pid, mark)) is not None]
    try:
        yield handles
    finally:
        for handle in handles:
            os.close(handle)


def send(handles: list[int], number: signal.Signals) -> None:
    """Signal the processes; those that have ended by themselves are passed over."""
    for handle in handles:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)


def _kill(handles: list[int], deadline: float) -> None:
    send(handles, signal.SIGKILL)
    for handle in handles:
        select.select([handle], [], [], max(0.0, deadline - time.monotonic()))


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _handle_if_marked(pid: int, mark: str) -> int | None:
    """The process is held by a handle while its mark is read, so that a reused number never hits a stranger."""
    if not _is_marked(pid, mark) or pid == os.getpid():
        return None
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if _is_marked(pid, mark):
        return handle
    os.close(handle)
    return None


def _is_marked(pid: int, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # someone else's process, or one that has just ended
        return False
    return mark.encode() in environment.split(b"\0")
