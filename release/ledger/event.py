"""An entry of the ledger: one thing that happened, and how it is stored.

Every event carries the whole state that it led to and the hash of the event before it. That hash is the SHA-256 of the
text as it is stored, never of a value that was read and written again: when a state gets another part, what was written
before keeps its hash.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from release.errors import Broken
from release.ledger.canonical import canonical_json, sha256_hex
from release.ledger.head import State, first_problem

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


def event_json(event: Event) -> str:
    """An event as it is stored."""
    return canonical_json(asdict(event)).decode()


def text_hash(text: str) -> str:
    """The hash that the next event and HEAD carry, of an event's stored text."""
    return sha256_hex(text.encode())


def parse_event(text: str, seq: int) -> Event:
    """The event that was stored as number ``seq``; Broken when it is not readable."""
    try:
        return _EVENT.validate_json(text)
    except ValidationError as error:
        raise Broken(
            f"event {seq} of the ledger is not readable: {first_problem(error)}",
            hint="see what else is wrong with: release verify",
        ) from None


_EVENT = TypeAdapter(Event)
