"""The door to releases: HTTP requests through a listener, each one timed.

A listener that cannot be reached says nothing about the release; one that is reached and stays silent does. So an
answer tells the two apart, and the time of an answer is without that of connecting.
"""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MOST_BODY = 1_000_000
LIMIT = 5.0  # seconds to connect, and at least that long for an answer


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

    ``late``: the listener was reached, and did not answer in time. Status 0 without it: it could not be asked.
    """

    status: int
    body: str
    milliseconds: int
    late: bool = False

    @property
    def reached(self) -> bool:
        """Whether this says something about the release."""
        return self.status != 0 or self.late


class Probe:
    """Asks one URL at a time, each time over a new connection, so that every answer may come from another server."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit

    def send(self, base: str, request: Request) -> Answer:
        """Send ``request`` to the listener at ``base`` (``http://host:port``). No answer is status 0, not an error."""
        try:
            connection = self._connect(base)
        except (OSError, ValueError) as error:
            return Answer(status=0, body=_why(error), milliseconds=0)
        try:
            return _exchange(connection, request)
        finally:
            connection.close()

    def _connect(self, base: str) -> http.client.HTTPConnection:
        url = urlsplit(base)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=self._limit)
        connection.connect()
        return connection


def _exchange(connection: http.client.HTTPConnection, request: Request) -> Answer:
    """One answer, from the request's first byte to the answer's last."""
    began = time.monotonic()
    connection.sock.settimeout(request.seconds)
    try:
        body = None if request.body is None else request.body.encode()
        connection.request(request.method, request.path, body, {"User-Agent": "stageline", **request.headers})
        response = connection.getresponse()
        text = response.read(MOST_BODY).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        late = isinstance(error, TimeoutError)
        return Answer(status=0, body=_why(error), milliseconds=_since(began), late=late)
    return Answer(status=response.status, body=text, milliseconds=_since(began))


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
