"""Ctrl-C, SIGTERM and a closed terminal, while a deployment is at work; and the wish of others that it ends.

The first one is remembered and acted on where it is safe: between steps, between two looks at something that is
waited for, and by passing it on to the Pulumi that runs; an installation on a server is let go to its end. Raised in
the middle of a call it could be swallowed by boto3, or hide that an event was recorded. The second one ends the
process at once, with one line that names the way on: the ledger is only ever written by whole transactions, and
``release abort`` puts the rest back. A wish is heard where a first signal is, and passed on in the same way.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from release.process.errors import Interrupted, StagelineError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STDERR = 2


class Interruption:
    """What signals have come. There is one for the process, as there is one set of handlers."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._told = False
        self._process: subprocess.Popen[bytes] | None = None
        self._unasked: list[subprocess.Popen[bytes]] = []
        self._spared: list[subprocess.Popen[bytes]] = []
        self._way_on = ""
        self._depth = 0
        self._wish: Callable[[], object] | None = None
        self._heard: StagelineError | None = None

    @contextmanager
    def watched(self, way_on: str = "") -> Iterator[None]:
        """Remember signals instead of dying of them, until the end of the block.

        ``way_on`` is the command that goes on from where a second signal ends it, like "release abort dev". In a block
        inside another one a signal is remembered until the end of the outer one.
        """
        outer, self._way_on, self._depth = self._way_on, way_on, self._depth + 1
        before = {number: signal.signal(number, self._receive) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._way_on, self._depth = outer, self._depth - 1
            if self._depth == 0:
                self._received, self._told = None, False

    @contextmanager
    def heeding(self, wish: Callable[[], object]) -> Iterator[None]:
        """Let ``wish`` end what is at work, by raising, wherever a signal would, until the end of the block; once."""
        outer, self._wish = self._wish, wish
        try:
            yield
        finally:
            self._wish, self._heard = outer, None

    def check(self) -> None:
        """Raise Interrupted, once, when a signal has come; or what a wish says. What puts things back afterwards is not
        stopped by it.
        """
        if self._received is not None and not self._told:
            self._told = True
            raise Interrupted(self._received, f"it was interrupted by {signal.Signals(self._received).name}")
        self.listen()
        heard, self._heard = self._heard, None
        if heard is not None:
            raise heard

    def listen(self) -> None:
        """Ask whether a wish has come, while Pulumi runs: it is asked to end then, and ``check`` says why."""
        if self._wish is None:
            return
        try:
            self._wish()
        except StagelineError as error:
            self._wish, self._heard = None, error
            self._ask_to_end()

    @contextmanager
    def passed_on_to(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Pass the first signal on as one SIGTERM: Pulumi then ends its operation and frees its lock."""
        self._process, self._unasked = process, [process]
        try:
            if self._received is not None and not self._told:
                self._ask_to_end()
            yield
        finally:
            self._process, self._unasked = None, []

    @contextmanager
    def sparing(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Let a process in a session of its own go to its end: only a second signal ends it, together with this one."""
        self._spared.append(process)
        try:
            yield
        finally:
            self._spared.remove(process)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._received is not None:
            self._end_at_once(number)
        self._received = number
        self._ask_to_end()

    def _ask_to_end(self) -> None:
        """Once only: a second SIGTERM ends Pulumi at once. Taking from a list is one step that no signal divides."""
        with suppress(IndexError):
            self._unasked.pop().terminate()

    def _end_at_once(self, number: int) -> None:
        """Nothing here may fail or wait: standard error may be closed, and the process gone."""
        for process in (self._process, *self._spared):
            if process is not None:
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
        with suppress(OSError):
            os.write(STDERR, self._last_words(number).encode())
        os._exit(128 + number)

    def _last_words(self, number: int) -> str:
        ended = f"release: ended at once by a second signal ({signal.Signals(number).name})"
        return f"{ended}; what it began is not put back: {self._way_on}\n" if self._way_on else f"{ended}\n"


INTERRUPTION = Interruption()
