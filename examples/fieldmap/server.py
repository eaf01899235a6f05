"""HTTP in and out: a thread per request, one line in the log per start, and a quick end on SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import urlsplit

from . import health, routes
from .database import Database
from .errors import DatabaseUnavailable, Refused

BODY_LIMIT = 64 * 1024
IDLE_TIMEOUT_S = 10
LAST_ANSWERS_S = 1.0

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """The listening socket, the database, and the number of requests being answered."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], database: Database) -> None:
        super().__init__(address, RequestHandler)
        self.database = database
        self._answering = 0
        self._changed = threading.Condition()

    def server_bind(self) -> None:
        """Bind without asking the name service for our own name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # by TCP

    def count(self, change: int) -> None:
        """Note that a request is being answered (+1) or was (-1)."""
        with self._changed:
            self._answering += change
            self._changed.notify_all()

    def wait_for_answers(self) -> None:
        """Let the requests that are being answered finish, for `LAST_ANSWERS_S` seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._answering == 0, LAST_ANSWERS_S)


class RequestHandler(BaseHTTPRequestHandler):
    """One request: read it, let `routes` answer, write the answer. A connection carries one request."""

    server: Server
    server_version = "fieldmap"
    sys_version = ""
    timeout = IDLE_TIMEOUT_S

    def answer(self) -> None:
        """Answer whatever the method is; `routes` knows which it takes."""
        self.server.count(+1)
        try:
            self._send(self._answer())
        finally:
            self.server.count(-1)

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = answer

    def _answer(self) -> routes.Answer:
        method = "GET" if self.command == "HEAD" else self.command
        try:
            return routes.answer(self.server.database, method, urlsplit(self.path).path, self._body())
        except Refused as refused:
            return routes.as_json({"error": str(refused)}, refused.status)
        except DatabaseUnavailable as error:
            return routes.as_json({"error": str(error)}, 503)
        except Exception:
            traceback.print_exc()
            return routes.as_json({"error": "something broke; the log says what"}, 500)

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise Refused(411, "give the body's length in Content-Length")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise Refused(400, "Content-Length must be a number")
        if int(length) > BODY_LIMIT:
            raise Refused(413, f"the body may have {BODY_LIMIT} bytes at most")
        return self.rfile.read(int(length))

    def _send(self, answer: routes.Answer) -> None:
        try:
            self.send_response(answer.status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # the caller went away

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the load balancer logs requests, and the log keeps room for what broke."""


def main() -> None:
    """Listen on $HOST:$PORT until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    database = Database(os.environ["DATABASE_URL"])
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"]))
    with Server(address, database) as server:
        _warm_up(database)
        print(f"fieldmap {health.version()} listens on {address[0]}:{address[1]}", flush=True)
        _serve(server)


def _warm_up(database: Database) -> None:
    try:
        database.warm_up()
    except DatabaseUnavailable as error:
        print(f"fieldmap: {error}; it is tried again with each request", file=sys.stderr, flush=True)


def _serve(server: Server) -> None:
    try:
        server.serve_forever()
    finally:
        server.wait_for_answers()


def _end(number: int, frame: object) -> None:
    """Leave `serve_forever` at once, wherever it waits."""
    sys.exit(0)
