"""The door to what keeps releases out of one environment: read at once, changed without the lease."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from release.doors.aws.table import Item, LedgerTable
from release.process.errors import Broken
from release.process.form import stored
from release.records.ledger.bounds import small
from release.records.ledger.chain import CHANGES, Fault, chain_faults, read_link
from release.records.ledger.event import GENESIS, text_hash
from release.records.ledger.head import parse_head
from release.records.ledger.items import new_change, next_stops
from release.records.ledger.ledger import Writer
from release.records.ledger.stops import (
    ENTRY,
    NOW,
    Change,
    Rule,
    Stops,
    parse_change,
    parse_stops,
    stands_hash,
    stops_faults,
    stops_json,
    stops_of_format_1,
)

TRIES = 10  # of a change that others were quicker with


class StopLog:
    """What stands now, and who changed it when."""

    def __init__(self, table: LedgerTable, *, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    def read(self) -> Stops:
        """What stands now, one read. Broken when it is not readable: it could say no."""
        return self._read()[1]

    def change(self, kind: str, rule: Rule, writer: Writer, details: Mapping[str, Any]) -> Stops:
        """Apply ``rule`` to what stands and write down who did it; what a rule refuses is not written.

        Whoever changes it at the same time is built upon, not overwritten. A rule that changes nothing writes nothing.
        """
        for _ in range(TRIES):
            item, before = self._read()
            wanted = rule(before)
            if wanted == before:
                return before
            change = self._change(kind, before, writer, details, stands_hash(stops_json(wanted)))
            after = wanted.but(seq=change.seq, hash=text_hash(stored(change)), nonce=change.nonce)
            if self._table.write_together([new_change(change), next_stops(after, item)]) or self._is_ours(change):
                return after
        raise Broken("what is stopped was changed by others all the time", hint="run it again")

    def changes(self, *, spoilt: Callable[[str], None] = lambda why: None) -> Iterator[Change]:
        """Who changed what when, the newest first, as far as it can be read; ``spoilt`` is told of the others."""
        for item in self._table.items(ENTRY, newest_first=True):
            try:
                yield parse_change(item.body, item.seq)
            except Broken as error:
                spoilt(str(error.args[0]))

    def checked(self) -> tuple[Stops, list[Item], tuple[Fault, ...]]:
        """What stands, the changes up to it as they are stored, and what is wrong with any of them or with it."""
        item, stops = self._read()
        items = list(self._table.items(ENTRY))
        meanwhile = range(stops.seq + 1, self.read().seq + 1)  # what others changed since
        items = [one for one in items if one.seq not in meanwhile]
        links = [read_link(one.seq, one.body, {"nonce": one.nonce}, parse_change) for one in items]
        faults = chain_faults(links, seq=stops.seq, hash=stops.hash, words=CHANGES)
        if item and not faults:
            last = parse_change(items[stops.seq].body, stops.seq) if stops.seq >= 0 else None
            faults = stops_faults(stops, item, last)
        return stops, items, faults

    def text(self, seq: int) -> str | None:
        """One change as it is stored; None when there is none."""
        item = self._table.get(ENTRY, seq)
        return item.body if item else None

    def _read(self) -> tuple[Item | None, Stops]:
        item = self._table.get(NOW)
        return item, parse_stops(item.body) if item else self._of_format_1()

    def _of_format_1(self) -> Stops:
        head = self._table.get("HEAD")
        return stops_of_format_1(parse_head(head.body).state.model_extra or {}) if head else Stops()

    def _is_ours(self, change: Change) -> bool:
        """Whether only the reply was lost: what was written is ours."""
        item = self._table.get(NOW)
        return item is not None and item.nonce == change.nonce

    def _change(self, kind: str, before: Stops, writer: Writer, details: Mapping[str, Any], state_hash: str) -> Change:
        return Change(
            seq=before.seq + 1,
            at=self._now().isoformat(timespec="milliseconds"),
            kind=kind,
            by=writer.principal,
            host=writer.host,
            nonce=secrets.token_hex(16),
            previous=before.hash or GENESIS,
            details=small(details),
            state_hash=state_hash,
        )
