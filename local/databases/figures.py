"""How busy a PostgreSQL server is, read from the kernel: nothing is asked of the server, so nothing can hang.

Its processes are the postmaster and that one's children. A client's connection is a child with a title of its own,
the same rows that `pg_stat_activity` shows as client backends; the cloud's own, as `rdsadmin`, do not count.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
CONNECTION = re.compile(rb"postgres: (?!walsender|autovacuum|rdsadmin ).+ \S+\(\d+\) ")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a server uses now; `cpu_seconds` since it was started."""

    cpu_seconds: float
    memory_bytes: int
    connections: int


def usages(postmasters: Iterable[int]) -> dict[int, Usage]:
    """Of each postmaster with its children: one look at all processes. Zeros for one that is gone."""
    families: dict[int, list[int]] = {pid: [pid] for pid in postmasters}
    for pid in _all_pids():
        parent = _parent(pid)
        if parent in families:
            families[parent].append(pid)
    return {postmaster: _usage(pids) for postmaster, pids in families.items()}


def _usage(pids: Sequence[int]) -> Usage:
    """The postmaster is the first of them."""
    return Usage(
        cpu_seconds=sum(_cpu_seconds(pid, with_ended_children=pid == pids[0]) for pid in pids),
        memory_bytes=_memory_bytes(pids),
        connections=sum(bool(CONNECTION.match(_title(pid))) for pid in pids[1:]),
    )


def disk_bytes(folder: str | Path) -> int:
    """What the files below `folder` take. Files that vanish meanwhile count nothing."""
    try:
        with os.scandir(folder) as entries:
            return sum(
                disk_bytes(entry.path) if entry.is_dir(follow_symlinks=False) else _size(entry) for entry in entries
            )
    except OSError:
        return 0


def _size(file: "os.DirEntry[str]") -> int:
    try:
        return file.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 — many times a minute


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else 0


def _cpu_seconds(pid: int, *, with_ended_children: bool) -> float:
    fields = _fields(pid)
    return sum(int(each) for each in fields[11 : 15 if with_ended_children else 13]) / TICKS


def _memory_bytes(pids: Sequence[int]) -> int:
    """What each has for itself, and the largest share of what they share."""
    pages = [_pages(pid) for pid in pids]
    return PAGE * (sum(own for own, _ in pages) + max(shared for _, shared in pages))


def _pages(pid: int) -> tuple[int, int]:
    fields = _read(pid, "statm").split()
    resident, shared = (int(fields[1]), int(fields[2])) if fields else (0, 0)
    return resident - shared, shared


def _fields(pid: int) -> list[bytes]:
    """Of its `stat`, after the name, which may hold spaces and brackets."""
    return _read(pid, "stat").rpartition(b") ")[2].split()


def _title(pid: int) -> bytes:
    return _read(pid, "cmdline")


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 — many times a minute
            return file.read()
    except OSError:
        return b""
