"""One run at a time in a slot: its lock, and the end of what an earlier run left running."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from components.host.installer.errors import Busy, Failure
from components.host.installer.slots import Slot

LOCK_LIMIT = 60.0  # seconds
LOOK_LIMIT = 2.0  # seconds: another look at the slot has ended by then; an install has not
END_LIMIT = 5.0  # seconds
MARK = "STAGELINE_INSTALL"


@contextlib.contextmanager
def locked(slot: Slot, limit: float) -> Iterator[None]:
    """Hold the slot's lock, and mark what is started meanwhile, and nothing later: the next holder ends what is marked.

    The kernel frees the lock when this process ends, however it ends: started programs do not inherit it.
    """
    slot.lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + limit
    with slot.lock.open("a") as file:
        while not try_lock(file):
            if time.monotonic() >= deadline:
                raise Busy(f"slot {slot.name} is being changed by another run: wait for it and try again")
            time.sleep(0.1)
        os.environ[MARK] = str(slot.folder)
        try:
            yield
        finally:
            del os.environ[MARK]


def try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def end_programs(slot: Slot) -> None:
    """End what outlived a killed run: a migration of it must not go on beside the next one."""
    deadline = time.monotonic() + END_LIMIT
    while True:
        left = marked_programs(slot)
        if not left:
            return
        if time.monotonic() >= deadline:
            raise Failure(f"processes of an earlier run do not end: {', '.join(map(str, left))}; end them by hand")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def marked_programs(slot: Slot) -> list[int]:
    return [
        pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid != os.getpid() and is_marked(pid, slot)
    ]


def is_marked(pid: int, slot: Slot) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # somebody else's, or it has just ended
        return False
    return f"{MARK}={slot.folder}".encode() in environment.split(b"\0")
