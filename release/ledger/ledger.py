"""The ledger of one environment: the append-only history, HEAD, and the lease, in one table.

Every change is one transaction: the new event, and HEAD with the condition that its nonce and fence are the ones read.
Beginning a deployment also takes the lease in that transaction. A write whose reply was lost is retried by boto3 and
then fails on its own success; the nonce read back tells the two apart.
"""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from release.aws.session import is_not_found
from release.aws.table import Item, LedgerTable, Write
from release.errors import Broken, LeaseHeld, LeaseLost, StagelineError
from release.ledger.chain import Fault, chain_faults, head_faults, read_link
from release.ledger.event import GENESIS, Event, event_json, parse_event, text_hash
from release.ledger.head import Head, State, parse_head
from release.ledger.items import beside, first_head, held_lease, new_event, next_head, taken_lease
from release.ledger.lease import BEAT, Lease, new_lease, parse_lease, refuse_held, released, renewed


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Who writes: the AWS principal, this host, and the CI run's URL ("" outside CI)."""

    principal: str
    host: str
    ci: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is to be recorded; the ledger adds number, time, writer and hash."""

    kind: str
    state: State
    deployment: str | None = None
    step: str | None = None
    details: dict[str, Any] | None = None


class Ledger:
    """One environment's ledger. ``now`` is the clock, in UTC."""

    def __init__(
        self, table: LedgerTable, *, project: str, environment: str, account: str, now: Callable[[], datetime]
    ) -> None:
        self.table = table
        self.now = now
        self._project = project
        self._environment = environment
        self._account = account

    def create(self, writer: Writer) -> Head:
        """Write event 0 and HEAD; a ledger that has them already is left as it is.

        A history without its HEAD is not begun again: nothing would be declared live, and the next up would stop it.
        """
        if self.table.get("HEAD") is None and next(self.table.events(newest_first=True), None) is not None:
            raise Broken(
                f"the ledger {self.table.name} has events but no HEAD",
                hint="restore the table from its point-in-time recovery",
            )
        event = self._event(Entry(kind="environment created", state=State()), None, writer, fence=0)
        head = self._head_after(event)
        self.table.write_together(
            [
                new_event(event),
                first_head(head),
            ]
        )
        return self.head()

    def head(self) -> Head:
        """HEAD, one read. Broken unless it is there, readable, and of this project, environment and account."""
        return self._read_head()[0]

    def _read_head(self) -> tuple[Head, Item]:
        """HEAD, and the item that it was read from."""
        item = self._head_item()
        if item is None:
            raise Broken(f"the ledger {self.table.name} has no HEAD", hint=f"run: release init {self._environment}")
        head = parse_head(item.body)
        found = (head.project, head.environment, head.account)
        if found != (self._project, self._environment, self._account):
            raise Broken(
                f"HEAD of {self.table.name} is of {'/'.join(found)}, not of "
                f"{self._project}/{self._environment}/{self._account}",
                hint="check account and region in the stack file",
            )
        return head, item

    def lease(self) -> Lease | None:
        """The lease as it stands; None when there never was one."""
        item = self.table.get("LEASE")
        return parse_lease(item.body) if item else None

    def refuse_held(self) -> None:
        """Raise LeaseHeld when somebody is at work. Nothing is taken: what must be sure of it begins a deployment."""
        refuse_held(self.lease(), self._environment, self.now())

    def events(self, *, newest_first: bool = False) -> Iterator[Event]:
        """The history."""
        return (parse_event(item.body, item.seq) for item in self.table.events(newest_first=newest_first))

    def deployment_that_was_live(self, digest: str) -> str | None:
        """The last deployment by which the artifact ``digest`` was live here; None when it never was."""
        lived = (event.state.live for event in self.events(newest_first=True))
        return next((live.deployment for live in lived if live is not None and live.digest == digest), None)

    def event(self, seq: int) -> Event:
        """One event by its number."""
        text = self.text(seq)
        if text is None:
            raise Broken(f"event {seq} of {self._environment} is missing", hint="the ledger was changed by hand")
        return parse_event(text, seq)

    def text(self, seq: int) -> str | None:
        """One event as it is stored; None when there is none."""
        item = self.table.get("EVENT", seq)
        return item.body if item else None

    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the events and HEAD, entry by entry; empty when nothing is."""
        return self.checked()[2]

    def checked(self) -> tuple[Head, list[Item], tuple[Fault, ...]]:
        """HEAD, the events up to it as they are stored, and what is wrong with any of them."""
        head, head_item = self._read_head()
        items = list(self.table.events())
        meanwhile = range(head.seq + 1, self.head().seq + 1)  # what others recorded since HEAD was read
        items = [item for item in items if item.seq not in meanwhile]
        links = (read_link(item.seq, item.body, beside(item)) for item in items)
        faults = chain_faults(links, seq=head.seq, hash=head.hash)
        if not any(fault.seq in (None, head.seq) or fault.kind == "cut" for fault in faults):
            faults = (*faults, *head_faults(head, self.event(head.seq), beside(head_item)))
        return head, items, faults

    def begin(self, entry: Entry, head: Head, writer: Writer) -> "Holder":
        """Take the lease and record the first event of a deployment, both or neither.

        Raises LeaseHeld when somebody else is at work or was quicker.
        """
        now, item = self.now(), self.table.get("LEASE")
        lease = parse_lease(item.body) if item else None
        refuse_held(lease, self._environment, now)
        fence = max(head.fence, lease.fence if lease else 0) + 1
        taken = new_lease(owner=writer.principal, host=writer.host, ci=writer.ci, now=now, fence=fence)
        event = self._event(_with_takeover(entry, lease), head, writer, fence=fence)
        if not self._write(event, head, taken_lease(taken, item)):
            refuse_held(self.lease(), self._environment, now)
            raise self._overtaken(head)
        return Holder(self, writer, head=self._head_after(event), lease=taken)

    def note(self, entry: Entry, head: Head, writer: Writer) -> None:
        """Record one event that is no work on the environment. LeaseHeld while somebody is at work."""
        with self.begin(entry, head, writer):
            pass

    def append(self, entry: Entry, head: Head, writer: Writer, fence: int) -> Head:
        """Record an event under a lease's fence. LeaseLost when another one was taken since.

        HEAD carries the fence, so its condition is enough, and the heartbeats of the lease's own item stay apart.
        """
        event = self._event(entry, head, writer, fence=fence)
        if not self._write(event, head):
            raise self._lost(fence)
        return self._head_after(event)

    def head_under(self, fence: int) -> Head:
        """HEAD, while nobody took the lease since; under one fence only one process writes. Else LeaseLost."""
        head = self.head()
        if head.fence != fence:
            raise self._lost(fence)
        return head

    def beat(self, lease: Lease) -> bool:
        """A heartbeat: the lease is ours for LENGTH from now; False when it was taken over."""
        return self.table.write_together([held_lease(renewed(lease, self.now()))])

    def give_back(self, lease: Lease) -> None:
        """Free the lease; one that was taken over meanwhile is left to its new holder."""
        self.table.write_together([held_lease(released(lease))])

    def _lost(self, fence: int) -> LeaseLost:
        return LeaseLost(
            f"the lease on {self._environment} (fence {fence}) was taken over while this process slept",
            hint=f"see: release history {self._environment}",
        )

    def _overtaken(self, head: Head) -> LeaseHeld:
        """Whoever was quicker, and is done already: the event after ``head`` says who, if it is that which changed."""
        text = self.text(head.seq + 1)
        event = parse_event(text, head.seq + 1) if text else None
        quicker = f"{event.kind} by {event.by} on {event.host} at {event.at}" if event else "its lease was given back"
        return LeaseHeld(f"{self._environment} changed while this deployment began: {quicker}", hint="run it again")

    def _head_item(self) -> Item | None:
        try:
            return self.table.get("HEAD")
        except Broken as error:
            if is_not_found(error):
                error.hint = f"run: release init {self._environment}"
            raise

    def _write(self, event: Event, head: Head, *more: Write) -> bool:
        """Event, HEAD and what else belongs to it, all or none; True also when only the reply was lost.

        boto3 sends again what got no reply, and that then fails on its own success; or it gives up, and nobody knows.
        """
        after = next_head(self._head_after(event), head)
        try:
            return self.table.write_together([new_event(event), after, *more]) or bool(self._is_ours(event))
        except Broken:
            with suppress(Broken):
                if (ours := self._is_ours(event)) is not None:
                    return ours
            raise

    def _is_ours(self, event: Event) -> bool | None:
        """Whether it was this very write that made the event of this number; None when nobody made one."""
        item = self.table.get("EVENT", event.seq)
        return item.nonce == event.nonce if item else None

    def _event(self, entry: Entry, head: Head | None, writer: Writer, *, fence: int) -> Event:
        return Event(
            seq=head.seq + 1 if head else 0,
            at=self.now().isoformat(timespec="milliseconds"),
            kind=entry.kind,
            by=writer.principal,
            host=writer.host,
            nonce=secrets.token_hex(16),
            previous=head.hash if head else GENESIS,
            fence=fence,
            state=entry.state,
            deployment=entry.deployment,
            step=entry.step,
            details=entry.details or {},
        )

    def _head_after(self, event: Event) -> Head:
        return Head(
            project=self._project,
            environment=self._environment,
            account=self._account,
            seq=event.seq,
            hash=text_hash(event_json(event)),
            fence=event.fence,
            nonce=event.nonce,
            state=event.state,
        )


class Holder:
    """The lease in hand: what a deployment records with, from its first event to its last. It beats while open."""

    def __init__(self, ledger: Ledger, writer: Writer, *, head: Head, lease: Lease) -> None:
        self.head = head
        self.lease = lease
        self.writer = writer
        self._ledger = ledger
        self._sure = True  # whether ``head`` is what stands in the ledger
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> "Holder":
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lease. Failing to is no failure of the deployment: the lease then expires by itself."""
        self._ended.set()
        self._beating.join()
        with suppress(StagelineError):
            self._ledger.give_back(self.lease)

    def record(self, entry: Entry) -> Head:
        """Append an event. After one of which nobody knows whether it was written, HEAD is read first."""
        if not self._sure:
            self.head = self._ledger.head_under(self.lease.fence)
        self._sure = False
        self.head = self._ledger.append(entry, self.head, self.writer, self.lease.fence)
        self._sure = True
        return self.head

    def _beat(self) -> None:
        """One that fails is made up for by the next; a lease taken over is found by the next event."""
        while not self._ended.wait(BEAT):
            with suppress(StagelineError):
                self._ledger.beat(self.lease)


def this_host() -> str:
    """The name of this machine, for the record."""
    return socket.gethostname()


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def _with_takeover(entry: Entry, lease: Lease | None) -> Entry:
    if lease is None or not lease.owner:
        return entry
    took = {"owner": lease.owner, "host": lease.host, "expired": lease.expires}
    return replace(entry, details={**(entry.details or {}), "took_over": took})
