"""A chain of entries, the events or the changes of stops: what was edited, deleted, cut, reordered or added.

It is walked from HEAD backwards. HEAD carries the hash of the last event, and each event that of the one before. So an
event is what was written when its hash is the one that its *intact* successor carries. Whoever changed an event may
also have changed what it says of the one before: a successor that is not intact accuses nobody.

A text that somebody moved is still claimed by its successor, wherever it stands now: this tells reordered from edited.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from release.process.canonical import canonical_json, sha256_hex
from release.process.errors import Broken
from release.records.ledger.event import GENESIS, Event, parse_event, text_hash
from release.records.ledger.head import Head

Kind = Literal["edited", "deleted", "cut", "reordered", "added", "unreadable", "head", "index"]
Standing = Literal["intact", "unproven", "changed"]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the entries of a chain are called, and the item that says which one is the last."""

    entry: str
    head: str


EVENTS = Words(entry="event", head="HEAD")
CHANGES = Words(entry="stop", head="STOPS")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A stored event as the chain sees it: the place where it stands, its text's hash, and what the text says.

    ``number`` and ``previous`` are None where the text does not say them. ``unreadable`` says why it is no event, and
    ``beside`` which attributes of the table are not those of the text; both are empty when all is well.
    """

    seq: int
    hash: str
    number: int | None
    previous: str | None
    unreadable: str = ""
    beside: str = ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one entry, in a line, and ``of`` which chain it is.

    ``seq`` is None for HEAD and for the index, ``through`` ends a row that is missing.
    """

    kind: Kind
    seq: int | None
    through: int | None = None
    text: str
    of: str = EVENTS.entry


@dataclass(frozen=True, kw_only=True)
class Witness:
    """What comes after an event: who it is, the hash that it carries, and how far it can be believed."""

    name: str
    carries: str | None
    standing: Standing


def read_link(
    seq: int,
    text: str,
    beside: Mapping[str, int | str] | None = None,
    parse: Callable[[str, int], object] = parse_event,
) -> Link:
    """The text that stands at place ``seq``; ``beside`` are the values of it that the table keeps as attributes."""
    said, why = _said(text), ""
    try:
        parse(text, seq)
    except Broken as error:
        why = str(error.args[0])
    number, previous = said.get("seq"), said.get("previous")
    return Link(
        seq=seq,
        hash=text_hash(text),
        number=number if isinstance(number, int) else None,
        previous=previous if isinstance(previous, str) else None,
        unreadable=why,
        beside=" and ".join(name for name, value in (beside or {}).items() if said.get(name) != value),
    )


def chain_faults(links: Iterable[Link], *, seq: int, hash: str, words: Words = EVENTS) -> tuple[Fault, ...]:
    """What is wrong with the entries up to number ``seq``, whose text has this ``hash``; empty when nothing is."""
    found = {link.seq: link for link in links}
    placed = _placed(found, hash)
    last = next((number for number, link in placed.items() if link.hash == hash), seq)
    faults = (
        *_number_faults(seq, last, words),
        *_missing(found, placed, last, words),
        *_moved(found, placed, last, words),
    )
    known = {fault.seq for fault in faults}
    walked = (fault for fault in _walk(placed, last, hash, words) if fault.seq not in known)
    return tuple(sorted((*faults, *walked), key=lambda fault: (fault.seq is None, fault.seq or 0)))


def head_faults(head: Head, text: str, event: Event, beside: Mapping[str, int | str]) -> tuple[Fault, ...]:
    """What HEAD, or the table ``beside`` HEAD's text, says otherwise than the last event does.

    The state is judged as it is stored: read by a newer version it would have parts that nobody wrote.
    """
    said = {"fence": head.fence, "nonce": head.nonce}
    other = [name for name, value in said.items() if value != getattr(event, name)]
    if event.state_hash and sha256_hex(canonical_json(json.loads(text)["state"])) != event.state_hash:
        other.insert(0, "state")
    other += [f"{name} in the table" for name, value in beside.items() if value != getattr(event, name)]
    return (head_fault(f"its {' and '.join(other)} is not that of event {event.seq}"),) if other else ()


