"""The daemon as commands see it: how the cloud stands, starting it, stopping it, removing what it left."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any

from local.control import NotAnswering, NotRunning, ask
from local.errors import CloudError
from local.keeping import read_kept
from local.paths import CODE, Paths
from local.processes import MARK, end_marked, marked

START_LIMIT = 30.0
RESUME_LIMIT = 60.0
STOP_LIMIT = 20.0
FRUGAL = {"MALLOC_ARENA_MAX": "2"}  # its many threads would each keep memory that others have freed
KEEP_LIMIT = 120.0  # what is ended by force before it has written its state has lost it


class State(StrEnum):
    """How a cloud stands."""

    UP = "up"
    DOWN = "down"
    KEPT = "kept"
    CRASHED = "crashed"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`status` is what the daemon says when it is up; `since`, when the state was kept."""

    state: State
    status: Mapping[str, Any] = field(default_factory=dict)
    since: str = ""


def standing(paths: Paths) -> Standing:
    """How the cloud stands now. Raises `NotAnswering` when its daemon is stuck, `CloudError` for a damaged state."""
    try:
        return Standing(state=State.UP, status=ask(paths.control, {"do": "status"}, timeout=10))
    except NotRunning:
        kept = read_kept(paths.kept)  # there until a daemon has brought everything back
    if kept:
        return Standing(state=State.KEPT, since=kept.since)
    return Standing(state=State.CRASHED if paths.control.exists() else State.DOWN)  # one that ends removes it


def start(paths: Paths, *, limit: float = START_LIMIT) -> dict[str, Any]:
    """Start the daemon and return its status. Raises `CloudError` with its last words if it ends."""
    with paths.log.open("wb") as output:
        daemon = _spawn(paths, output)
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if found := _status(paths):
            return found
        if _has_ended(daemon):
            raise CloudError(_last_words(paths))
    daemon.kill()
    raise CloudError(f"the daemon was not ready after {limit:.0f} s: `local-cloud logs` shows how far it came")


def stop(paths: Paths, *, keep: bool = False) -> bool:
    """Ask the daemon to stop and wait until its process is gone; whether there was one.

    Raises `CloudError`, and the daemon goes on, when its state shall be kept and cannot be.
    """
    try:
        ask(paths.control, {"do": "stop", "keep": keep}, timeout=STOP_LIMIT)
    except NotRunning:
        return False
    except NotAnswering:
        if keep:
            raise
        return True  # it is ended by force with everything else
    deadline = time.monotonic() + (KEEP_LIMIT if keep else STOP_LIMIT)
    while marked(paths.root) and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def end_leftovers(paths: Paths) -> int:
    """End what a killed daemon left; how many processes there were."""
    ended = end_marked(paths.root)
    paths.control.unlink(missing_ok=True)
    return ended


def forget(paths: Paths) -> None:
    """Remove everything but caches and the log."""
    for path in paths.runtime:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def only_one(paths: Paths) -> Iterator[None]:
    """Two `up` or `down` at once would start two daemons or remove what one is writing."""
    paths.root.mkdir(exist_ok=True)
    with paths.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _spawn(paths: Paths, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "local.daemon", str(paths.project)]
    without_aws = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        command,
        cwd=CODE,
        env={**without_aws, **FRUGAL, MARK: str(paths.root)},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _status(paths: Paths) -> dict[str, Any] | None:
    try:
        return ask(paths.control, {"do": "status"}, timeout=10)
    except NotRunning:
        return None


def _has_ended(daemon: "subprocess.Popen[bytes]") -> bool:
    try:
        daemon.wait(0.05)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_words(paths: Paths) -> str:
    lines = paths.log.read_text().strip().splitlines()
    return f"the daemon did not start: {lines[-1] if lines else 'it said nothing'}"
