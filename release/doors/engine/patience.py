"""Waiting for a stack that somebody else has locked."""

import time
from collections.abc import Callable

from release.doors.engine.locks import Locked, who
from release.process.interruption import INTERRUPTION

SHORTEST, LONGEST = 1.0, 15.0  # seconds between two tries, which grow: each starts a Pulumi
MOMENT = 0.5  # seconds until a signal is noticed


class Patience:
    """How long one call waits in all, and whom it tells."""

    def __init__(
        self, stack: str, limit: float, told: Callable[[str], None], pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._stack = stack
        self._limit = limit
        self._told = told
        self._pause = pause
        self._waited = 0.0
        self._between = SHORTEST
        self._told_of = ""

    def wait_for(self, locked: Locked) -> None:
        """Wait a while, longer each time. Locked when the limit is over, Interrupted when a signal comes."""
        left = self._limit - self._waited
        if left <= 0:
            raise self._given_up(locked)
        self._tell(who(locked.locks))
        self._sleep(min(self._between, left))
        self._waited += min(self._between, left)
        self._between = min(2 * self._between, LONGEST)

    def _tell(self, holders: str) -> None:
        """Once for each."""
        if holders != self._told_of:
            self._told_of = holders
            self._told(f"{self._stack} is locked by {holders}; waiting for it, at most {self._limit:.0f} s")

    def _sleep(self, seconds: float) -> None:
        while seconds > 0:
            INTERRUPTION.check()
            self._pause(min(MOMENT, seconds))
            seconds -= MOMENT
        INTERRUPTION.check()

    def _given_up(self, locked: Locked) -> Locked:
        if not self._waited:
            return locked
        message = f"{locked.args[0]}, also after waiting {self._waited:.0f} s"
        return Locked(message, hint=locked.hint, locks=locked.locks)