def _placed(found: Mapping[int, Link], hash: str) -> dict[int, Link]:
    """Every text where it belongs: at the place of its own number if it only was moved or copied, else where it is."""
    genuine = {hash, *(link.previous for link in found.values())}
    genuine |= {link.hash for link in found.values() if link.number == link.seq}
    moved = {link.seq: link for link in found.values() if link.number != link.seq and link.hash in genuine}
    placed = {seq: link for seq, link in found.items() if seq not in moved}
    for seq, link in moved.items():
        placed.setdefault(seq if link.number is None else link.number, link)
    return placed


def _number_faults(seq: int, last: int, words: Words) -> tuple[Fault, ...]:
    if seq == last:
        return ()
    return (head_fault(f"it says {words.entry} {seq}, and carries the hash of {words.entry} {last}", words),)


def _missing(found: Mapping[int, Link], placed: Mapping[int, Link], last: int, words: Words) -> Iterator[Fault]:
    """The numbers up to ``last`` at whose place nothing stands, row by row."""
    there = sorted({-1, last + 1, *(seq for seq in (*found, *placed) if 0 <= seq <= last)})
    for before, after in pairwise(there):
        first, through = before + 1, after - 1
        if first > through:
            continue
        which = f"{words.entry} {first} is" if first == through else f"{words.entry}s {first} to {through} are"
        if after > last:
            told = f"{which} missing: the end was cut off, {words.head} is at {words.entry} {last}"
            yield Fault(kind="cut", seq=first, through=through, text=told, of=words.entry)
        else:
            told = f"{which} missing: {words.entry} {after} follows"
            yield Fault(kind="deleted", seq=first, through=through, text=told, of=words.entry)


def _moved(found: Mapping[int, Link], placed: Mapping[int, Link], last: int, words: Words) -> Iterator[Fault]:
    """What stands where it does not belong."""
    for seq, link in found.items():
        if placed.get(seq) is not link:
            told = f"{words.entry} {seq} was reordered: what stands in its place is {words.entry} {link.number}"
            yield Fault(kind="reordered", seq=seq, text=told, of=words.entry)
        elif not 0 <= seq <= last:
            told = f"{words.entry} {seq} was added, or {words.head} was put back: {_place(last, words)}"
            yield Fault(kind="added", seq=seq, text=told, of=words.entry)


def _place(last: int, words: Words) -> str:
    return f"{words.head} is at {words.entry} {last}" if last >= 0 else f"{words.head} knows of none"


def _walk(placed: Mapping[int, Link], last: int, hash: str, words: Words) -> Iterator[Fault]:
    """From the last entry to the first: what the one after each says of it."""
    witness, expected = Witness(name=words.head, carries=hash, standing="intact"), last
    for seq in sorted((seq for seq in placed if 0 <= seq <= last), reverse=True):
        if seq != expected:
            witness = Witness(name=f"{words.entry} {seq + 1}", carries=None, standing="changed")
        link = placed[seq]
        name = f"{words.entry} {seq}"
        if why := _accusation(link, name, witness) or _own_fault(link, seq, name):
            yield Fault(kind="unreadable" if link.unreadable else "edited", seq=seq, text=why, of=words.entry)
        witness = Witness(name=name, carries=link.previous, standing=_standing(link, witness))
        expected = seq - 1


def _standing(link: Link, witness: Witness) -> Standing:
    if witness.standing != "intact" or witness.carries is None:
        return "unproven"
    return "intact" if link.hash == witness.carries else "changed"


def _accusation(link: Link, name: str, witness: Witness) -> str:
    """What the event after this one has against it; empty when it has nothing, or cannot be believed."""
    if witness.carries in (None, link.hash) or witness.standing == "changed":
        return ""
    if witness.standing == "unproven":
        return f"{name} or {witness.name} was edited: the hash that {witness.name} carries is another"
    told = f"{name} was edited: its hash is not the one that {witness.name} carries"
    return f"{told}; it is not readable any more" if link.unreadable else told


def _own_fault(link: Link, seq: int, name: str) -> str:
    """What is wrong with an event that nobody accuses."""
    if link.unreadable:
        return link.unreadable
    if link.beside:
        return f"{name} was edited: {link.beside} in the table is not that of its text"
    if link.number != seq or (seq == 0 and link.previous != GENESIS):
        return f"{name} was edited: what it says of its own place is not so"
    return ""


def head_fault(why: str, words: Words = EVENTS) -> Fault:
    """What is wrong with the item that says which entry is the last one."""
    return Fault(kind="head", seq=None, text=f"{words.head} was changed: {why}", of=words.entry)


def _said(text: str) -> dict[str, Any]:
    """The JSON object of a text; empty when it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
