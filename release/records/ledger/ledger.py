"""The ledger of one environment: the append-only history, HEAD, the lease and the index, in one table.

Every change is one transaction: the new event, HEAD with the condition that its nonce and fence are the ones read, and
what the index says of the release. Beginning a deployment also takes the lease in that transaction. A write whose reply
was lost is retried by boto3 and then fails on its own success; the nonce read back tells the two apart.
"""

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType

from release.doors.aws.session import is_not_found
from release.doors.aws.table import Item, LedgerTable, Write
from release.process.errors import Broken, LeaseHeld, LeaseLost, StagelineError
from release.process.form import FORMAT, HigherFormat, Unreadable
from release.process.processes import Process, Processes
from release.process.text import bounded
from release.records.ledger.bounds import small
from release.records.ledger.chain import Fault, chain_faults, head_faults, read_link
from release.records.ledger.ending import How, ending
from release.records.ledger.event import GENESIS, Details, Event, event_json, parse_event, text_hash
from release.records.ledger.head import Content, Head, Live, Open, State, changes, parse_head, state_hash
from release.records.ledger.index import (
    LIVE,
    Known,
    Lived,
    Past,
    index_fault,
    known_kind,
    life_fault,
    life_in,
    lived,
    parse_known,
    parse_lived,
    pasts,
    spoilt_fault,
    with_adoption,
    with_deployment,
    with_life,
    without_life,
)
from release.records.ledger.items import (
    beside,
    first_head,
    held_lease,
    known_release,
    new_event,
    new_life,
    next_head,
    next_stops,
    taken_lease,
)
from release.records.ledger.lease import (
    BEAT,
    CALL,
    IMPATIENT,
    LENGTH,
    LOOK,
    Lease,
    Patience,
    Watched,
    held_by,
    parse_lease,
    released,
    renewed,
    unread,
)
from release.records.ledger.search import concerning, of_deployment
from release.records.ledger.stops import Stops

PROCESSES = Processes()
DEPLOYMENT = 50  # events of a page where those of one deployment are read: most have fewer


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Who writes: the AWS principal, this host, the CI run's URL ("" outside CI), and the very process.

    All of it comes from outside and goes into events, stops and the lease: it is a line that prints, of bounded length.
    """

    principal: str
    host: str
    ci: str
    process: Process | None = None

    def __post_init__(self) -> None:
        for name in ("principal", "host", "ci"):
            object.__setattr__(self, name, bounded(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is to be recorded; the ledger adds number, time, writer and hash.

    ``begins`` is the release whose deployment begins with it, ``ends`` how it ends the one that is open,
    ``became_live`` the version that is live from it on, ``left`` what it took from users, and ``adopted`` what nobody
    verified and users were moved to by hand.
    """

    kind: str
    state: State
    deployment: str | None = None
    step: str | None = None
    details: Details | None = None
    begins: Content | None = None
    ends: How | None = None
    became_live: str = ""
    left: Live | Open | Content | None = None
    adopted: Content | None = None


@dataclass(frozen=True, kw_only=True)
class Free:
    """A lease that may be taken: the item as it was read, None where there never was one, and why it is free."""

    item: Item | None
    lease: Lease | None
    because: str = ""


