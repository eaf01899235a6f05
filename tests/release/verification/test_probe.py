"""What comes back over real sockets, and what nothing coming back means."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from release.verification.probe import Probe, Request

HERE = "127.0.0.1"
pytestmark = pytest.mark.enable_socket


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_POST(self) -> None:
        said = f"{self.command} {self.path} {self.headers['X-Test']} {self.headers['User-Agent']} ".encode()
        said += self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(201)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_HEAD = do_POST

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing reads it."""


@pytest.fixture
def echo() -> Iterator[str]:
    with HTTPServer((HERE, 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://{HERE}:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def listening(says: bytes | None) -> Iterator[str]:
    """A listener that takes one connection and says something, or (None) stays silent until the end."""
    ended = threading.Event()
    with closing(socket.create_server((HERE, 0))) as door:

        def serve() -> None:
            connection, _ = door.accept()
            with closing(connection):
                if says is None:
                    ended.wait(10)
                else:
                    connection.recv(1000)
                    connection.sendall(says)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://{HERE}:{door.getsockname()[1]}"
        ended.set()
        thread.join()


def test_a_request_is_sent_with_its_method_headers_and_body(echo: str) -> None:
    answer = Probe().send(echo, Request(path="/a", method="POST", headers={"X-Test": "yes"}, body="ö"))
    assert (answer.status, answer.body, answer.reached) == (201, "POST /a yes stageline ö", True)


def test_a_head_has_no_body(echo: str) -> None:
    assert Probe().send(echo, Request(path="/a", method="HEAD")).body == ""


def test_a_listener_that_refuses_was_not_reached() -> None:
    with closing(socket.create_server((HERE, 0))) as door:
        port = door.getsockname()[1]
    answer = Probe().send(f"http://{HERE}:{port}", Request(path="/"))
    assert (answer.status, answer.late, answer.reached) == (0, False, False)
    assert "ConnectionRefusedError" in answer.body


def test_a_certificate_that_is_not_trusted_means_not_reached(echo: str) -> None:
    answer = Probe().send(echo.replace("http", "https"), Request(path="/"))
    assert (answer.status, answer.reached) == (0, False)


def test_a_listener_that_stays_silent_was_reached_and_is_late() -> None:
    with listening(None) as url:
        answer = Probe().send(url, Request(path="/", seconds=0.05))
    assert (answer.status, answer.late, answer.reached) == (0, True, True)
    assert answer.milliseconds >= 50


@pytest.mark.parametrize("says", [b"", b"hello\r\n\r\n"], ids=["nothing", "no-http"])
def test_a_connection_that_ends_without_an_answer_tells_nothing(says: bytes) -> None:
    with listening(says) as url:
        assert not Probe().send(url, Request(path="/")).reached
