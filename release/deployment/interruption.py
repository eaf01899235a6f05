"""Ctrl-C, SIGTERM and a closed terminal, while a deployment is at work.

The first one is remembered and acted on where it is safe: between steps, between two looks at something that is
waited for, and by passing it on to the Pulumi that runs. Raised in the middle of a call it could be swallowed by
boto3, or hide that an event was recorded. The second one ends the process at once: the ledger is only ever written
by whole transactions, and ``release abort`` puts the rest back.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from release.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Interruption:
    """What signals have come. There is one for the process, as there is one set of handlers."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._told = False
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Remember signals instead of dying of them, until the end of the block."""
        before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._received, self._told = None, False

    def check(self) -> None:
        """Raise Interrupted, once, when a signal has come. What puts things back afterwards is not stopped by it."""
        if self._received is not None and not self._told:
            self._told = True
            raise Interrupted(self._received, f"it was interrupted by {signal.Signals(self._received).name}")

    @contextmanager
    def passed_on_to(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Pass the first signal on as one SIGTERM: Pulumi then ends its operation and frees its lock."""
        self._process = process
        try:
            if self._received is not None and not self._told:
                process.terminate()
            yield
        finally:
            self._process = None

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._received is not None:
            self._end_at_once(number)
        self._received = number
        if self._process is not None:
            self._process.terminate()

    def _end_at_once(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        os._exit(128 + number)


INTERRUPTION = Interruption()
