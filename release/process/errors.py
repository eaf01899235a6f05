"""How a verb ends when it does not end well: one error per exit code, one line per failure.

The line says what happened, why, and what to do next. *Refused* is a rule that said no; *Broken* is AWS, Pulumi or a
server that failed; *Inconclusive* could not tell; *LeaseHeld* is somebody else at work.

What was said by others becomes part of messages, and messages become part of events and screens: each is one printable
line of at most MOST_MESSAGE characters, its hint one of at most MOST_HINT, whatever they are made of.
"""

from typing import ClassVar

from release.process.text import bounded

MOST_MESSAGE = 1500
MOST_HINT = 498


class StagelineError(Exception):
    """The base of every error that a user is told in one line.

    ``hint`` is what to do next; ``exit_code`` is what the process ends with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(bounded(message, MOST_MESSAGE))
        self.hint = hint

    @property
    def hint(self) -> str:
        """What to do next; empty when there is nothing."""
        return self._hint

    @hint.setter
    def hint(self, hint: str) -> None:
        self._hint = bounded(hint, MOST_HINT)

    def put_in_context(self, context: str) -> None:
        """Tell first what the failure meant for the work as a whole."""
        self.args = (bounded(f"{context}: {self.args[0]}", MOST_MESSAGE),)

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}; {self.hint}" if self.hint else message


class Broken(StagelineError):
    """AWS, Pulumi or a server failed (exit code 1)."""


class NotBegun(Broken):
    """Nobody was asked for anything yet: Pulumi looked at no resource, and no server at an order (exit code 1)."""


class VerificationFailed(Broken):
    """The release answered, and wrongly: its verdict is *failed*, not merely unknown (exit code 1)."""


class WrongUsage(StagelineError):
    """The command was given something that it cannot mean (exit code 2)."""

    exit_code = 2


class Refused(StagelineError):
    """A rule said no; nothing was changed by the refusal (exit code 3)."""

    exit_code = 3


class Inconclusive(StagelineError):
    """It could not be told whether it worked (exit code 4)."""

    exit_code = 4


class LeaseHeld(StagelineError):
    """Somebody else holds the environment's lease (exit code 5)."""

    exit_code = 5


class ToldToEnd(StagelineError):
    """A signal, a wish, or who took it over ends the work: whatever forgives failures lets this through."""


class LeaseLost(ToldToEnd, Refused):
    """The lease was taken over while this process slept: it must not touch anything any more (exit code 3)."""


class Interrupted(ToldToEnd):
    """A signal ended the verb after it had put things back (exit code 130 or 143)."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number
