"""What `ssh` is told, and room for what it says: files that nobody else reads, and that do not outlive their use.

In memory where the system has such files, which is Linux. Elsewhere (macOS) on the disk, in a folder that only this
user may enter: gone with the block, or, where this process was killed, with the next one's first use.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

MOST_SAID = 4 << 20  # bytes of what a command says: real answers have some thousand
BLOCK = 512  # bytes, in which a shell's ulimit counts (POSIX)
PREFIX = "stageline-ssh-"


class Scratch(Protocol):
    """Where such files are."""

    def told(self, text: str) -> AbstractContextManager[str]:
        """The path of a file with this text; other processes of this user may read it until the end of the block."""

    def room(self) -> AbstractContextManager[int]:
        """An empty file to write into, as a descriptor."""

    def within(self, line: Sequence[str]) -> list[str]:
        """The command so that it writes MOST_SAID bytes into such a file and no more: a server may never stop talking.

        FileNotFoundError where there is no such program.
        """


class Memory:
    """In memory, on no disk: with this process it is gone, however that ends."""

    @contextmanager
    def told(self, text: str) -> Iterator[str]:
        """As `/proc` names the file."""
        file = os.memfd_create("stageline")
        try:
            os.fchmod(file, 0o600)
            os.write(file, text.encode())
            yield f"/proc/{os.getpid()}/fd/{file}"
        finally:
            os.close(file)

    @contextmanager
    def room(self) -> Iterator[int]:
        """The file takes no more than it has room for."""
        file = os.memfd_create("stageline-said", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(file, MOST_SAID)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
            yield file
        finally:
            os.close(file)

    def within(self, line: Sequence[str]) -> list[str]:
        """As it is: the file sees to it."""
        return [*line]


class Disk:
    """In folders of this user for temporary files, each named by the process that made it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir())

    @contextmanager
    def told(self, text: str) -> Iterator[str]:
        """In a folder of its own, which mkdtemp makes for this user alone."""
        self._sweep()
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=self._folder))
        try:
            file = folder / "told"
            file.touch(0o600)
            file.write_text(text)
            yield str(file)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def room(self) -> Iterator[int]:
        """Without a name, so that it is gone with its last descriptor."""
        with tempfile.TemporaryFile(dir=self._folder) as file:
            yield file.fileno()

    def within(self, line: Sequence[str]) -> list[str]:
        """By the system's own limit for what a process writes into files."""
        if shutil.which(line[0]) is None:
            raise FileNotFoundError(line[0])
        return ["/bin/sh", "-c", f'ulimit -f {MOST_SAID // BLOCK} && exec "$@"', "sh", *line]

    def _sweep(self) -> None:
        """Take away what a process left that was killed."""
        for folder in self._folder.glob(f"{PREFIX}*"):
            owner = re.match(rf"{PREFIX}([0-9]{{1,9}})-", folder.name)
            if owner and folder.stat().st_uid == os.getuid() and not _runs(int(owner[1])):
                shutil.rmtree(folder, ignore_errors=True)


def scratch_here() -> Scratch:
    """The one for this system."""
    return Memory() if hasattr(os, "memfd_create") else Disk()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
