"""Genuine parts of a world in which a test may put trouble before, behind or in the place of a call."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from release.doors.aws.table import Item, LedgerTable, Write
from release.records.ledger.head import Head
from release.records.ledger.lease import Lease
from release.records.ledger.ledger import Entry, Ledger, Writer
from release.records.ledger.stoplog import StopLog
from release.records.ledger.stops import Rule, Stops


def as_it_is(write: Callable[[], bool], writes: list[Write]) -> bool:
    """A write without trouble."""
    return write()


class TroubledTable(LedgerTable):
    """A table: ``writing`` and ``reading`` decide when it is called, and what its callers hear."""

    writing: Callable[[Callable[[], bool], list[Write]], bool] = staticmethod(as_it_is)
    reading: Callable[[Callable[[], Item | None], str], Item | None] = staticmethod(lambda read, kind: read())
    may_be_walked = True

    def get(self, kind: str, seq: int = 0) -> Item | None:
        read = super().get
        return self.reading(lambda: read(kind, seq), kind)

    def events(self, *, newest_first: bool = False) -> Iterator[Item]:
        assert self.may_be_walked
        return super().events(newest_first=newest_first)

    def write_together(self, writes: list[Write]) -> bool:
        write = super().write_together
        return self.writing(lambda: write(writes), writes)


class TroubledLedger(Ledger):
    """A ledger: ``is_killed`` is whoever is at work, and ``is_asleep`` finds its lease taken over when it wakes up."""

    table: TroubledTable
    is_killed = False
    is_asleep = False
    before_append: Callable[[Entry], object] = staticmethod(lambda entry: None)
    after_append: Callable[[Entry], object] = staticmethod(lambda entry: None)
    before_return: Callable[[], object] = staticmethod(lambda: None)

    def append(self, entry: Entry, head: Head, writer: Writer, fence: int) -> Head:
        self.before_append(entry)
        after = super().append(entry, head, writer, fence)
        self.after_append(entry)
        return after

    def beat(self, lease: Lease) -> Lease | None:
        return None if self.is_asleep else super().beat(lease)

    def give_back(self, lease: Lease) -> None:
        self.before_return()
        if not self.is_killed:
            super().give_back(lease)


class TroubledStops(StopLog):
    """What keeps releases out, and who reads or changes it at which moment."""

    before_read: Callable[[], object] = staticmethod(lambda: None)
    before_change: Callable[[], object] = staticmethod(lambda: None)

    def read(self) -> Stops:
        self.before_read()
        return super().read()

    def change(self, kind: str, rule: Rule, writer: Writer, details: Mapping[str, Any]) -> Stops:
        self.before_change()
        return super().change(kind, rule, writer, details)
