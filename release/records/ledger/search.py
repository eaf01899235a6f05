"""Which events of a history somebody wants to see: by deployment, release, kind, person and time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from heapq import merge
from itertools import islice
from typing import Any, Literal

from release.process.errors import WrongUsage
from release.process.text import in_utc
from release.records.ledger.event import Event, parts_of
from release.records.ledger.stops import Change

NAMES = ("version", "release")  # the keys under which details name a release
REASONS = ("why", "reason", "reconfigured")  # the keys under which details give one
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


@dataclass(frozen=True, kw_only=True)
class Told:
    """One line of a history: an event, or a change of what is stopped; of which log, and what to say of its reason."""

    log: Literal["events", "stops"]
    entry: Event | Change
    deployment: str | None
    step: str | None = None

    @property
    def why(self) -> str:
        """The reason that it gives, a failure's or a person's, or what it configures; empty when it gives none."""
        return next((why for key in REASONS if isinstance(why := self.entry.details.get(key), str) and why), "")


def told_event(event: Event) -> Told:
    """An event as a line."""
    return Told(log="events", entry=event, deployment=event.deployment, step=event.step)


def told_change(change: Change) -> Told:
    """A change of what is stopped as a line; some are about a deployment."""
    deployment = change.details.get("deployment")
    return Told(log="stops", entry=change, deployment=deployment if isinstance(deployment, str) else None)


def merged(events: Iterable[Event], changes: Iterable[Change]) -> Iterator[Told]:
    """Both logs, each the newest first, as one by their times. Within a log its own order stands."""
    logs = map(told_event, events), map(told_change, changes)
    return merge(*logs, key=lambda told: told.entry.at, reverse=True)


def found(lines: Iterable[Told], wanted: Wanted, limit: int) -> list[Told]:
    """The first ``limit`` lines that are wanted, in their order; which release they are about was seen to before."""
    return list(islice((told for told in lines if _matches(told, wanted)), limit))


def names_release(change: Change, version: str) -> bool:
    """Whether a change of what is stopped is about a release."""
    return _names(change.details, version)


def concerning(events: Sequence[Event], version: str) -> list[Event]:
    """The events whose details name the release, and all others of their deployments."""
    naming = {event.seq for event in events if _names(event.details, version)}
    deployments = {event.deployment for event in events if event.seq in naming} - {None}
    return [event for event in events if event.seq in naming or event.deployment in deployments]


def of_deployment(events: Iterable[Event], deployment: str) -> Iterator[Event]:
    """The events of a deployment, by a history that begins with its first one; read no further than to its end."""
    for event in events:
        if event.deployment == deployment:
            yield event
        if _ends(event, deployment):
            return


def _ends(event: Event, deployment: str) -> bool:
    """Whether from this event on the deployment is not the one that is open."""
    parts = parts_of(event)
    opened = parts.get("open")
    return "open" in parts and not (isinstance(opened, dict) and opened.get("deployment") == deployment)


def moment(text: str, *, end_of_day: bool = False) -> datetime:
    """A UTC date, or date and time, in ISO 8601. A date alone is its first moment, or its last one."""
    try:
        at = datetime.fromisoformat(text)
        if end_of_day and len(text) == len("2026-11-21"):
            at = datetime.combine(at, time.max)
        return in_utc(at if at.tzinfo else at.replace(tzinfo=UTC))
    except ValueError:
        hint = "give one like 2026-11-21 or 2026-11-21T08:30"
        raise WrongUsage(f"{text} is no date in ISO 8601", hint=hint) from None


def _matches(told: Told, wanted: Wanted) -> bool:
    return (
        wanted.deployment in (None, told.deployment)
        and wanted.kind in (None, told.entry.kind)
        and (wanted.by is None or _is_of(told.entry.by, wanted.by))
        and _is_within(told.entry.at, wanted)
    )


def _is_within(at: str, wanted: Wanted) -> bool:
    """Whether it happened in the time that is wanted; of an entry whose time is none, only where any is."""
    if wanted.since is None and wanted.until is None:
        return True
    try:
        when = moment(at)
    except WrongUsage:
        return False
    return (wanted.since is None or when >= wanted.since) and (wanted.until is None or when <= wanted.until)


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
