"""What the processes of servers use, read from /proc: of all servers at once, as looking is the expensive part."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.servers.layout import ROOT_VARIABLE

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
INVOCATION_VARIABLE = "INVOCATION_ID"


@dataclass(frozen=True, kw_only=True)
class ProcessUse:
    """One process of a server: `invocation` names the start of the unit that it belongs to, "" for none."""

    pid: int
    started: int
    name: str
    invocation: str
    cpu_seconds: float
    memory_bytes: int


@dataclass(kw_only=True)
class Meter:
    """Adds up what one server uses from look to look. Times are of a monotonic clock, in seconds."""

    looked: float
    memory_bytes: int = 0
    load: float = 0.0  # how many vCPUs it kept busy between the last two looks
    _asked: float = 0.0
    _cpu_seconds: float = 0.0  # used since it was asked
    _seen: dict[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._asked = self.looked

    def look(self, uses: Iterable[ProcessUse], now: float) -> None:
        """Take the next look. What a process used between its last look and its end is never known."""
        found = {(use.pid, use.started): use for use in uses}
        used = sum(use.cpu_seconds - self._seen.get(key, 0.0) for key, use in found.items())
        self.load = _rate(used, now - self.looked)
        self.looked = now
        self.memory_bytes = sum(use.memory_bytes for use in found.values())
        self._cpu_seconds += used
        self._seen = {key: use.cpu_seconds for key, use in found.items()}

    def mean_load(self, now: float) -> float:
        """How many vCPUs it kept busy since this was asked last."""
        mean = _rate(self._cpu_seconds, now - self._asked)
        self._asked, self._cpu_seconds = now, 0.0
        return mean


def percent(part: float, whole: float) -> float:
    """100 at most: what is measured is never quite of one moment."""
    return round(min(100.0, 100.0 * part / whole), 1)


def read_uses(roots: Iterable[Path]) -> dict[Path, list[ProcessUse]]:
    """The processes of each of these servers, by the server's folder."""
    found: dict[Path, list[ProcessUse]] = {root: [] for root in roots}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            _add(found, entry)
    return found


def _rate(used: float, seconds: float) -> float:
    return max(0.0, used / seconds) if seconds > 0 else 0.0


def _add(found: Mapping[Path, list[ProcessUse]], process: Path) -> None:
    try:
        variables = _variables((process / "environ").read_bytes())
        uses = found.get(Path(variables.get(ROOT_VARIABLE, "")))
        if uses is not None:
            uses.append(_read(process, variables.get(INVOCATION_VARIABLE, "")))
    except OSError:
        return  # someone else's process, or one that has just ended


def _read(process: Path, invocation: str) -> ProcessUse:
    head, _, rest = (process / "stat").read_text().rpartition(")")  # a name may hold spaces and brackets
    fields = rest.split()
    return ProcessUse(
        pid=int(process.name),
        started=int(fields[19]),
        name=head.partition("(")[2],
        invocation=invocation,
        cpu_seconds=(int(fields[11]) + int(fields[12])) / TICKS,
        memory_bytes=int(fields[21]) * PAGE,
    )


def _variables(environment: bytes) -> dict[str, str]:
    lines = environment.decode(errors="surrogateescape").split("\0")
    return {name: value for name, _, value in (line.partition("=") for line in lines)}
