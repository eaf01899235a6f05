"""The thread that asks the parts for their figures, keeps them, and judges all alarms: again and again."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from local.pace import Pace
from local.watching.alarms import KEPT, judged
from local.watching.figures import Measured
from local.watching.store import backends, forget, keep, read

log = logging.getLogger(__name__)

INTERVAL = 20.0  # seconds of declared time between two figures of a metric
SHORTEST = 0.5  # and, however fast the pace, of real time

Source = Callable[[float], Iterable[Measured]]


class Watching:
    """`sources` are given the time and answer with what they measured since they were asked last."""

    def __init__(self, sources: Sequence[Source], pace: Pace, clock: Callable[[], float] = time.time) -> None:
        self._sources = sources
        self._pace = pace
        self._clock = clock
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="watching", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def status(self) -> list[dict[str, Any]]:
        return [{"name": "watching", "state": "running" if self._thread.is_alive() else "crashed"}]

    def tick(self) -> None:
        """Once: what is measured, what is forgotten, what is judged. A part that fails does not stop the others."""
        now = self._clock()
        for source in self._sources:
            with _logged("measuring"):
                self._publish(source, now)
        for backend in backends():
            forget(backend, now - self._pace.shortened(KEPT))
            for alarm in list(backend.alarms.values()):
                with _logged(f"alarm {alarm.name}"):
                    self._judge(backend, alarm, now)

    def _run(self) -> None:
        while not self._stopping.wait(max(SHORTEST, self._pace.shortened(INTERVAL))):
            self.tick()

    def _publish(self, source: Source, now: float) -> None:
        for each in source(now):
            keep(cloudwatch_backends[each.account][each.region], each.metric, each.sample)

    def _judge(self, backend: Any, alarm: Any, now: float) -> None:
        verdict = judged(alarm, partial(read, backend), now, self._pace)
        if verdict.state != alarm.state_value:
            log.info("alarm %s: %s", alarm.name, verdict.reason)
            backend.set_alarm_state(alarm.name, verdict.reason, json.dumps(verdict.data), verdict.state)


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """Tell of an error and go on: watching must not end because one part fails."""
    try:
        yield
    except Exception:
        log.exception("%s failed", what)
