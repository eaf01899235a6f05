"""``release freeze ENV --until T --reason R``: keep every promotion out of an environment for a time."""

from datetime import datetime
from pathlib import Path

from release.environment import open_environment
from release.errors import Refused, WrongUsage
from release.ledger.stops import Cause, Stops, frozen, is_frozen, refuse_changed
from release.text import utc_of


def freeze(project_dir: Path, name: str, *, until: str, reason: str, ci: str) -> None:
    """Takes no lease, and lets a rollback through. Refused where a freeze in force would end earlier by it."""
    environment = open_environment(project_dir, name)
    now = environment.ledger.now()
    end = checked_end(until, now)
    writer = environment.identify(ci)
    cause = Cause(reason=reason, by=writer.principal, at=now)
    details = {"reason": reason, "until": end.isoformat(timespec="seconds")}

    def rule(stops: Stops) -> Stops:
        _refuse_shorter(stops, now, end, name)
        return frozen(stops, cause, end)

    environment.stops.change("freeze set", rule, writer, details)


def lift_freeze(project_dir: Path, name: str, *, reason: str, ci: str) -> None:
    """End a freeze before its time. Refused when there is none."""
    environment = open_environment(project_dir, name)
    writer = environment.identify(ci)
    freeze = environment.stops.read().freeze
    if freeze is None:
        raise Refused(f"{name} is not frozen", hint=f"see: release status {name}")
    details = {"reason": reason, "frozen_for": freeze.reason}

    def rule(stops: Stops) -> Stops:
        refuse_changed(stops.freeze, freeze, f"the freeze of {name}")
        return stops.but(freeze=None)

    environment.stops.change("freeze lifted", rule, writer, details)


def checked_end(text: str, now: datetime) -> datetime:
    """The end of a freeze in UTC, when it is a time that names its zone and is still to come."""
    try:
        end = utc_of(text)
    except ValueError as error:
        why = f"{text[:80]!r} is no time with a zone: {error}"
        raise WrongUsage(why, hint="give one like 2026-12-24T18:00+01:00") from None
    if end <= now:
        raise WrongUsage(f"{text} is over", hint=f"it is {now.isoformat(timespec='seconds')} now")
    return end


def _refuse_shorter(stops: Stops, now: datetime, end: datetime, name: str) -> None:
    """Whoever means to end somebody's freeze earlier lifts it first: a date alone may be a slip."""
    freeze = stops.freeze
    if freeze and is_frozen(stops, now) and freeze.end > end:
        raise Refused(
            f"{name} is frozen for longer, until {freeze.until} by {freeze.by}: {freeze.reason}",
            hint=f"to end that earlier, lift it first: release freeze {name} --lift --reason WHY",
        )
