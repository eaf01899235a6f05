"""Runs of Python programs that do not start an interpreter each: forks of one that has imported what installers need.

A run is a process of its own, with its own arguments, environment, folder and streams, and it is killed like any other;
what it is spared is the start of Python and its imports, three quarters of its time.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.interpreter.keeper import SOCKET, Keeper

PACKAGES = (
    "gzip",
    "http.client",
    "json",
    "random",
    "runpy",
    "shutil",
    "subprocess",
    "tarfile",
    "urllib.parse",
    "zipfile",
)
LIMIT = 30.0  # seconds


@dataclass(frozen=True, kw_only=True)
class WarmPython:
    """An interpreter that has imported it all, or one that takes its place when it has ended."""

    folder: Path
    keeper: Keeper

    def begin(self, arguments: list[str], *, env: dict[str, str], cwd: Path, stdin: str) -> WarmRun:
        """Run a program by its file."""
        return WarmRun(self, {"arguments": arguments, "environment": env, "folder": str(cwd)}, stdin)

    def connected(self) -> socket.socket:
        self.keeper.handle({}, None)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.folder / SOCKET))
        return connection


@contextmanager
def warm_python(folder: Path) -> Iterator[WarmPython]:
    """One for as long as the block lasts."""
    warm = WarmPython(folder=folder, keeper=Keeper(folder, PACKAGES))
    yield warm
    warm.keeper.close()


class WarmRun:
    """A run that has begun, with the part of ``subprocess.Popen`` that tests use. All of its stdin is given at once."""

    def __init__(self, python: WarmPython, request: dict[str, object], stdin: str) -> None:
        self.returncode: int | None = None
        given, ours = os.pipe()
        self._streams, ends = [], [given]
        for _ in ("stdout", "stderr"):
            reading, writing = os.pipe()
            self._streams.append(reading)
            ends.append(writing)
        self._warm = _begin(python, request, ends)
        for end in ends:
            os.close(end)
        with contextlib.suppress(BrokenPipeError), os.fdopen(ours, "wb") as pipe:
            pipe.write(stdin.encode())

    def send_signal(self, number: int) -> None:
        """Give a signal to it."""
        self._warm.sendall(bytes([number]))

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = LIMIT) -> int:
        """How it ended, once it has."""
        if self.returncode is None:
            self._warm.settimeout(timeout)
            (code,) = self._warm.recv(1)
            self._warm.close()
            self.returncode = 128 - code if code > 128 else code
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        """All that it said, and whoever has its streams from it."""
        said: dict[int, bytes] = dict.fromkeys(self._streams, b"")
        with selectors.DefaultSelector() as open_ones:
            for stream in self._streams:
                open_ones.register(stream, selectors.EVENT_READ)
            while open_ones.get_map():
                ready = open_ones.select(LIMIT)
                assert ready, f"it said nothing for {LIMIT} seconds"
                for key, _ in ready:
                    part = os.read(key.fd, 65536)
                    said[key.fd] += part
                    if not part:
                        open_ones.unregister(key.fd)
                        os.close(key.fd)
        self.wait()
        stdout, stderr = said.values()
        return stdout.decode(), stderr.decode()


def _begin(python: WarmPython, request: dict[str, object], streams: list[int]) -> socket.socket:
    """The connection to the warm interpreter, which has taken the run over."""
    body = json.dumps(request).encode()
    run = python.connected()
    socket.send_fds(run, [len(body).to_bytes(4, "big")], streams)
    run.sendall(body)
    assert run.recv(1) == b"+"
    return run
