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
from release.event import GENESIS, Event, chain_faults, event_hash, event_json, parse_event
from release.head import Head, State, head_json, parse_head
from release.lease import BEAT, Lease, lease_json, new_lease, parse_lease, refuse_held, released, renewed


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
                _event_write(event),
                _head_write(head, condition="attribute_not_exists(body)", values={}),
            ]
        )
        return self.head()

    def head(self) -> Head:
        """HEAD, one read. Broken unless it is there, readable, and of this project, environment and account."""
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
        return head

    def lease(self) -> Lease | None:
        """The lease as it stands; None when there never was one."""
        item = self.table.get("LEASE")
        return parse_lease(item.body) if item else None

    def refuse_held(self) -> None:
        """Raise LeaseHeld when somebody is at work. Nothing is taken: what must be sure of it begins a deployment."""
        refuse_held(self.lease(), self._environment, self.now())

    def events(self, *, newest_first: bool = False) -> Iterator[Event]:
        """The history."""
        return (parse_event(body) for body in self.table.events(newest_first=newest_first))

    def deployment_that_was_live(self, digest: str) -> str | None:
        """The last deployment by which the artifact ``digest`` was live here; None when it never was."""
        lived = (event.state.live for event in self.events(newest_first=True))
        return next((live.deployment for live in lived if live is not None and live.digest == digest), None)

    def event(self, seq: int) -> Event:
        """One event by its number."""
        item = self.table.get("EVENT", seq)
        if item is None:
            raise Broken(f"event {seq} of {self._environment} is missing", hint="the ledger was changed by hand")
        return parse_event(item.body)

    def faults(self) -> tuple[str, ...]:
        """What is wrong with the chain; empty when nothing is."""
        return chain_faults(self.events(), self.head())

    def begin(self, entry: Entry, head: Head, writer: Writer) -> "Holder":
        """Take the lease and record the first event of a deployment, both or neither.

        Raises LeaseHeld when somebody else is at work or was quicker.
        """
        now, lease = self.now(), self.lease()
        refuse_held(lease, self._environment, now)
        fence = max(head.fence, lease.fence if lease else 0) + 1
        taken = new_lease(owner=writer.principal, host=writer.host, ci=writer.ci, now=now, fence=fence)
        event = self._event(_with_takeover(entry, lease), head, writer, fence=fence)
        written = self._write(event, head, _lease_write(taken, *_still(lease)))
        if not written:
            refuse_held(self.lease(), self._environment, now)
            raise LeaseHeld(f"{self._environment} changed while this deployment began", hint="run it again")
        return Holder(self, writer, head=self._head_after(event), lease=taken)

    def append(self, entry: Entry, head: Head, writer: Writer, fence: int) -> Head:
        """Record an event under a lease's fence. LeaseLost when another one was taken since.

        HEAD carries the fence, so its condition is enough, and the heartbeats of the lease's own item stay apart.
        """
        event = self._event(entry, head, writer, fence=fence)
        if not self._write(event, head):
            raise LeaseLost(
                f"the lease on {self._environment} (fence {fence}) was taken over while this process slept",
                hint=f"see: release history {self._environment}",
            )
        return self._head_after(event)

    def beat(self, lease: Lease) -> bool:
        """A heartbeat: the lease is ours for LENGTH from now; False when it was taken over."""
        fresh = renewed(lease, self.now())
        return self.table.write_together([_lease_write(fresh, "fence = :fence", {":fence": lease.fence})])

    def give_back(self, lease: Lease) -> None:
        """Free the lease; one that was taken over meanwhile is left to its new holder."""
        self.table.write_together([_lease_write(released(lease), "fence = :fence", {":fence": lease.fence})])

    def _head_item(self) -> Item | None:
        try:
            return self.table.get("HEAD")
        except Broken as error:
            if is_not_found(error):
                error.hint = f"run: release init {self._environment}"
            raise

    def _write(self, event: Event, head: Head, *more: Write) -> bool:
        """Event, HEAD and what else belongs to it, all or none; True also when only the reply was lost."""
        after = _head_write(
            self._head_after(event), condition="nonce = :nonce AND fence = :fence", values=_as_read(head)
        )
        return self.table.write_together([_event_write(event), after, *more]) or self._is_ours(event)

    def _is_ours(self, event: Event) -> bool:
        item = self.table.get("EVENT", event.seq)
        return item is not None and item.nonce == event.nonce

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
            hash=event_hash(event),
            fence=event.fence,
            nonce=event.nonce,
            state=event.state,
        )


class Holder:
    """The lease in hand: what a deployment records with, from its first event to its last. It beats while open."""

    def __init__(self, ledger: Ledger, writer: Writer, *, head: Head, lease: Lease) -> None:
        self.head = head
        self.lease = lease
        self._ledger = ledger
        self._writer = writer
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
        """Append an event."""
        self.head = self._ledger.append(entry, self.head, self._writer, self.lease.fence)
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


def _event_write(event: Event) -> Write:
    return Write(
        kind="EVENT",
        seq=event.seq,
        body=event_json(event),
        fence=event.fence,
        nonce=event.nonce,
        condition="attribute_not_exists(body)",
        values={},
    )


def _head_write(head: Head, *, condition: str, values: dict[str, int | str]) -> Write:
    return Write(
        kind="HEAD", body=head_json(head), fence=head.fence, nonce=head.nonce, condition=condition, values=values
    )


def _lease_write(lease: Lease, condition: str, values: dict[str, int | str]) -> Write:
    return Write(kind="LEASE", body=lease_json(lease), fence=lease.fence, condition=condition, values=values)


def _as_read(head: Head) -> dict[str, int | str]:
    """The nonce stands for the number: it is new with every event."""
    return {":nonce": head.nonce, ":fence": head.fence}


def _still(lease: Lease | None) -> tuple[str, dict[str, int | str]]:
    if lease is None:
        return "attribute_not_exists(body)", {}
    return "body = :lease", {":lease": lease_json(lease)}


def _with_takeover(entry: Entry, lease: Lease | None) -> Entry:
    if lease is None or not lease.owner:
        return entry
    took = {"owner": lease.owner, "host": lease.host, "expired": lease.expires}
    return replace(entry, details={**(entry.details or {}), "took_over": took})
