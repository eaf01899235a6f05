"""What kind of failure it was that ended a deployment's step."""

from release.process.errors import (
    Broken,
    Inconclusive,
    Interrupted,
    StagelineError,
    VerificationFailed,
)
from release.rules.plan import (
    Outcome,
)
from release.rules.wanted import Held, Unwanted


def outcome_of(failure: StagelineError) -> Outcome:
    """What kind of failure it is."""
    kinds: tuple[tuple[type[StagelineError], Outcome], ...] = (
        (Unforeseen, "unforeseen"),
        (VerificationFailed, "failed"),
        (Inconclusive, "inconclusive"),
        (Interrupted, "interrupted"),
        (Unwanted, "stopped"),
        (Held, "held"),
    )
    return next((outcome for kind, outcome in kinds if isinstance(failure, kind)), "errored")


class Unforeseen(Broken):
    """An error that nobody foresaw (exit code 1)."""


def as_failure(error: Exception) -> StagelineError:
    """The error as one that is told in a line, whatever it was."""
    return error if isinstance(error, StagelineError) else Unforeseen(f"unexpected {type(error).__name__}: {error}")
