"""Which events of a history somebody wants to see: by deployment, release, kind, person and time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import islice
from typing import Any

from release.errors import WrongUsage
from release.ledger.event import Event

NAMES = ("version", "release")  # the keys under which details name a release
FORMER = "former"  # in a plan: what was there before, and is not what the deployment was about


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for; None is anything. Times are included, in UTC."""

    deployment: str | None = None
    release: str | None = None
    kind: str | None = None
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        """Whether it asks for less than everything."""
        return self != Wanted()


def found(events: Iterator[Event], wanted: Wanted, limit: int) -> list[Event]:
    """The first ``limit`` events that are wanted, in their order. Only a release needs the whole history read."""
    if wanted.release is None:
        return list(islice((event for event in events if _matches(event, wanted)), limit))
    everything = list(events)
    concerned = concerning(everything, wanted.release)
    return [event for event in everything if event.seq in concerned and _matches(event, wanted)][:limit]


def concerning(events: Sequence[Event], version: str) -> set[int]:
    """The numbers of the events whose details name the release, and of all others of their deployments."""
    naming = {event.seq for event in events if _names(event.details, version)}
    deployments = {event.deployment for event in events if event.seq in naming} - {None}
    return naming | {event.seq for event in events if event.deployment in deployments}


def moment(text: str, *, end_of_day: bool = False) -> datetime:
    """A UTC date, or date and time, in ISO 8601. A date alone is its first moment, or its last one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        hint = "give one like 2026-11-21 or 2026-11-21T08:30"
        raise WrongUsage(f"{text} is no date in ISO 8601", hint=hint) from None
    if end_of_day and len(text) == len("2026-11-21"):
        at = datetime.combine(at, time.max)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _matches(event: Event, wanted: Wanted) -> bool:
    at = datetime.fromisoformat(event.at)
    return (
        wanted.deployment in (None, event.deployment)
        and wanted.kind in (None, event.kind)
        and (wanted.by is None or _is_of(event.by, wanted.by))
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at <= wanted.until)
    )


def _is_of(principal: str, name: str) -> bool:
    """Whether a principal's ARN is ``name``, or ends with it: `user/ops` and `ops` are enough."""
    return principal == name or principal.endswith((f":{name}", f"/{name}"))


def _names(value: Any, version: str) -> bool:
    """Whether a release is named in details, at any depth."""
    if isinstance(value, list):
        return any(_names(part, version) for part in value)
    if not isinstance(value, dict):
        return False
    return any(
        (key in NAMES and part == version) or (key != FORMER and _names(part, version)) for key, part in value.items()
    )
