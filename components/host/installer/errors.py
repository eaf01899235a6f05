"""What ends a verb badly, and how it is told: one line, without secrets."""

from __future__ import annotations

from components.host.installer.told import last_line


class Failure(Exception):
    """Something broke. The text is one line without secrets: what happened, why, what to do next."""


class Refused(Failure):
    """A rule said no before the slot was touched."""


class Busy(Refused):
    """Another run is at work in the slot, and did not end within the time that this one waits."""


class NotHealthy(Failure):
    """What runs in the slot is not the healthy release that it should be."""


class Stopped(Failure):
    """Somebody, or a time limit, told this run to stop."""


def describe(error: Exception) -> str:
    """One line for people. Of errors that nobody foresaw only the kind: their text could hold anything."""
    if isinstance(error, Failure):
        return str(error)
    if isinstance(error, OSError):
        where = f" at {last_line(str(error.filename))}" if error.filename else ""  # releases name files as they like
        return f"the server failed with '{error.strerror}'{where}: look at its disk (df -h)"
    return f"the installer failed unexpectedly ({type(error).__name__}); report this"
