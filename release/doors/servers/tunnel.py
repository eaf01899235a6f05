"""A way through a server to what only servers reach: the environment's private database.

A port of this machine that leads there, for one connection. The system's `ssh` has that connection as its standard
input and output (`ssh -W`), so no port has to be guessed, awaited or left behind. Whoever else on this machine were
faster would meet a database that asks for a password; our own connection would then fail.
"""

import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import IO

from release.process.text import bounded

END_LIMIT = 0.5  # seconds that ssh has to end by itself: nothing is under way any more
MOST_COMPLAINTS = 1 << 16  # bytes at the end of what ssh said
OPEN_LIMIT = 30.0  # seconds within which somebody must connect


@dataclass(frozen=True, kw_only=True)
class Tunnel:
    """The port of this machine, and where ssh complains."""

    port: int
    complaints: IO[bytes]

    @property
    def why(self) -> str:
        """The last thing that ssh said; empty when it had nothing to complain about."""
        self.complaints.seek(max(0, self.complaints.seek(0, os.SEEK_END) - MOST_COMPLAINTS))
        lines = self.complaints.read(MOST_COMPLAINTS).decode(errors="replace").splitlines()
        return bounded(next((line for line in reversed(lines) if line.strip()), ""))


@contextmanager
def tunnel(line: Sequence[str], *, end_limit: float = END_LIMIT) -> Iterator[Tunnel]:
    """Join one connection with the standard input and output of a command; all of it ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as door, TemporaryFile() as complaints:
        door.settimeout(OPEN_LIMIT)
        ended = Event()
        guide = Thread(target=_lead, args=(door, line, complaints, ended, end_limit))
        guide.start()
        try:
            yield Tunnel(port=door.getsockname()[1], complaints=complaints)
        finally:
            ended.set()
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)  # wakes up who still waits for a connection
            guide.join()


def _lead(door: socket.socket, line: Sequence[str], complaints: IO[bytes], ended: Event, end_limit: float) -> None:
    """Wait for the connection, and see to it that the command ends with the block."""
    try:
        connection, _ = door.accept()
    except OSError:
        return  # nobody came before the block ended
    with connection:
        connection.setblocking(True)
        process = _started(line, connection, complaints)
    ended.wait()
    if process is not None:
        _end(process, end_limit)


def _end(process: "subprocess.Popen[bytes]", limit: float) -> None:
    """It ends by itself when the connection does; a network that is gone must not keep us."""
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _started(line: Sequence[str], connection: socket.socket, complaints: IO[bytes]) -> "subprocess.Popen[bytes] | None":
    try:
        return subprocess.Popen(line, stdin=connection.fileno(), stdout=connection.fileno(), stderr=complaints)
    except FileNotFoundError:
        complaints.write(b"there is no ssh on PATH\n")
        return None
