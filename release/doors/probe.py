"""The door to releases: HTTP requests through a listener, each one timed.

A listener that cannot be reached says nothing about the release; one that is reached and stays silent does. So an
answer tells the two apart, and the time of an answer is without that of connecting.

Two limits hold, each for all of what it is about and not for a piece of it: one for connecting with TLS, and one for
the answer, from the request's first byte to the body's last. Before each read the socket is given what is left of it,
so a release that sends a byte now and then is as late as one that sends none. (Names are resolved by the system,
within its own limits.)
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from release.process.text import bounded

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

MOST_BODY = 1_000_000
LIMIT = 5.0  # seconds to connect, and at least that long for an answer
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked: ``seconds`` is how long an answer may take before it is none."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    seconds: float = LIMIT


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the status (0 when nothing did), the body (else why), and how long it took in milliseconds.

    ``late``: the listener was reached, and did not answer to the end in time. ``torn``: it began to answer and broke
    off. Status 0 without either: it could not be asked.
    """

    status: int
    body: str
    milliseconds: int
    late: bool = False
    torn: bool = False

    @property
    def reached(self) -> bool:
        """Whether this says something about the release."""
        return self.status != 0 or self.late or self.torn


class Torn(http.client.HTTPException):
    """An answer that began and has no end: what is known of it is no answer."""


class Deadline:
    """The moment by which all of something must be done."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left; TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class Timed:
    """A connected socket as ``http.client`` uses it, of which every read and write ends by the deadline.

    Closing it is left to its owner: ``http.client`` closes what it holds while the answer is still read.
    """

    def __init__(self, line: socket.socket, deadline: Deadline) -> None:
        self._line = line
        self._deadline = deadline

    def sendall(self, data: "ReadableBuffer") -> None:
        """Send all of it, piece by piece: TLS would give each piece the whole time."""
        rest = memoryview(data)
        while rest:
            self._line.settimeout(self._deadline.left())
            rest = rest[self._line.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What comes back."""
        return io.BufferedReader(_TimedReader(self._line, self._deadline))

    def close(self) -> None:
        """Nothing: the owner closes."""


class _TimedReader(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline: Deadline) -> None:
        self._line = line
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._line.settimeout(self._deadline.left())
        return self._line.recv_into(buffer)


class Probe:
    """Asks one URL at a time, each time over a new connection, so that every answer may come from another server."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit

    def send(self, base: str, request: Request) -> Answer:
        """Send ``request`` to the listener at ``base`` (``http://host:port``). No answer is status 0, not an error."""
        try:
            url = urlsplit(base)
            line = _connected(url, Deadline(self._limit))
        except (OSError, ValueError) as error:
            return Answer(status=0, body=_why(error), milliseconds=0)
        with closing(line):
            return _exchange(line, url, request)


def _connected(url: SplitResult, deadline: Deadline) -> socket.socket:
    """A connection to the first address of a listener that takes one, with TLS where the URL says so."""
    line = _dialled(url.hostname or "", port_of(url), deadline)
    if url.scheme != "https":
        return line
    try:
        line.settimeout(deadline.left())
        return ssl.create_default_context().wrap_socket(line, server_hostname=url.hostname)
    except BaseException:
        line.close()
        raise


def _dialled(host: str, port: int, deadline: Deadline) -> socket.socket:
    failure: OSError = OSError(f"{host} has no address")
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            return socket.create_connection((str(address[0]), port), deadline.left())
        except OSError as error:
            failure = error
    raise failure


def port_of(url: SplitResult) -> int:
    """The port that a URL leads to; ValueError for another protocol than HTTP."""
    if url.scheme not in PORTS:
        raise ValueError(f"{url.scheme!r} is neither http nor https")
    return url.port or PORTS[url.scheme]


def _exchange(line: socket.socket, url: SplitResult, request: Request) -> Answer:
    """One answer, from the request's first byte to the answer's last."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(url.hostname or "", port_of(url))
    connection.default_port = PORTS[url.scheme]  # which the header Host leaves out
    connection.sock = Timed(line, Deadline(request.seconds))
    try:
        body = None if request.body is None else request.body.encode()
        connection.request(request.method, request.path, body, {"User-Agent": "stageline", **request.headers})
        response = connection.getresponse()
        text = _body(response)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late, torn = isinstance(error, TimeoutError), isinstance(error, Torn)
        return Answer(status=0, body=_why(error), milliseconds=_since(began), late=late, torn=torn)
    return Answer(status=response.status, body=text, milliseconds=_since(began))


def _body(response: http.client.HTTPResponse) -> str:
    """The body, or the first MOST_BODY bytes of it. Torn when it ends before it should."""
    try:
        data = response.read(MOST_BODY)
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Torn(f"{response.status}, and then {_why(error)}") from error
    if response.length and len(data) < MOST_BODY:
        raise Torn(f"{response.status}, and then {response.length} bytes too few")
    return data.decode(errors="replace")


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _why(error: Exception) -> str:
    return bounded(f"{type(error).__name__}: {error}")
