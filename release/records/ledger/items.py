"""The items of a ledger's table as they are written: each with the condition under which it may be.

A condition looks at attributes beside the text. HEAD's nonce is new with every event, and stands for its number. The
lease has a word there while somebody has it, so that a heartbeat that comes late takes back nothing that was given up.
"""

from release.doors.aws.table import Item, Write
from release.process.form import stored
from release.records.ledger.event import Event, event_json
from release.records.ledger.head import Head, head_json
from release.records.ledger.index import LIVE, Known, Lived, known_json, known_kind
from release.records.ledger.lease import Lease, lease_json
from release.records.ledger.stops import ENTRY, NOW, Change, Stops, stops_json

NEW = "attribute_not_exists(body)"
HELD = "held"  # beside the lease while somebody has it


def new_event(event: Event) -> Write:
    """An event that nobody wrote yet."""
    return Write(
        kind="EVENT",
        seq=event.seq,
        body=event_json(event),
        fence=event.fence,
        nonce=event.nonce,
        condition=NEW,
        values={},
    )


def first_head(head: Head) -> Write:
    """HEAD of a new ledger."""
    return _head(head, NEW, {})


def next_head(head: Head, before: Head) -> Write:
    """HEAD after an event, while it is still the one ``before``."""
    return _head(head, "nonce = :nonce AND fence = :fence", {":nonce": before.nonce, ":fence": before.fence})


def taken_lease(lease: Lease, before: Item | None) -> Write:
    """A new holder's lease, while the item is still to the letter the one that was read; None when there was none."""
    condition, values = _unchanged(before)
    return _lease(lease, condition, values)


def held_lease(lease: Lease) -> Write:
    """A holder's own lease, renewed or released: nobody took it over, and it was not given back."""
    return _lease(lease, "fence = :fence AND nonce = :held", {":fence": lease.fence, ":held": HELD})


def known_release(known: Known) -> Write:
    """What is known of a release, whatever stands there: the condition on HEAD in the same transaction is enough."""
    return Write(kind=known_kind(known.release), body=known_json(known), condition="", values={})


def new_life(lived: Lived, seq: int) -> Write:
    """A release that became live by event ``seq``; what somebody put there before is not that event's."""
    return Write(kind=LIVE, seq=seq, body=known_json(lived), condition="", values={})


def next_stops(stops: Stops, before: Item | None) -> Write:
    """What stands after a change, while what stood before is still to the letter what was read."""
    condition, values = _unchanged(before)
    return Write(kind=NOW, body=stops_json(stops), nonce=stops.nonce, condition=condition, values=values)


def new_change(change: Change) -> Write:
    """A change of what stands that nobody wrote yet."""
    return Write(kind=ENTRY, seq=change.seq, body=stored(change), nonce=change.nonce, condition=NEW, values={})


def new_version(kind: str, number: int, body: str) -> Write:
    """A version of what is configured that nobody noted yet."""
    return Write(kind=kind, seq=number, body=body, condition=NEW, values={})


def same_version(kind: str, before: Item, body: str) -> Write:
    """A version of which more is to be said, while it is still what was read."""
    condition, values = _unchanged(before)
    return Write(kind=kind, seq=before.seq, body=body, condition=condition, values=values)


def beside(item: Item) -> dict[str, int | str]:
    """What the table holds beside a text, for conditions."""
    return {"nonce": item.nonce, "fence": item.fence}


def _unchanged(before: Item | None) -> tuple[str, dict[str, int | str]]:
    """The condition that an item is still the one that was read. One without a text may have lost even that."""
    if before is None:
        return NEW, {}
    return ("body = :before" if before.body else "NOT body > :before"), {":before": before.body}


def _head(head: Head, condition: str, values: dict[str, int | str]) -> Write:
    return Write(
        kind="HEAD", body=head_json(head), fence=head.fence, nonce=head.nonce, condition=condition, values=values
    )


def _lease(lease: Lease, condition: str, values: dict[str, int | str]) -> Write:
    nonce = HELD if lease.held else ""
    return Write(
        kind="LEASE", body=lease_json(lease), fence=lease.fence, nonce=nonce, condition=condition, values=values
    )
