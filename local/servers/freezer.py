"""Holds a server's processes still: all the time (it hangs), or most of it (it is slow)."""

import signal
import threading

from local.servers import processes

STILL = 0.18  # seconds of each round


class Freezer:
    """Works from its making until `thaw`, also on processes that are started meanwhile."""

    def __init__(self, mark: str, *, moving: float) -> None:
        """`moving` is how long, of each round, the processes run: 0 for not at all."""
        self._mark = mark
        self._moving = moving
        self._thawing = threading.Event()
        self._freeze()
        self._thread = threading.Thread(target=self._work, name="freezer", daemon=True)
        self._thread.start()

    def thaw(self) -> None:
        """Let all go on."""
        self._thawing.set()
        self._thread.join()
        with processes.held(self._mark) as handles:
            processes.send(handles, signal.SIGCONT)

    def _work(self) -> None:
        while not self._thawing.wait(STILL):
            if self._moving:
                self._let_move()
            self._freeze()

    def _let_move(self) -> None:
        with processes.held(self._mark) as handles:
            processes.send(handles, signal.SIGCONT)
        self._thawing.wait(self._moving)

    def _freeze(self) -> None:
        with processes.held(self._mark) as handles:
            processes.send(handles, signal.SIGSTOP)
