"""What `release` tells the program of a `pulumi up` that it starts, in the program's environment."""

from __future__ import annotations

from collections.abc import Iterable

FENCE = "STAGELINE_FENCE"
"""The fence under which it was started: the program refuses under any other one. A person's own `up` has none."""

PASSED_OVER = "STAGELINE_PASS_OVER"
"""The names of servers that this `up` does without."""


def passed_over_text(names: Iterable[str]) -> str:
    """These names as the variable's value."""
    return ",".join(names)


def parse_passed_over(text: str) -> frozenset[str]:
    """The names in the variable's value."""
    return frozenset(filter(None, text.split(",")))
