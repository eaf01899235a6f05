"""An entry of the ledger, and the chain that makes a cut, edited or reordered entry visible.

Every event carries the whole state that it led to and the hash of the event before it. HEAD can therefore be checked
against the last event, and any event against its neighbours.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from release.canonical import canonical_json, sha256_hex
from release.errors import Broken
from release.head import Head, State

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened. ``at`` is UTC, ISO 8601; ``by`` the AWS principal; ``previous`` the hash before it."""

    seq: int
    at: str
    kind: str
    by: str
    host: str
    nonce: str
    previous: str
    fence: int
    state: State
    deployment: str | None = None
    step: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)


def event_hash(event: Event) -> str:
    """The hash that the next event and HEAD carry."""
    return sha256_hex(event_json(event).encode())


def event_json(event: Event) -> str:
    """An event as it is stored and hashed."""
    return canonical_json(asdict(event)).decode()


def parse_event(text: str) -> Event:
    """An event as it was stored."""
    try:
        return _EVENT.validate_json(text)
    except ValidationError:
        raise Broken("an event of the ledger is not readable", hint="see which with: release verify") from None


def chain_faults(events: Iterable[Event], head: Head) -> tuple[str, ...]:
    """What is wrong with the chain from event 0 to HEAD, in order; empty when nothing is."""
    faults: list[str] = []
    expected, last_hash, last_state = 0, GENESIS, None
    for event in events:
        faults += _link_faults(event, expected, last_hash)
        expected, last_hash, last_state = event.seq + 1, event_hash(event), event.state
    return (*faults, *_head_faults(head, expected, last_hash, last_state))


def _link_faults(event: Event, expected: int, last_hash: str) -> list[str]:
    if event.seq != expected:
        return [f"event {expected} is missing: event {event.seq} follows"]
    if event.previous != last_hash:
        return [f"event {event.seq} does not follow the event before it: one of them was changed"]
    return []


def _head_faults(head: Head, expected: int, last_hash: str, last_state: State | None) -> list[str]:
    if head.seq != expected - 1:
        return [f"HEAD is at event {head.seq}, the last event is {expected - 1}"]
    if head.hash != last_hash:
        return [f"HEAD does not carry the hash of event {head.seq}: the last event was changed"]
    if head.state != last_state:
        return [f"HEAD's state is not the one of event {head.seq}: HEAD was changed"]
    return []


_EVENT = TypeAdapter(Event)
