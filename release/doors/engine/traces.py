"""The folder of each call of Pulumi: its output, and a trace of its process and of the lock that it was seen to hold.

A trace is the proof by which `release` removes a lock on its own (docs/decisions). It is written while Pulumi holds the
lock, so it needs neither clocks nor names later: the lock's id is a UUID, and the process is known by boot, process
space, number and start. A call that ends by itself leaves no trace, because Pulumi then frees its lock.

Folders of calls that failed are kept for a person, the newest of a stack only.
"""

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from release.process.errors import Broken
from release.process.processes import Process, Processes

TRACE = "pulumi.json"
MOST_FOLDERS = 10  # of a stack: what was kept longest goes first
SUFFIX = r"[a-z0-9_]{8}"  # what mkdtemp adds: no dash, so stacks "dev" and "dev-eu" are told apart


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A Pulumi that was started for a deployment, or for none, and the lock that it held; empty until it was seen."""

    deployment: str
    process: Process
    lock: str = ""


class Folders:
    """The folders of a stack's calls, below ``place`` (None: where this machine keeps what is temporary)."""

    def __init__(self, stack: str, place: Path | None, processes: Processes) -> None:
        self._prefix = f"stageline-{stack}-"
        self._place = place or Path(tempfile.gettempdir())
        self._processes = processes

    def make(self) -> Path:
        """An empty folder for a call that begins; the oldest ones beyond ten go. Broken where none can be made."""
        for old in sorted(self._all(), key=_age, reverse=True)[MOST_FOLDERS - 1 :]:
            if not self._is_in_use(old):
                self.drop(old)
        try:
            return Path(tempfile.mkdtemp(prefix=self._prefix, dir=self._place))
        except OSError as error:
            raise Broken(
                f"no folder for Pulumi's output can be made in {self._place}: {error.strerror}",
                hint="make room there, or let TMPDIR name another place",
            ) from None

    def forget(self, folder: Path) -> None:
        """Its process freed what it held, or that was done for it: there is nothing more to prove."""
        (folder / TRACE).unlink(missing_ok=True)

    def drop(self, folder: Path) -> None:
        """Nobody needs it any more."""
        shutil.rmtree(folder, ignore_errors=True)

    def left_by(self, deployment: str) -> frozenset[str]:
        """The ids of the locks that were held by Pulumis of this deployment that are proven to have ended."""
        traces = (trace for folder in self._all() if (trace := read_trace(folder)))
        mine = (trace for trace in traces if trace.deployment == deployment and trace.lock)
        return frozenset(trace.lock for trace in mine if self._processes.is_gone(trace.process))

    def _all(self) -> Iterator[Path]:
        """Ours only: in a folder where everybody may write, another user could lay a trace."""
        pattern = re.compile(re.escape(self._prefix) + SUFFIX)
        for folder in self._place.glob(f"{self._prefix}*"):
            if pattern.fullmatch(folder.name) and _is_ours(folder):
                yield folder

    def _is_in_use(self, folder: Path) -> bool:
        trace = read_trace(folder)
        return trace is not None and self._processes.is_running(trace.process)


def write_trace(folder: Path, trace: Trace) -> None:
    """Write it at once and whole: who reads it may come after a kill. A full disk is no reason to fail for it."""
    fresh = folder / f"{TRACE}.new"
    with suppress(OSError):
        fresh.write_text(json.dumps(asdict(trace)))
        fresh.replace(folder / TRACE)


def read_trace(folder: Path) -> Trace | None:
    """The trace in a call's folder; None where there is none that can be read."""
    try:
        said = json.loads((folder / TRACE).read_text("utf-8"))
        return Trace(deployment=said["deployment"], process=Process(**said["process"]), lock=said["lock"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_ours(folder: Path) -> bool:
    with suppress(OSError):
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return False


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
