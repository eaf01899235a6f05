"""Requests sent all the time while something else happens: did anybody notice?"""

import json
import threading
import time
import urllib.request
from types import TracebackType
from typing import Self

PAUSE = 0.05  # seconds between two requests: enough to meet every moment, little enough for a small machine


class Traffic:
    """Asks a URL again and again in a thread of its own, from ``with`` to its end.

    ``versions`` are the releases that answered, in order, each named when it changed, and ``since`` the moments by
    ``time.monotonic()`` of their first answers. ``pause`` is the seconds between two requests.
    """

    def __init__(self, url: str, pause: float = PAUSE) -> None:
        self.sent = 0
        self.failed: list[str] = []
        self.versions: list[str] = []
        self.since: list[float] = []
        self._url = url
        self._pause = pause
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask_until_ended, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _ask_until_ended(self) -> None:
        while not self._ended.wait(self._pause):
            self._ask()

    def _note(self, version: str) -> None:
        if self.versions[-1:] != [version]:
            self.since.append(time.monotonic())
            self.versions.append(version)

    def _ask(self) -> None:
        self.sent += 1
        began = time.monotonic()
        try:
            with urllib.request.urlopen(self._url, timeout=10) as response:
                self._note(json.load(response)["version"])
        except (OSError, ValueError) as error:
            self.failed.append(f"after {time.monotonic() - began:.1f} s: {error}")
