"""One run of the `pulumi` command: started in a session of its own, watched, and ended when it takes too long."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from release.doors.engine.locks import Locks
from release.doors.engine.traces import Trace, write_trace
from release.process.errors import Broken
from release.process.interruption import INTERRUPTION

OUT, ERR = "out.log", "err.log"
END_LIMIT = 60.0  # seconds between being asked to end and being ended
LOOK = 0.01  # seconds between two looks at a Pulumi that has not got its lock yet: a kill may come in between
MOMENT = 0.5  # seconds until a wish that it ends is noticed
HEADLINES = (b"Updating (", b"Destroying (")  # Pulumi prints one once it holds the stack's lock
SUMMARY = (b"\nDiagnostics:\n", b"\nResources:\n", b"\nDuration:")  # it prints these before it frees it
SHELL_DIED = 128  # what a shell adds to the signal that ended its command


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a call ended: its exit code, or None when it had to be ended; and the folder of its output."""

    verb: str
    code: int | None
    folder: Path

    @property
    def out(self) -> str:
        """What it printed as its result."""
        return _read(self.folder / OUT).decode(errors="replace")

    @property
    def output(self) -> str:
        """All that it printed, errors first."""
        return _read(self.folder / ERR).decode(errors="replace") + self.out

    @property
    def killed_by(self) -> int:
        """The signal that somebody else ended it with; 0 when it ended by itself."""
        if self.code is None:
            return 0
        number = -self.code if self.code < 0 else self.code - SHELL_DIED
        return number if number in signal.valid_signals() else 0

    @property
    def is_orderly(self) -> bool:
        """Whether Pulumi itself ended it, and so freed its lock."""
        return self.code is not None and not self.killed_by


class Witness:
    """Sees which lock our Pulumi holds while it holds it, and writes that down.

    From its headline to its summary the lock is surely there, and no other Pulumi can have the stack. Another one that
    only tries may show its lock for a moment; so where two name our host and our number, neither is taken for ours.
    """

    def __init__(self, folder: Path, trace: Trace, locks: Locks) -> None:
        self._folder = folder
        self._trace = trace
        self._locks = locks

    def look(self) -> bool:
        """Whether there is nothing more to see. What cannot be asked is unknown, and no reason to fail."""
        printed = self._printed()
        if not any(headline in printed for headline in HEADLINES):
            return False
        held = self._held()
        if held and not any(mark in self._printed() for mark in SUMMARY):
            write_trace(self._folder, replace(self._trace, lock=held))
        return True

    def _printed(self) -> bytes:
        return _read(self._folder / OUT)

    def _held(self) -> str:
        try:
            ours = [lock.id for lock in self._locks.all() if lock.names(self._trace.process.pid)]
        except Broken:
            return ""
        return ours[0] if len(ours) == 1 else ""


def start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], logs: Path
) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own, so that a Ctrl-C reaches it once and through us only."""
    with (logs / OUT).open("wb") as out, (logs / ERR).open("wb") as err:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


def _read(file: Path) -> bytes:
    """What a file holds; nothing where somebody tidied up meanwhile."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def exit_code(process: "subprocess.Popen[bytes]", limit: float, look: Callable[[], bool]) -> int | None:
    """The exit code; None for a process that had to be ended. ``look`` is asked until it says that it has seen all."""
    ends, pause = time.monotonic() + limit, LOOK
    while (code := _polled(process, min(pause, limit))) is None and time.monotonic() < ends:
        if pause == MOMENT:
            INTERRUPTION.listen()
        elif look():
            pause = MOMENT
    if code is None:
        _end(process)
    return code


def _polled(process: "subprocess.Popen[bytes]", limit: float) -> int | None:
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    if _polled(process, END_LIMIT) is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
