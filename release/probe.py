"""The door to servers: HTTP requests through a listener, each one timed."""

import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

MOST_BODY = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the status (0 when nothing did), the body, and how long it took in milliseconds."""

    status: int
    body: str
    milliseconds: int


class Probe:
    """Asks one URL at a time, each time over a new connection, so that every answer may come from another server."""

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = timeout

    def get(self, base: str, path: str) -> Answer:
        """GET ``path`` from the listener at ``base`` (``http://host:port``). No answer is status 0, not an error."""
        began = time.monotonic()
        try:
            status, body = self._exchange(base, path)
        except (TimeoutError, OSError, http.client.HTTPException) as error:
            status, body = 0, f"{type(error).__name__}: {error}"
        return Answer(status=status, body=body, milliseconds=round((time.monotonic() - began) * 1000))

    def _exchange(self, base: str, path: str) -> tuple[int, str]:
        url = urlsplit(base)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=self._timeout)
        try:
            connection.request("GET", path, headers={"User-Agent": "stageline"})
            response = connection.getresponse()
            return response.status, response.read(MOST_BODY).decode(errors="replace")
        finally:
            connection.close()
