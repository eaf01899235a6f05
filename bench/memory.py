"""Memory of processes, each shared page counted once: the kernel's proportional set size (PSS)."""

from pathlib import Path

from local.paths import Paths
from local.processes import marked


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
