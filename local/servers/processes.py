"""Ends every process that carries a mark in its environment, whatever became of its parents.

A program may leave its session and its process group, and its parent may be gone; it cannot leave its environment
without meaning to. systemd has control groups for this, which an ordinary user may not make everywhere.
"""

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path


def end(mark: str, *, within: float = 5.0) -> None:
    """Kill all processes marked with `mark` (NAME=value), and those they start meanwhile.

    Raises TimeoutError when some live on after `within` seconds.
    """
    deadline = time.monotonic() + within
    while handles := _marked(mark):
        try:
            _kill(handles, deadline)
        finally:
            _close(handles)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes with {mark} are still there after {within} s; end them by hand")


def _kill(handles: list[int], deadline: float) -> None:
    for handle in handles:
        with suppress(ProcessLookupError):  # it has ended by itself
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    for handle in handles:
        select.select([handle], [], [], max(0.0, deadline - time.monotonic()))


def _marked(mark: str) -> list[int]:
    """Handles of the marked processes."""
    names = (entry.name for entry in Path("/proc").iterdir())
    handles = [_handle_if_marked(int(name), mark) for name in names if name.isdigit()]
    return [handle for handle in handles if handle is not None]


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


def _close(handles: list[int]) -> None:
    for handle in handles:
        os.close(handle)
