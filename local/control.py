"""The unix socket of the daemon: one JSON line asks, one JSON line answers.

A request is `{"do": NAME, ...}`; the reply is `{"ok": true, ...}` or `{"ok": false, "error": "one line"}`. Each
connection has its own thread. A handler that gives something for as long as the asker lives (a provider) calls
`Connection.hold`. The socket is opened through `/proc/self/fd`, because a socket's path has 107 characters at
most and a clone may lie deeper than that.
"""

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from local.errors import CloudError

log = logging.getLogger(__name__)

LONGEST_REQUEST = 16 * 1024 * 1024


class Connection:
    """The asker's side of one request."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self.release: Callable[[], None] | None = None

    def hold(self, release: Callable[[], None]) -> None:
        """Keep the connection after the reply, and call `release` once the asker has closed it."""
        self.release = release

    def wait_closed(self) -> None:
        """Return when the asker is gone; anything more it sends is read and dropped."""
        try:
            while self._stream.recv(4096):
                continue
        except ConnectionError as error:
            log.debug("connection ended: %s", error)


Handler = Callable[[dict[str, Any], Connection], dict[str, Any]]


class ControlServer:
    """Answers requests on the socket at `path` by the handler that bears the request's name."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._socket = listen(path)

    def start(self) -> None:
        Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Stop accepting. Requests under way end with the process."""
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._socket.accept()
            except OSError:
                return  # closed
            Thread(target=self._serve, args=(stream,), name="request", daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        connection = Connection(stream)
        with stream:
            try:
                _send(stream, self._reply(stream, connection))
                if connection.release:
                    connection.wait_closed()
            except OSError as error:
                log.info("an asker went away before its reply: %s", error)
            finally:
                if connection.release:
                    connection.release()

    def _reply(self, stream: socket.socket, connection: Connection) -> dict[str, Any]:
        try:
            request = json.loads(_read_line(stream))
            handler = self._handlers[request["do"]]
        except (ValueError, KeyError, TypeError):
            return {"ok": False, "error": "not a request that the local cloud knows: restart it after an update"}
        return _answer(handler, request, connection)


def _answer(handler: Handler, request: dict[str, Any], connection: Connection) -> dict[str, Any]:
    try:
        return {"ok": True, **handler(request, connection)}
    except CloudError as error:
        return {"ok": False, "error": str(error)}
    except Exception as error:  # a request must not end without an answer, whatever its handler did
        log.exception("%s failed", request["do"])
        return {"ok": False, "error": f"{type(error).__name__}: {error}; `local-cloud logs` shows where"}


def ask(path: Path, request: Mapping[str, Any], timeout: float | None = None) -> dict[str, Any]:
    """Send one request and return its reply without `ok`.

    Raises `CloudError` with the daemon's own words when it refuses, `NotRunning` when nobody is there, and
    `NotAnswering` when nothing comes within `timeout` seconds.
    """
    try:
        with _connect(path, timeout) as stream:
            _send(stream, request)
            reply = json.loads(_read_line(stream) or b"null")
    except TimeoutError as error:
        raise NotAnswering(
            f"the local cloud does not answer within {timeout:.0f} s: try again, or end it with `local-cloud down`"
        ) from error
    except OSError as error:
        raise NotRunning("the local cloud is not running: `local-cloud up` starts it") from error
    if reply is None:
        raise NotRunning("the local cloud ended during the request: `local-cloud logs` shows why")
    if not reply.pop("ok"):
        raise CloudError(str(reply["error"]))
    return dict(reply)


class NotRunning(CloudError):
    """Nobody is at the control socket."""


class NotAnswering(CloudError):
    """Somebody is there, but too busy or stuck."""


def listen(path: Path) -> socket.socket:
    """A socket of this user's at ``path``, where nobody else is left."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(path) as name:
        server.bind(name)
    path.chmod(0o600)
    server.listen(64)
    return server


def _connect(path: Path, timeout: float | None) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout)
    try:
        with _short(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        raise
    return client


@contextmanager
def _short(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _send(stream: socket.socket, message: Mapping[str, Any]) -> None:
    stream.sendall(json.dumps(message).encode() + b"\n")


def _read_line(stream: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n") and len(received) < LONGEST_REQUEST:
        part = stream.recv(65536)
        if not part:
            break
        received += part
    return bytes(received)
