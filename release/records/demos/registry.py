"""The registry: which demos there are, and who works on each. What is not in it is no demo's."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from release.doors.aws.demos_table import DemosTable, Kept
from release.process.errors import LeaseHeld, LeaseLost
from release.process.form import Unreadable
from release.records.demos.demo import Demo, demo_text, parse_demo


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A demo as it was read or written, and the version of its item: what is written next has to find that one."""

    demo: Demo
    version: int


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Every demo that can be read, the one that expires first in front, and why others cannot, by their stacks."""

    entries: tuple[Entry, ...]
    unread: dict[str, str]

    @property
    def demos(self) -> tuple[Demo, ...]:
        """Those that can be read."""
        return tuple(entry.demo for entry in self.entries)


class Registry:
    """The demos of a project in an account and region. `now` is the clock."""

    def __init__(self, table: DemosTable, *, now: Callable[[], datetime]) -> None:
        self.table = table
        self.now = now

    def find(self, stack: str) -> Entry | None:
        """The demo of a stack; None when there is none. Unreadable where its item is spoilt."""
        kept = self.table.get(stack)
        return _entry(kept) if kept else None

    def all(self) -> Listing:
        """All of them in one read: one that is spoilt hides no other."""
        entries, unread = [], {}
        for kept in self.table.all():
            try:
                entries.append(_entry(kept))
            except Unreadable as error:
                unread[kept.stack] = str(error)
        return Listing(entries=tuple(sorted(entries, key=lambda one: one.demo.expires)), unread=unread)

    def add(self, demo: Demo) -> Entry:
        """Record a new one; LeaseHeld where somebody was faster."""
        entry = Entry(demo=demo, version=1)
        if not self.table.put(_kept(entry, secrets.token_hex(8))):
            raise LeaseHeld(f"{demo.branch} is being made by somebody else", hint="see: release demo list")
        return entry

    def change(self, entry: Entry, **changes: Any) -> Entry:
        """Record what has changed; LeaseLost where somebody else wrote meanwhile."""
        changed = replace(entry, demo=entry.demo.but(**changes), version=entry.version + 1)
        if not self.table.put(_kept(changed, secrets.token_hex(8))):
            raise _lost(entry.demo)
        return changed

    def refuse_overtaken(self, entry: Entry) -> None:
        """LeaseLost where somebody else wrote meanwhile: asked before what nobody takes back."""
        if self.find(entry.demo.stack) != entry:
            raise _lost(entry.demo)

    def forget(self, entry: Entry) -> None:
        """Nothing is left of it; LeaseLost where somebody else wrote meanwhile."""
        if not self.table.remove(_kept(entry, "")):
            raise _lost(entry.demo)


def _lost(demo: Demo) -> LeaseLost:
    return LeaseLost(f"somebody else changed {demo.branch} meanwhile", hint="see what became of it: release demo list")


def _kept(entry: Entry, nonce: str) -> Kept:
    return Kept(stack=entry.demo.stack, body=demo_text(entry.demo), version=entry.version, nonce=nonce)


def _entry(kept: Kept) -> Entry:
    if kept.version < 1:
        raise Unreadable(f"the registry's item of {kept.stack} is not readable: it has no version")
    return Entry(demo=parse_demo(kept.body, kept.stack), version=kept.version)
