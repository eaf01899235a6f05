"""Somebody who asks a slot for its health again and again, while something is done to the other slot."""

import http.client
from threading import Event, Thread

PAUSE = 0.03


class Visitor:
    """Asks from `with` to its end. `answers` are the different ones it got, as (status, body)."""

    def __init__(self, port: int) -> None:
        self.answers: set[tuple[int, str]] = set()
        self.asked = 0
        self._port = port
        self._ended = Event()
        self._thread = Thread(target=self._ask_until_ended, daemon=True)

    def __enter__(self) -> "Visitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask_until_ended(self) -> None:
        while not self._ended.wait(PAUSE):
            self.answers.add(self._answer())
            self.asked += 1

    def _answer(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/health")
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, type(error).__name__
        finally:
            connection.close()
