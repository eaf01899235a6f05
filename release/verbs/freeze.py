"""``release freeze ENV --until T --reason R``: keep every promotion out of an environment for a time."""

from datetime import datetime

import click

from release.call import Call, environment_argument, lift_option, pass_call, reason_option
from release.process.errors import Refused, WrongUsage
from release.process.text import utc_of
from release.records.ledger.stops import Cause, Stops, frozen, is_frozen, refuse_changed


@click.command("freeze")
@environment_argument
@reason_option
@click.option("--until", help="When it ends, with its zone, such as 2026-12-24T18:00+01:00.")
@lift_option
@pass_call
def command(call: Call, name: str, reason: str, until: str | None, lift: bool) -> None:
    """Keep promotions out of ENVIRONMENT until a time.

    A rollback is let through. It takes no lease: whoever is at work reads it before the switch. Another freeze makes it
    longer; --lift ends it before its time.

    Refused (3) where a freeze in force would end earlier by it, and, with --lift, where there is none. Usage (2) for a
    time without a zone, and for one that is over.

    \b
    Example: release freeze prod --until 2099-12-24T18:00+01:00 --reason holidays
    """
    if lift == (until is not None):
        raise click.UsageError("give either --until or --lift")
    if until is None:
        lift_freeze(call, name, reason=reason)
    else:
        freeze(call, name, until=until, reason=reason)
    text = f"{name} is frozen until {until}" if until else f"{name} is no longer frozen"
    call.show({"environment": name, "frozen_until": until, "reason": reason}, text)


def freeze(call: Call, name: str, *, until: str, reason: str) -> None:
    """Takes no lease, and lets a rollback through. Refused where a freeze in force would end earlier by it."""
    environment = call.opened(name)
    now = environment.ledger.now()
    end = checked_end(until, now)
    writer = environment.identify(call.ci)
    cause = Cause(reason=reason, by=writer.principal, at=now)
    details = {"reason": reason, "until": end.isoformat(timespec="seconds")}

    def rule(stops: Stops) -> Stops:
        _refuse_shorter(stops, now, end, name)
        return frozen(stops, cause, end)

    environment.stops.change("freeze set", rule, writer, details)


def lift_freeze(call: Call, name: str, *, reason: str) -> None:
    """End a freeze before its time. Refused when there is none."""
    environment, writer = call.at_work(name)
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
