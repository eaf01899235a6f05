"""Which processes belong to the cloud, so that none outlives it.

Each carries a mark in its environment from its first moment: the daemon's own (its children inherit it), or the root
of the server that runs it. The mark stays when a parent is killed and when a process leaves its session, so it also
finds what a daemon that was `kill -9`ed has left. No stranger carries it: it names the cloud's folder, and nothing
but the daemon is started with it.
"""

import ctypes
import logging
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

log = logging.getLogger(__name__)

MARK = "STAGELINE_LOCAL_CLOUD"
SERVER_MARK = "STAGELINE_ROOT"  # what `local.servers` gives the programs of a server
PR_SET_CHILD_SUBREAPER = 36
# A service ends by TERM; PostgreSQL waits for its clients on TERM and disconnects them on INT.
ENDINGS = ((signal.SIGTERM, 1.0), (signal.SIGINT, 2.0), (signal.SIGKILL, 2.0))


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process as the kernel shows it. `started` is in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    started: int
    zombie: bool


def read_process(pid: int) -> Process | None:
    """The process of that id now, or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before it may hold spaces and brackets
    return Process(
        pid=pid, parent=int(fields[1]), group=int(fields[2]), started=int(fields[19]), zombie=fields[0] in "ZX"
    )


def descendants(ancestor: int) -> list[Process]:
    """All living processes below `ancestor`, without itself."""
    children: dict[int, list[Process]] = {}
    for process in _all_processes():
        children.setdefault(process.parent, []).append(process)
    return [process for process in _below(ancestor, children) if not process.zombie]


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def marked(root: Path) -> list[Process]:
    """The living processes of the cloud in `root` (its `.local`), without this one."""
    daemons, servers = f"{MARK}={root}".encode(), f"{SERVER_MARK}={root}/servers/".encode()
    return [
        process
        for process in _all_processes()
        if process.pid != os.getpid()
        and any(entry == daemons or entry.startswith(servers) for entry in _environment(process.pid))
    ]


def end_marked(root: Path) -> int:
    """End them; how many there were."""
    processes = marked(root)
    end(processes)
    return len(processes)


def end(processes: Iterable[Process]) -> None:
    """End the processes and their groups: politely first, then by force."""
    remaining = _alive(processes)
    for number, patience in ENDINGS:
        _signal_groups(remaining, number)
        remaining = _wait_gone(remaining, patience)
    for process in remaining:
        log.error("process %d did not end", process.pid)


def _signal_groups(processes: list[Process], number: signal.Signals) -> None:
    for group in {process.group for process in processes} - {os.getpgrp(), 0, 1}:
        _send(-group, number)
    for process in processes:
        if process.group == os.getpgrp():
            _send(process.pid, number)


def _send(target: int, number: signal.Signals) -> None:
    try:
        os.kill(target, number)
    except ProcessLookupError:
        log.debug("%d is gone already", target)


def _wait_gone(processes: list[Process], patience: float) -> list[Process]:
    pause, remaining = Event(), _alive(processes)
    for _ in range(int(patience / 0.02)):
        if not remaining:
            break
        pause.wait(0.02)
        remaining = _alive(remaining)
    return remaining


def _alive(processes: Iterable[Process]) -> list[Process]:
    seen = ((process, read_process(process.pid)) for process in processes)
    return [now for then, now in seen if now and now.started == then.started and not now.zombie]


def _all_processes() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (process := read_process(int(entry.name))):
            yield process


def _below(ancestor: int, children: dict[int, list[Process]]) -> Iterator[Process]:
    for child in children.get(ancestor, []):
        yield child
        yield from _below(child.pid, children)


def _environment(pid: int) -> list[bytes]:
    """Its environment; empty for other people's processes and for those that have just ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
