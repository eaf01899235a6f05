"""Processes of this machine, told apart for good: by the boot, the process space, the number and the start.

A number alone proves nothing. It is given again, after a boot at once, and every container counts from one under
whatever host name it likes. So *gone* and *running* are said only of a process of this very boot and space, where
`/proc` would show it; of all others nothing is known. Linux only; elsewhere nothing is known of any process.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BOOT = "sys/kernel/random/boot_id"
SPACE = "self/ns/pid"
DEAD = ("Z", "X")  # a zombie does nothing any more: in a container often nobody is there to take it away
STATE, BEGAN = 0, 19  # places in /proc/PID/stat behind the program's name, which may hold anything


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process: no other one ever has the same. ``began`` counts clock ticks since the boot."""

    pid: int
    began: int
    boot: str
    space: str


class Processes:
    """The processes of this machine, as `/proc` shows them to this one."""

    def __init__(self, proc: Path = Path("/proc"), *, kill: Callable[[int, int], None] = os.kill) -> None:
        self._proc = proc
        self._kill = kill

    def find(self, pid: int) -> Process | None:
        """The process that has this number now; None where there is none, or where nothing is known."""
        here, stat = self._here(), self._stat(pid)
        if here is None or stat is None:
            return None
        return Process(pid=pid, began=int(stat[BEGAN]), boot=here[0], space=here[1])

    def is_running(self, process: Process) -> bool:
        """Whether it is proven to be at work."""
        return self._is_of_here(process) and self._is_there(process)

    def is_gone(self, process: Process) -> bool:
        """Whether it is proven to have ended."""
        return self._is_of_here(process) and not self._is_there(process) and not self._is_hidden(process.pid)

    def may_run(self, pid: int) -> bool:
        """Whether something of this number is at work, as far as can be seen: one that is hidden may be."""
        stat = self._stat(pid)
        return self._is_hidden(pid) if stat is None else stat[STATE] not in DEAD

    def program(self, pid: int) -> str:
        """The name of the program that has this number now; empty where that is not to be seen."""
        with suppress(OSError):
            return Path(os.fsdecode((self._proc / str(pid) / "cmdline").read_bytes().split(b"\0")[0])).name
        return ""

    def began_at(self, pid: int) -> datetime | None:
        """When the process of this number was started; None where there is none, or where nothing is known."""
        if (process := self.find(pid)) is None:
            return None
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - process.began / os.sysconf("SC_CLK_TCK")
        return datetime.fromtimestamp(time.time() - age, UTC)

    def _is_there(self, process: Process) -> bool:
        stat = self._stat(process.pid)
        return stat is not None and int(stat[BEGAN]) == process.began and stat[STATE] not in DEAD

    def _is_hidden(self, pid: int) -> bool:
        """Whether something has the number that `/proc` does not show, because it is another user's (hidepid)."""
        if self._stat(pid) is not None:
            return False
        try:
            self._kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True

    def _is_of_here(self, process: Process) -> bool:
        return self._here() == (process.boot, process.space)

    def _here(self) -> tuple[str, str] | None:
        """Boot and process space; None where `/proc` is missing, or shows another space than the one we are in."""
        with suppress(OSError):
            if (self._proc / "self").readlink() == Path(str(os.getpid())):
                return (self._proc / BOOT).read_text().strip(), str((self._proc / SPACE).readlink())
        return None

    def _stat(self, pid: int) -> list[str] | None:
        with suppress(OSError):
            return (self._proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return None
