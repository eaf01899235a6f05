"""The event loop of the servers' SSH doors, in a thread of its own."""

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

from local.errors import CloudError

log = logging.getLogger(__name__)

_T = TypeVar("_T")
LOOK = 0.5  # seconds between looks at whether the thread still lives


class LoopCrashed(CloudError):
    """The thread has ended, so nothing in it will ever answer."""


class LoopThread:
    """One event loop in a thread of its own, for the doors of all servers."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="ssh", daemon=True)
        self._thread.start()

    @property
    def lives(self) -> bool:
        return self._thread.is_alive()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run it there, and wait for it here. Raises LoopCrashed rather than to wait for what is dead."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        while not _done(future, LOOK):
            if not self.lives:
                work.close()
                raise LoopCrashed("the SSH part of the local cloud has crashed: run local-cloud down, then up")
        return future.result()

    def close(self) -> None:
        if self.lives:
            self.run(end_all_tasks())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:  # all else ends in the task that raises it
            log.error("the SSH part has crashed: %r", error)


def _done(future: "Future[Any]", within: float) -> bool:
    try:
        future.exception(within)
    except TimeoutError:
        return future.done()
    return True


async def end_all_tasks() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