class Ledger:
    """One environment's ledger.

    ``now`` is the clock, in UTC, for the record; ``ticks`` and ``pause`` measure a lease that is waited for. Heartbeats
    go through ``beats``, whose calls have short limits, so that two that hang do not outlive the lease.
    """

    def __init__(
        self,
        table: LedgerTable,
        *,
        project: str,
        environment: str,
        account: str,
        now: Callable[[], datetime],
        beats: LedgerTable | None = None,
        ticks: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        ended: Callable[[Process], bool] = PROCESSES.is_gone,
    ) -> None:
        self.table = table
        self.now = now
        self._beats = beats or table
        self._project = project
        self._environment = environment
        self._account = account
        self.ticks = ticks
        self._pause = pause
        self._ended = ended

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
        head = self._head_after(event, State(), None)
        self.table.write_together(
            [
                new_event(event),
                first_head(head),
                next_stops(Stops(), None),
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
        """The lease as it stands; None when there never was one. One that cannot be read is somebody unknown's."""
        return self._read_lease()[1]

    def free_lease(self, patience: Patience = IMPATIENT, of: int | None = None) -> Free:
        """The lease when it may be taken; nothing is taken here. LeaseHeld, naming who has it, when it may not.

        ``of`` is the fence of the one holder that is waited for, whoever has it after that one.
        It may be when nobody has it, when its holder's process has ended on this very machine, or when it did not
        change for its whole length while we looked.
        """
        began = since = self.ticks()
        item, lease = self._read_lease()
        beats = 0
        while lease is not None and lease.held and of in (None, lease.fence):
            if lease.process is not None and self._ended(lease.process):
                return Free(item=item, lease=lease, because="its process has ended")
            watched = Watched(seconds=self.ticks() - began, silent=self.ticks() - since, beats=beats)
            if watched.is_over():
                return Free(item=item, lease=lease, because=f"no sign of life for {watched.silent:.0f} s")
            if not watched.is_worth_it(patience):
                raise held_by(lease, self._environment)
            patience.told(f"{lease.owner} on {lease.host} has it, {watched.silent:.0f} of {LENGTH:.0f} s silent")
            self._pause(LOOK)
            before = item and item.body
            item, lease = self._read_lease()
            if (item and item.body) != before:
                beats, since = beats + 1, self.ticks()
        return Free(item=item, lease=lease)

    def at_rest(self, patience: Patience = IMPATIENT) -> tuple[Free, Head]:
        """The free lease, and HEAD as it stood before and after that was found out. LeaseHeld as in ``free_lease``.

        A deployment that begins between two reads would look like one that stopped: its HEAD is there, and the lease
        that was read is free.
        """
        head = self.head()
        while True:
            free, after = self.free_lease(patience), self.head()
            if after.nonce == head.nonce:
                return free, after
            head = after

    def events(self, *, newest_first: bool = False) -> Iterator[Event]:
        """The history. Broken at an event that cannot be read."""
        return (parse_event(item.body, item.seq) for item in self.table.events(newest_first=newest_first))

    def readable(
        self, *, newest_first: bool = False, spoilt: Callable[[str], None] = lambda why: None
    ) -> Iterator[Event]:
        """The history as far as it can be read: for who searches, one entry that is spoilt must not hide the others.

        ``spoilt`` is told why one cannot be read.
        """
        return _readable(self.table.events(newest_first=newest_first), spoilt)

    def of_release(self, version: str, *, spoilt: Callable[[str], None] = lambda why: None) -> Iterator[Event]:
        """The events of a release's deployments, the newest first, where the index says that they are.

        One that the index does not know was never deployed by this version, and its word may be spoilt: then the whole
        history is looked at.
        """
        known = None
        try:
            known = self.known(version)
        except Broken as error:
            spoilt(str(error.args[0]))
        if known is None or not known.deployments:
            yield from concerning(list(self.readable(newest_first=True, spoilt=spoilt)), version)
            return
        for mention in reversed(known.deployments):
            items = self.table.items("EVENT", first=mention.requested, size=DEPLOYMENT)
            yield from reversed(list(of_deployment(_readable(items, spoilt), mention.deployment)))

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

    def known(self, version: str) -> Known | None:
        """What the index says of a release, one read; None when no deployment of it ever began here."""
        item = self.table.get(known_kind(version))
        return parse_known(item.body, version) if item else None

    def proven(self, version: str, head: Head) -> Known | None:
        """What is known of a release with the event by which it was live for proof: one read more than the index takes.

        Whoever can write one item can write the index. So where it is spoilt, or names no event that says the same, the
        whole history is asked, and a life that no event tells of is none.
        """
        known = None
        with suppress(Unreadable):
            known = self.known(version)
        for event in self._told(known, head):
            if (live := life_in(event)) and live.release == version:
                return with_life(known, live, event)
        return known and known.but(live="", live_at="", live_in=None)

    def _told(self, known: Known | None, head: Head) -> Iterator[Event]:
        """The event that the index names, then all up to HEAD."""
        if known and known.live_in is not None and known.live_in <= head.seq:
            with suppress(Broken):
                yield self.event(known.live_in)
        yield from (event for event in self.readable(newest_first=True) if event.seq <= head.seq)

    def lives(self) -> Iterator[Lived]:
        """What was live here, the newest first. Broken at one that cannot be read: what it keeps would be deleted."""
        return (parse_lived(item.body) for item in self.table.items(LIVE, newest_first=True))

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
            faults = (*faults, *head_faults(head, head_item.body, self.event(head.seq), beside(head_item)))
        return head, items, faults

    def index_faults(self, head: Head, items: Iterable[Item], versions: Iterable[str]) -> Iterator[Fault]:
        """What the index says otherwise than all events up to ``head``, of what they name and of ``versions``.

        What became live meanwhile is not judged, nor what an event says that cannot be read itself.
        """
        events = {event.seq: event for event in _readable(items, lambda why: None)}
        found, lives = pasts(events.values()), list(self.table.items(LIVE))
        now = self.head().seq
        for version in sorted({*found, *versions}):
            yield from filter(None, [self._index_fault(version, found.get(version), head)])
        for item in lives:
            if item.seq in events or item.seq > now:
                yield from filter(None, [_life_fault(item, events.get(item.seq))])

    def _index_fault(self, version: str, past: Past | None, head: Head) -> Fault | None:
        try:
            known = self.known(version)
        except Unreadable as error:
            return spoilt_fault(known_kind(version), error)
        meanwhile = known is None or (known.live_in or 0) > head.seq
        return index_fault(known, past) if known and not meanwhile else None

    def begin(self, entry: Entry, head: Head, writer: Writer, free: Free | None = None) -> "Holder":
        """Take the lease and record the first event of a deployment, both or neither.

        ``free`` is the lease as it was found free before; it is looked at here otherwise. Raises LeaseHeld when
        somebody else is at work or was quicker.
        """
        free = free or self.free_lease()
        fence = max(head.fence, free.lease.fence if free.lease else 0) + 1
        taken = Lease(
            owner=writer.principal,
            host=writer.host,
            ci=writer.ci,
            since=self.now().isoformat(),
            fence=fence,
            process=writer.process,
        )
        event = self._event(_with_takeover(entry, free), head, writer, fence=fence)
        after = self._head_after(event, entry.state, head)
        more = (taken_lease(taken, free.item), *self._indexed(entry, event))
        if not self._write(event, after, head, *more):
            self.free_lease()
            raise self._overtaken(head)
        return Holder(self, writer, head=after, lease=taken)

    def note(self, entry: Entry, head: Head, writer: Writer) -> None:
        """Record one event that is no work on the environment. LeaseHeld while somebody is at work."""
        with self.begin(entry, head, writer):
            pass

    def append(self, entry: Entry, head: Head, writer: Writer, fence: int) -> Head:
        """Record an event under a lease's fence. LeaseLost when another one was taken since.

        HEAD carries the fence, so its condition is enough, and the heartbeats of the lease's own item stay apart.
        """
        event = self._event(entry, head, writer, fence=fence)
        after = self._head_after(event, entry.state, head)
        if not self._write(event, after, head, *self._indexed(entry, event)):
            raise self._lost(fence)
        return after

    def head_under(self, fence: int) -> Head:
        """HEAD, while nobody took the lease since; under one fence only one process writes. Else LeaseLost."""
        head = self.head()
        if head.fence != fence:
            raise self._lost(fence)
        return head

    def beat(self, lease: Lease) -> Lease | None:
        """A heartbeat: the lease as it stands now; None when it was taken over."""
        after = renewed(lease)
        return after if self._beats.write_together([held_lease(after)]) else None

    def give_back(self, lease: Lease) -> None:
        """Free the lease; one that was taken over meanwhile is left to its new holder."""
        self._beats.write_together([held_lease(released(lease))])

    def _read_lease(self) -> tuple[Item | None, Lease | None]:
        item = self.table.get("LEASE")
        if item is None:
            return None, None
        try:
            return item, parse_lease(item.body)
        except Unreadable:
            return item, unread(item.fence)

    def _indexed(self, entry: Entry, event: Event) -> Iterator[Write]:
        """What the index says from this event on; no item of it that is spoilt fails an event.

        Such a one stays as it is, and nobody takes half of a word for the whole, until its release is live again: then
        all that counts is known anew. What a newer version wrote is left to it.
        """
        if entry.begins and entry.begins.release:
            with suppress(Unreadable):
                yield known_release(with_deployment(self.known(entry.begins.release), entry.begins, event))
        if entry.became_live and entry.state.live:
            with suppress(HigherFormat):
                known = self._known_if_whole(entry.became_live)
                yield known_release(with_life(known, entry.state.live, event))
            yield new_life(lived(entry.state.live, event), event.seq)
        if entry.adopted and entry.adopted.release:
            with suppress(Unreadable):
                if known := self.known(entry.adopted.release):
                    yield known_release(with_adoption(known, entry.adopted))
        if entry.left and entry.left.release and entry.left.release not in (entry.became_live, _version(entry.adopted)):
            with suppress(Unreadable):
                if known := self.known(entry.left.release):
                    yield known_release(without_life(known, entry.left, event))

    def _known_if_whole(self, version: str) -> Known | None:
        try:
            return self.known(version)
        except HigherFormat:
            raise
        except Unreadable:
            return None

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
                region = f"check the region in the stack file ({self.table.region})"
                error.hint = f"run: release init {self._environment}; or, if that was done, {region}"
            raise

    def _write(self, event: Event, after: Head, before: Head, *more: Write) -> bool:
        """Event, HEAD and what else belongs to it, all or none; True also when only the reply was lost.

        boto3 sends again what got no reply, and that then fails on its own success; or it gives up, and nobody knows.
        """
        writes = [new_event(event), next_head(after, before), *more]
        try:
            return self.table.write_together(writes) or bool(self._is_ours(event))
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
            changed=changes(head.state if head else None, entry.state),
            state_hash=state_hash(entry.state),
            deployment=entry.deployment,
            step=entry.step,
            ended=ending(head.state.open if head else None, entry.ends),
            details=small(entry.details or {}),
        )

    def _head_after(self, event: Event, state: State, before: Head | None) -> Head:
        """HEAD once ``event`` led to ``state``; what it holds that is not known here stays."""
        whose = {"project": self._project, "environment": self._environment, "account": self._account}
        kept = dict(before) if before else whose
        place = {"seq": event.seq, "hash": text_hash(event_json(event)), "fence": event.fence, "nonce": event.nonce}
        return Head.model_validate({**kept, **place, "state": state, "format": FORMAT})


class Holder:
    """The lease in hand: what a deployment records with, from its first event to its last. It beats while open."""

    def __init__(self, ledger: Ledger, writer: Writer, *, head: Head, lease: Lease) -> None:
        self.head = head
        self.lease = lease
        self.writer = writer
        self._ledger = ledger
        self._sure = True  # whether ``head`` is what stands in the ledger
        self._heard = ledger.ticks()  # when the ledger last took our word: others count our silence from there
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat_until_ended, name="lease", daemon=True)

    def __enter__(self) -> "Holder":
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lease. Failing to is no failure of the deployment: others then see that it does not change."""
        self._ended.set()
        self._beating.join()
        with suppress(StagelineError):
            self._ledger.give_back(self.lease)

    def record(self, entry: Entry) -> Head:
        """Append an event. After one of which nobody knows whether it was written, HEAD is read first."""
        if not self._sure:
            self.head = self._ledger.head_under(self.lease.fence)
        self._sure = False
        began = self._ledger.ticks()
        self.head = self._ledger.append(entry, self.head, self.writer, self.lease.fence)
        self._sure, self._heard = True, began
        return self.head

    def refuse_taken_over(self) -> None:
        """LeaseLost when somebody else is at work by now: asked only after a silence behind which they could be before
        a hasty call of ours is heard. It ends that silence.

        Broken when the ledger does not tell; one that is lost is nobody else's either.
        """
        if self._ledger.ticks() - self._heard < LENGTH - CALL:
            return
        self.beat()
        try:
            self._ledger.head_under(self.lease.fence)
        except Broken as error:
            if not is_not_found(error):
                raise

    def beat(self) -> None:
        """A sign of life. One that fails is made up for by the next; a lease taken over is found by the next event."""
        with suppress(Exception):  # whatever it was: the next one must come
            began = self._ledger.ticks()
            if lease := self._ledger.beat(self.lease):
                self.lease, self._heard = lease, began

    def _beat_until_ended(self) -> None:
        while not self._ended.wait(BEAT):
            self.beat()


def _readable(items: Iterable[Item], spoilt: Callable[[str], None]) -> Iterator[Event]:
    for item in items:
        try:
            yield parse_event(item.body, item.seq)
        except Broken as error:
            spoilt(str(error.args[0]))


def _life_fault(item: Item, event: Event | None) -> Fault | None:
    try:
        return life_fault(parse_lived(item.body), item.seq, event)
    except Unreadable as error:
        return spoilt_fault(f"{LIVE} {item.seq}", error)


def this_host() -> str:
    """The name of this machine, for the record."""
    return socket.gethostname()


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def _version(content: Content | None) -> str | None:
    return content.release if content else None


def _with_takeover(entry: Entry, free: Free) -> Entry:
    if free.lease is None or not free.lease.held:
        return entry
    took = {"owner": free.lease.owner, "host": free.lease.host, "because": free.because}
    return replace(entry, details={**(entry.details or {}), "took_over": took})
