"""What comes back over real sockets, and what nothing coming back means."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain, repeat

import pytest

from release.doors.probe import MOST_BODY, Probe, Request

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


@contextmanager
def dripping(pieces: Iterable[bytes], pause: float = 0.02) -> Iterator[str]:
    """A listener that takes one connection and says one piece after the other, for as long as somebody listens."""
    ended = threading.Event()
    with closing(socket.create_server((HERE, 0))) as door:

        def serve() -> None:
            connection, _ = door.accept()
            with closing(connection), suppress(OSError):
                connection.settimeout(5)
                connection.recv(1000)
                for piece in pieces:
                    connection.sendall(piece)
                    if pause and ended.wait(pause):
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://{HERE}:{door.getsockname()[1]}"
        ended.set()
        thread.join()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("pieces", "pause"),
    [
        pytest.param(repeat(b"H"), 0.02, id="a-status-line-in-drops"),
        pytest.param(chain([OK], repeat(b"X")), 0.02, id="a-header-in-drops"),
        pytest.param(chain([OK + b"Content-Length: 1000\r\n\r\n"], repeat(b"x")), 0.02, id="a-body-in-drops"),
        pytest.param(chain([OK + b"Transfer-Encoding: chunked\r\n\r\n"], repeat(b"1\r\nx\r\n")), 0.02, id="chunks"),
        pytest.param(repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), 0.02, id="go-on-for-ever"),
        pytest.param(repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), 0.0, id="go-on-for-ever-without-a-pause"),
        pytest.param([OK + b"Content-Length: 9\r\n\r\nhalf", b""], 10, id="half-a-body"),
    ],
)
def test_one_limit_holds_for_all_of_an_answer(pieces: Iterable[bytes], pause: float) -> None:
    with dripping(pieces, pause) as url:
        answer = Probe().send(url, Request(path="/", seconds=0.3))
    assert (answer.status, answer.late, answer.reached) == (0, True, True)
    assert 300 <= answer.milliseconds < 1500


def test_a_listener_that_drips_its_handshake_is_not_reached_within_the_limit() -> None:
    with dripping(repeat(b"\x16")) as url:
        answer = Probe(limit=0.3).send(url.replace("http", "https"), Request(path="/", seconds=30))
    assert (answer.status, answer.reached) == (0, False)


def test_of_a_body_without_an_end_the_beginning_is_read() -> None:
    with dripping(chain([OK + b"\r\n"], repeat(b"x" * 65536)), pause=0) as url:
        answer = Probe().send(url, Request(path="/"))
    assert (answer.status, len(answer.body)) == (200, MOST_BODY)


def test_headers_without_an_end_are_no_answer() -> None:
    with dripping(chain([OK], repeat(b"X-A: 1\r\n" * 100)), pause=0) as url:
        assert Probe().send(url, Request(path="/")).status == 0


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"Content-Length: 9\r\n\r\nhalf", id="too-short"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf", id="half-a-chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="no-chunk"),
    ],
)
def test_an_answer_that_breaks_off_was_reached_and_is_torn(rest: bytes) -> None:
    with listening(OK + rest) as url:
        answer = Probe().send(url, Request(path="/"))
    assert (answer.status, answer.torn, answer.reached) == (0, True, True)
    assert "200, and then" in answer.body


def test_a_status_line_of_escapes_is_told_without_them() -> None:
    with listening(b"\x1b]0;owned\x07\x1b[2J all good\r\n\r\n") as url:
        answer = Probe().send(url, Request(path="/"))
    assert not answer.reached
    assert answer.body.isprintable()


@pytest.mark.parametrize(
    "request_", [Request(path="/\r\nX: y"), Request(path="/", method="POST", body="\ud800")], ids=["path", "body"]
)
def test_what_cannot_be_sent_is_no_answer(echo: str, request_: Request) -> None:
    assert not Probe().send(echo, request_).reached


@pytest.mark.parametrize("base", ["ftp://127.0.0.1/", "http://127.0.0.1:99999", "http://[", "nothing"])
def test_what_is_no_url_of_a_listener_is_not_reached(base: str) -> None:
    assert not Probe().send(base, Request(path="/")).reached


def test_the_host_is_named_with_its_port() -> None:
    heard: list[bytes] = []
    with closing(socket.create_server((HERE, 0))) as door:

        def serve() -> None:
            connection, _ = door.accept()
            with closing(connection):
                heard.append(connection.recv(1000))
                connection.sendall(OK + b"Content-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = door.getsockname()[1]
        Probe().send(f"http://{HERE}:{port}", Request(path="/"))
        thread.join()
    assert f"Host: {HERE}:{port}".encode() in heard[0]
