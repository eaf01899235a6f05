"""What can go wrong, and the HTTP status each becomes."""

from __future__ import annotations


class Refused(Exception):
    """The request cannot be carried out as it is: `status` is the HTTP answer, the text says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class DatabaseUnavailable(Exception):
    """The database cannot be reached or broke off: answered with 503, so that callers try again."""
