"""Being told to stop: a failure like any other, so that the slot is put back, and held back while that is done."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from components.host.installer.errors import Stopped

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def fail_on_signals() -> None:
    """Being told to stop is a failure like any other: the slot is put back."""
    for number in SIGNALS:
        signal.signal(number, interrupted)


def interrupted(number: int, frame: Any) -> None:
    ignore_signals()
    raise Stopped(f"stopped by signal {number}, by a time limit or by hand")


def ignore_signals() -> None:
    """By a handler that does nothing: SIG_IGN would be inherited by everything started from here."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back being told to stop until the end: being put back half-way is the one thing a slot must not be."""
    held: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: held.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])
