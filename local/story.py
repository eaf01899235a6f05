"""A story whose every sentence is proved: what is said is asked, and a sentence that is not true ends the story."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


class NotTrue(Exception):
    """A sentence of the story was not true; its text says which one and what was found."""


class Story:
    """Tells chapters, proves sentences, and keeps the time of each chapter."""

    def __init__(self) -> None:
        self.proved = 0
        self._seconds: dict[str, float] = {}

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """One part of the story; its time ends up in the table."""
        click.secho(f"\n{title}", bold=True)
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[title] = time.monotonic() - began

    def say(self, sentence: str, found: object, expected: object = True) -> None:
        """Tell a sentence that is true when ``found`` is what was ``expected``. Raises NotTrue when it is not."""
        if found != expected:
            raise NotTrue(f"not true: {sentence} (expected {expected!r}, found {found!r})")
        self.proved += 1
        click.echo(f"  {click.style('✓', fg='green')} {sentence}")

    def times(self) -> str:
        """How long each chapter took, in seconds."""
        total = sum(self._seconds.values())
        rows = [*self._seconds.items(), ("in all", total)]
        return "\n".join(f"  {seconds:6.1f} s  {title}" for title, seconds in rows)


def eventually(answer: Callable[[], object], expected: object, limit: float = 20.0) -> object:
    """What ``answer`` gives once it is ``expected``, or its last answer after ``limit`` seconds."""
    end = time.monotonic() + limit
    while (found := answer()) != expected and time.monotonic() < end:
        time.sleep(0.1)
    return found
