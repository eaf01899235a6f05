"""A server's disk: how full it is, and what happens when it is made full.

Full means that no file can grow. Programs get that as a limit on the size of files: EFBIG where the kernel of a real
server says ENOSPC, but as little is written. What the local cloud writes for a server asks `require_space`.
"""

import errno
import os
import resource
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from local.servers import processes

# The signal would kill a program that grows a file; ignored, as it stays over exec, the write fails instead.
LIMITED = ("/bin/sh", "-c", "trap '' XFSZ; ulimit -S -f 0; exec \"$@\"", "sh")


class Disk:
    """The folder of one server as its disk. Safe under threads."""

    def __init__(self, root: Path, mark: str) -> None:
        self._root = root
        self._mark = mark
        self.full = False

    def fill(self) -> None:
        """No file grows from now on, also not one that a running program has open."""
        self.full = True
        self._limit_running(0)

    def free(self) -> None:
        self.full = False
        self._limit_running(None)

    def require_space(self) -> None:
        """Raises OSError, as writing to a full disk does."""
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def started_on(self, argv: Sequence[str]) -> list[str]:
        """The command line that starts a program on this disk."""
        return [*LIMITED, *argv] if self.full else list(argv)

    def used_bytes(self) -> int:
        """What lies in the folder; links count for nothing."""
        return sum(_allocated(entry) for folder in _folders(self._root) for entry in folder)

    def _limit_running(self, size: int | None) -> None:
        for pid in processes.marked(self._mark):
            with suppress(ProcessLookupError, PermissionError):  # it has just ended
                hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def _folders(root: Path) -> list[list[Path]]:
    return [[Path(folder, name) for name in files] for folder, _, files in os.walk(root)]


def _allocated(path: Path) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:  # removed meanwhile
        return 0
    return found.st_blocks * 512
