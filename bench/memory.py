"""Memory of processes, each shared page counted once: the kernel's proportional set size (PSS)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Semaphore, Thread

from local.paths import Paths
from local.processes import marked

PROGRAM = b"pulumi-language-python-exec"  # how the language host runs a program
PAUSE = 0.02


@dataclass
class Seen:
    """The most bytes that a program was seen to take, 0 before one was seen; ``looked`` counts the looks."""

    most: int = 0
    looked: Semaphore = field(default_factory=lambda: Semaphore(0))


@contextmanager
def program_memory(project: Path) -> Iterator[Seen]:
    """Look at the Pulumi program of a project until the end of the block."""
    seen, ended = Seen(), Event()
    thread = Thread(target=_look, args=(project, seen, ended), daemon=True)
    thread.start()
    yield seen
    ended.set()
    thread.join()


def _look(project: Path, seen: Seen, ended: Event) -> None:
    while not ended.wait(PAUSE):
        seen.most = max([seen.most, *map(_proportional_set_size, _programs(project))])
        seen.looked.release()


def _programs(project: Path) -> list[int]:
    """The processes that run a program and were started for the project."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except (FileNotFoundError, ProcessLookupError):
            continue
        if PROGRAM in words and bytes(project) in words:
            found.append(int(entry.name))
    return found


def cloud_memory(paths: Paths) -> int:
    """Bytes that all processes of a cloud take together."""
    return sum(_proportional_set_size(process.pid) for process in marked(paths.root))


def _proportional_set_size(pid: int) -> int:
    """Bytes; none for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
