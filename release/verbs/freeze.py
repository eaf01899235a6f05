"""``release freeze ENV --until T --reason R``: keep every promotion out of an environment for a time."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from release.deployment.stops import Cause, frozen
from release.environment import open_environment
from release.errors import Refused, WrongUsage
from release.ledger.ledger import Entry


def freeze(project_dir: Path, name: str, *, until: str, reason: str, ci: str) -> None:
    """Freeze until then, whatever freeze there was. A rollback is let through."""
    environment = open_environment(project_dir, name)
    now = environment.ledger.now()
    end = checked_end(until, now)
    writer = environment.identify(ci)
    head = environment.ledger.head()
    state = frozen(head.state, Cause(reason=reason, by=writer.principal, at=now), end)
    details = {"reason": reason, "until": end.isoformat(timespec="seconds")}
    environment.ledger.note(Entry(kind="freeze set", state=state, details=details), head, writer)


def lift_freeze(project_dir: Path, name: str, *, reason: str, ci: str) -> None:
    """End a freeze before its time. Refused when there is none."""
    environment = open_environment(project_dir, name)
    writer = environment.identify(ci)
    head = environment.ledger.head()
    if head.state.freeze is None:
        raise Refused(f"{name} is not frozen", hint=f"see: release status {name}")
    details = {"reason": reason, "frozen_for": head.state.freeze.reason}
    environment.ledger.note(
        Entry(kind="freeze lifted", state=replace(head.state, freeze=None), details=details), head, writer
    )


def checked_end(text: str, now: datetime) -> datetime:
    """The end of a freeze in UTC, when it is a time that names its zone and is still to come."""
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{text[:80]!r} is no time", hint="give one like 2026-12-24T18:00+01:00") from None
    if end.tzinfo is None:
        raise WrongUsage(f"{text} names no zone", hint=f"give one like {text}+01:00, or {text}Z for UTC")
    if end <= now:
        raise WrongUsage(f"{text} is over", hint=f"it is {now.isoformat(timespec='seconds')} now")
    return end.astimezone(UTC)
