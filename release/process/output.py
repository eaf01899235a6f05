"""What a verb shows: progress on stderr while it works, its result on stdout when it is done.

Nothing that others said moves the cursor or begins a line: see `release.process.text`.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from release.process.text import bounded, json_text, printable_lines


class Progress:
    """Says which step is running and how long each took: a live line on a terminal, dated lines elsewhere.

    Nobody has to listen: a terminal that was closed and a pipe whose reader ended stop no work.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    @contextmanager
    def step(self, subject: str, what: str) -> Iterator[None]:
        """Time one step of work on ``subject``."""
        subject, what = bounded(subject), bounded(what)
        began = time.monotonic()
        if self._stream.isatty():
            self._write(f"  … {subject}: {what}\r")
        try:
            yield
        except BaseException:
            self._end(subject, what, "failed", began)
            raise
        self._end(subject, what, "done", began)

    def note(self, text: str) -> None:
        """Say why nothing happens just now: over the running step on a terminal, as a dated line elsewhere."""
        if self._stream.isatty():
            self._write(f"    {bounded(text)}\033[K\r")
        else:
            self._write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {bounded(text)}\n")

    def _end(self, subject: str, what: str, how: str, began: float) -> None:
        seconds = time.monotonic() - began
        if self._stream.isatty():
            mark = "✓" if how == "done" else "✗"
            self._write(f"  {mark} {subject}: {what}  {seconds:.1f} s\033[K\n")
        else:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._write(f"{now} {subject}: {what} {how} after {seconds:.1f} s\n")

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def show(value: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print a verb's result: ``value`` as JSON, or ``text`` for people."""
    sys.stdout.write((json_text(value) if as_json else printable_lines(text)) + "\n")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns under headings; each cell is one printable line."""
    lines = [list(headings), *([bounded(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
