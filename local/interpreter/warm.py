"""The warm interpreter: imports packages once, and forks itself for each run that a launcher hands it.

Started by file, in isolation, with the number of the inherited socket and what to import. It ends when nobody has asked
for something for a while. A fork is a process like any other Python: its own arguments, environment, folder, streams,
session and module search path, and the usual end.

The protocol, on a stream socket. The launcher sends the request's length (4 bytes) with its three streams attached, and
the request, JSON: {"arguments", "environment", "folder"}. It gets `+` at once and the exit code, one byte, in the end;
meanwhile each byte that it sends is a signal for the fork. A launcher that is gone has its fork killed.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 5.0  # seconds that a launcher has to hand over its request
IDLE = 60.0  # seconds after which nobody seems to need it
LONGEST_REQUEST = 4 * 1024 * 1024


@dataclass
class Run:
    """A fork at work, and the launcher that waits for it."""

    pid: int
    launcher: socket.socket


@dataclass(frozen=True)
class Request:
    """What a launcher hands over."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    streams: list[int]


def serve(server: socket.socket, packages: Sequence[str]) -> Request | None:
    """Fork for everybody who asks: the request, in a fork; None once nobody has asked for a while."""
    warm(packages)
    watched = selectors.DefaultSelector()
    watched.register(server, selectors.EVENT_READ)
    while events := watched.select(None if len(watched.get_map()) > 1 else IDLE):
        for key, _ in events:
            if key.fileobj is server:
                request = accept(server, watched)
                if request is not None:
                    return request
            elif isinstance(key.fileobj, socket.socket):
                heard(key.data, watched)
            else:
                reaped(key.data, int(key.fd), watched)
    return None


def warm(packages: Sequence[str]) -> None:
    """Import what can be had; what a later version calls otherwise is imported by the fork."""
    for name in packages:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        hasattr(module, "__all__")  # pulumi_aws puts off the import of its packages until they are looked at
    gc.collect()
    gc.freeze()


def accept(server: socket.socket, watched: selectors.BaseSelector) -> Request | None:
    """Begin a run: its request in the fork, None here. Whoever asks in another way is sent away."""
    launcher, _ = server.accept()
    launcher.settimeout(PATIENCE)
    streams: list[int] = []
    try:
        request = received(launcher, streams)
    except (OSError, ValueError, LookupError, TypeError):
        launcher.close()
        close(streams)
        return None
    pid = os.fork()
    if pid == 0:
        for key in list(watched.get_map().values()):
            os.close(key.fd)
        watched.close()
        launcher.close()
        return request
    close(streams)
    run = Run(pid, launcher)
    watched.register(launcher, selectors.EVENT_READ, run)
    watched.register(os.pidfd_open(pid), selectors.EVENT_READ, run)
    tell(run, b"+")
    return None


def received(launcher: socket.socket, streams: list[int]) -> Request:
    """The request of a launcher, whose ``streams`` are ours to close from then on. ValueError where it is not whole."""
    head, attached, _, _ = socket.recv_fds(launcher, 4, 3)
    streams += attached
    length = int.from_bytes(head, "big")
    if len(head) < 4 or len(streams) < 3 or length > LONGEST_REQUEST:
        raise ValueError("not a request")
    body = b""
    while len(body) < length:
        part = launcher.recv(length - len(body))
        if not part:
            raise ValueError("not a whole request")
        body += part
    fields: dict[str, Any] = json.loads(body)
    return Request(fields["arguments"], fields["environment"], fields["folder"], streams)


def close(streams: Sequence[int]) -> None:
    for stream in streams:
        os.close(stream)


def tell(run: Run, word: bytes) -> None:
    """Say something to a launcher, which may just have been killed: that is heard of by itself."""
    with contextlib.suppress(OSError):
        run.launcher.sendall(word)


def heard(run: Run, watched: selectors.BaseSelector) -> None:
    """Pass on the signals of a launcher, the last one when it is gone."""
    if run.launcher.fileno() < 0:
        return  # its fork ended in the same moment
    try:
        numbers = run.launcher.recv(16)
    except OSError:
        numbers = b""
    for number in numbers or [signal.SIGKILL]:
        os.kill(run.pid, number)
    if not numbers:
        watched.unregister(run.launcher)
        run.launcher.close()


def reaped(run: Run, pidfd: int, watched: selectors.BaseSelector) -> None:
    """Tell the launcher how its fork has ended."""
    watched.unregister(pidfd)
    os.close(pidfd)
    code = os.waitstatus_to_exitcode(os.waitpid(run.pid, 0)[1])
    if run.launcher.fileno() < 0:
        return  # it is gone
    watched.unregister(run.launcher)
    with run.launcher:
        tell(run, bytes([code if code >= 0 else 128 - code]))


def become(request: Request) -> None:
    """Run what was asked for in this process, as the genuine interpreter would."""
    os.setsid()
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    if "-u" in request.arguments[:1]:
        sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]  # a TextIO in its stubs
    gc.enable()
    words = request.arguments["-u" in request.arguments[:1] :]
    if words[0] == "-m":
        search_in(request.folder)
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        search_in(str(Path(words[0]).resolve().parent))
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def search_in(folder: str) -> None:
    """The module search path as the genuine interpreter makes it."""
    given = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:] = [folder, *given, *sys.path]


def main() -> None:
    request = serve(socket.socket(fileno=int(sys.argv[1])), packages=sys.argv[2:])
    if request is not None:
        become(request)


if __name__ == "__main__":
    main()
