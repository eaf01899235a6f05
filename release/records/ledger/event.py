"""An entry of the ledger: one thing that happened, and how it is stored.

Every event carries what it changed in the state, the hash of the whole state that it led to, and the hash of the event
before it. That one is the SHA-256 of the text as it is stored, never of a value that was read and written again: when
a state gets another part, what was written before keeps its hash. What an event carries has a bound.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from release.process.canonical import sha256_hex
from release.process.errors import Broken
from release.process.form import FORMAT, Form, read_form, stored
from release.records.ledger.ending import Ending
from release.records.ledger.head import State, changed

GENESIS = "0" * 64
Details = dict[str, Any]  # what an event tells besides: of a step, what it found and did


class Event(Form):
    """One thing that happened. ``at`` is UTC, ISO 8601; ``by`` the AWS principal; ``previous`` the hash before it.

    ``changed`` are the parts of the state that are others than before, ``state_hash`` is that of the whole.
    ``ended`` is the deployment that is over with it.
    """

    seq: int
    at: str
    kind: str
    by: str
    host: str
    nonce: str
    previous: str
    fence: int
    changed: dict[str, Any] = Field(default_factory=dict)
    state_hash: str = ""
    deployment: str | None = None
    step: str | None = None
    ended: Ending | None = None
    details: Details = Field(default_factory=dict)
    format: int = FORMAT


def event_json(event: Event) -> str:
    """An event as it is stored."""
    return stored(event)


def text_hash(text: str) -> str:
    """The hash that the next event and HEAD carry, of an event's stored text."""
    return sha256_hex(text.encode())


def parse_event(text: str, seq: int) -> Event:
    """The event that was stored as number ``seq``; Broken when it is not readable."""
    return read_form(Event, text, f"event {seq} of the ledger")


def parts_of(event: Event) -> dict[str, Any]:
    """The parts of the state that an event tells of: those that it changed. Events of format 1 carry all of them."""
    whole = (event.model_extra or {}).get("state")
    return whole if isinstance(whole, dict) else event.changed


def with_states(events: Iterable[Event]) -> Iterator[tuple[Event, State]]:
    """Events from the first on, each with the state that it led to."""
    state: State | None = None
    for event in events:
        state = state_after(state, event)
        yield event, state


def state_after(before: State | None, event: Event) -> State:
    """The state that an event led to; Broken when what it carries makes none."""
    try:
        return changed(before, parts_of(event))
    except ValueError:
        raise Broken(f"event {event.seq} of the ledger leads to no state", hint="see: release audit ENV") from None
