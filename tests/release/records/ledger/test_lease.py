"""A lease is taken by proof: its process has ended, or nothing of it changed for its whole length while we looked."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.doors.aws.table import Item
from release.process.errors import Broken, LeaseHeld, LeaseLost
from release.process.form import FORMAT
from release.records.ledger.head import State
from release.records.ledger.items import HELD
from release.records.ledger.lease import BEAT, CALL, LENGTH, LOOK, UNKNOWN, Lease, Patience, Watched, released, renewed
from release.records.ledger.ledger import Entry, Free, Holder, Writer
from release.records.ledger.stops import Cause, held
from tests.aws_clients import aws_resource
from tests.release.records.ledger.taking import ANN, PROCESS, Taker, beating
from tests.release.world import OPS, World
from tests.there import there

ODD = "http://ci/f\udcfc\x1b\n/1"  # a byte that is no text, one that terminals obey, and two lines
ENTRY = Entry(kind="note", state=State())
UNTIL_SILENT = Patience(until_silent=True)


def begin(world: World, writer: Writer = ANN) -> Holder:
    return world.dev.ledger.begin(ENTRY, world.dev.ledger.head(), writer)


def unreachable(*_: object) -> Item:
    raise Broken("cannot read HEAD: connect timeout")


def test_a_lease_that_nobody_ever_had_is_free(world: World) -> None:
    assert Taker(world).free() == Free(item=None, lease=None)


def test_a_lease_that_was_given_back_is_free(world: World) -> None:
    with begin(world):
        pass
    free = Taker(world).free()
    assert (there(free.lease).held, free.because) == (False, "")


def test_who_holds_it_is_named_at_once_with_what_can_be_done(world: World) -> None:
    begin(world)
    taker = Taker(world)
    with pytest.raises(LeaseHeld, match=r"user/ann on desk \(https://ci/7\) since .*--wait.*release stop dev --reason"):
        taker.free()
    assert taker.waited == 0


def test_the_lease_of_a_process_that_is_proven_ended_is_taken_at_once(world: World) -> None:
    first = begin(world)
    world.ended.append(PROCESS)
    taker = Taker(world)
    free = taker.free()
    assert (free.because, taker.waited) == ("its process has ended", 0)
    second = taker.ledger.begin(ENTRY, taker.ledger.head(), OPS, free)
    assert second.lease.fence == first.lease.fence + 1
    with pytest.raises(LeaseLost):
        first.record(ENTRY)


def test_a_process_that_ends_while_it_is_waited_for_is_not_waited_for_any_longer(world: World) -> None:
    begin(world)
    taker = Taker(world, lambda: world.ended.append(PROCESS))
    assert (taker.free(UNTIL_SILENT).because, taker.waited) == ("its process has ended", LOOK)


def test_a_lease_of_which_nothing_is_known_is_not_taken_for_one_of_a_process_that_ended(world: World) -> None:
    begin(world, replace(ANN, process=None))
    world.ended.append(PROCESS)
    with pytest.raises(LeaseHeld):
        Taker(world).free()


def test_one_that_is_silent_for_its_length_by_the_takers_ticks_is_taken(world: World) -> None:
    begin(world)
    taker = Taker(world)
    free = taker.free(UNTIL_SILENT)
    assert (free.because, taker.waited) == ("no sign of life for 60 s", LENGTH)


def test_a_holder_asks_whether_it_was_taken_over_only_after_a_silence_of_its_length(world: World) -> None:
    first = begin(world)
    taker = Taker(world)
    taker.ledger.begin(ENTRY, taker.ledger.head(), OPS, taker.free(UNTIL_SILENT))
    first.refuse_taken_over()
    world.silence.seconds = LENGTH
    with pytest.raises(LeaseLost, match="taken over"):
        first.refuse_taken_over()


def test_a_holder_that_was_silent_for_so_long_that_a_call_might_be_late_gives_a_sign_of_life_first(
    world: World,
) -> None:
    holder = begin(world)
    beat, world.silence.seconds = holder.lease.beat, LENGTH - CALL
    holder.refuse_taken_over()
    assert holder.lease.beat == beat + 1


def test_what_a_silent_holder_cannot_ask_is_not_taken_for_granted_unless_the_ledger_is_lost(world: World) -> None:
    holder, table = begin(world), world.dev.ledger.table
    reading, world.silence.seconds = table.reading, LENGTH
    table.reading = unreachable
    with pytest.raises(Broken, match="connect timeout"):
        holder.refuse_taken_over()
    table.reading = reading
    client = world.dev.session.client("dynamodb")
    client.update_table(TableName=table.name, DeletionProtectionEnabled=False)
    client.delete_table(TableName=table.name)
    holder.refuse_taken_over()


@pytest.mark.parametrize("sign", [Holder.beat, lambda holder: holder.record(ENTRY)], ids=["heartbeat", "event"])
def test_a_holder_that_gave_a_sign_of_life_asks_nobody(world: World, sign: Callable[[Holder], object]) -> None:
    holder = begin(world)
    world.silence.seconds = LENGTH
    sign(holder)
    world.dev.ledger.table.reading = unreachable
    holder.refuse_taken_over()


def test_a_heartbeat_of_a_lease_that_was_taken_over_is_no_sign_of_life(world: World) -> None:
    holder, taker = begin(world), Taker(world)
    taker.ledger.begin(ENTRY, taker.ledger.head(), OPS, taker.free(UNTIL_SILENT))
    world.silence.seconds = LENGTH
    holder.beat()
    with pytest.raises(LeaseLost):
        holder.refuse_taken_over()


def test_one_that_changes_within_its_length_is_refused_at_its_first_sign_of_life(world: World) -> None:
    holder = begin(world)
    taker = Taker(world, beating(world, holder), pauses=BEAT)
    with pytest.raises(LeaseHeld):
        taker.free(UNTIL_SILENT)
    assert taker.waited == BEAT


def test_who_waits_for_a_living_holder_gets_it_when_it_is_given_back(world: World) -> None:
    holder = begin(world)

    def beat_and_give_back() -> Iterator[None]:
        for _ in range(9):
            beating(world, holder)()
            yield
        world.dev.ledger.give_back(holder.lease)
        yield

    steps = beat_and_give_back()
    taker = Taker(world, lambda: next(steps), pauses=BEAT)
    free = taker.free(Patience(seconds=600))
    assert (there(free.lease).held, free.because, taker.waited) == (False, "", 10 * BEAT)


def test_who_waits_for_a_living_holder_is_refused_when_their_patience_ends(world: World) -> None:
    holder = begin(world)
    taker = Taker(world, beating(world, holder), pauses=BEAT)
    with pytest.raises(LeaseHeld):
        taker.free(Patience(seconds=120))
    assert taker.waited == 120


def test_who_waits_less_than_its_length_takes_nothing_from_a_silent_holder(world: World) -> None:
    begin(world)
    with pytest.raises(LeaseHeld):
        Taker(world).free(Patience(seconds=LENGTH - 1))


def test_silence_is_counted_from_the_last_sign_of_life(world: World) -> None:
    holder = begin(world)
    beats = iter([beating(world, holder)] * 3)
    taker = Taker(world, lambda: next(beats, lambda: None)(), pauses=BEAT)
    assert taker.free(Patience(seconds=600)).because == "no sign of life for 60 s"
    assert taker.waited == 3 * BEAT + LENGTH


def test_who_waits_is_told_for_whom_and_how_long(world: World) -> None:
    begin(world)
    told: list[str] = []
    Taker(world, pauses=BEAT).free(replace(UNTIL_SILENT, told=told.append))
    assert told[1] == f"{ANN.principal} on desk has it, 10 of 60 s silent"
    assert len(told) == LENGTH / BEAT


@pytest.mark.parametrize("hours", [-24 * 365, 24 * 365], ids=["a-year-behind", "a-year-ahead"])
def test_clocks_play_no_part(world: World, hours: int) -> None:
    begin(world)
    world.clock.time += timedelta(hours=hours)
    with pytest.raises(LeaseHeld):
        Taker(world).free()
    taker = Taker(world)
    assert (taker.free(UNTIL_SILENT).because, taker.waited) == ("no sign of life for 60 s", LENGTH)


def test_who_was_quicker_in_taking_over_keeps_it(world: World) -> None:
    begin(world)
    one, other = Taker(world), Taker(world)
    head, found_by_one, found_by_other = one.ledger.head(), one.free(UNTIL_SILENT), other.free(UNTIL_SILENT)
    winner = one.ledger.begin(ENTRY, head, OPS, found_by_one)
    with pytest.raises(LeaseHeld, match="user/ops on laptop"):
        other.ledger.begin(ENTRY, head, OPS, found_by_other)
    assert one.ledger.lease() == winner.lease


def test_a_lease_of_an_earlier_version_is_waited_for_like_any(world: World) -> None:
    with begin(world) as holder:
        pass
    old = {**dict(holder.lease), "expires": "2020-01-01T00:00:00+00:00", "format": 1, "process": None}
    lease = Lease.model_validate(old)
    assert (lease.held, renewed(lease).model_extra) == (True, {"expires": "2020-01-01T00:00:00+00:00"})


SPOILT: dict[str, dict[str, Any]] = {
    "rubbish": {"body": "rubbish"},
    "of a higher format": {"body": json.dumps({"format": FORMAT + 1})},
    "of another form": {"body": "{}", "fence": 41},
    "empty": {"body": ""},
    "with a fence that is none": {"body": "rubbish", "fence": Decimal("1.5")},
    "nothing but its key": {},
}


def spoil(world: World, attributes: dict[str, Any]) -> None:
    table = aws_resource("dynamodb").Table(world.dev.ledger.table.name)
    table.put_item(Item={"kind": "LEASE", "seq": 0, **attributes})


@pytest.mark.parametrize("attributes", SPOILT.values(), ids=SPOILT)
def test_a_lease_that_cannot_be_read_is_somebodys_until_it_did_not_change_for_its_length(
    world: World, attributes: dict[str, Any]
) -> None:
    before = begin(world)
    spoil(world, attributes)
    with pytest.raises(LeaseHeld, match="lease on dev is not readable, so somebody may be at work; once it did"):
        Taker(world).free()
    taker = Taker(world)
    free = taker.free(UNTIL_SILENT)
    assert (free.because, taker.waited) == ("no sign of life for 60 s", LENGTH)
    taken = taker.ledger.begin(ENTRY, taker.ledger.head(), OPS, free).lease
    assert taken.fence == max(before.lease.fence, int(attributes.get("fence", 0))) + 1
    assert taker.ledger.lease() == taken


def test_whoever_has_a_lease_that_cannot_be_read_gives_a_sign_of_life_by_their_next_beat(world: World) -> None:
    holder = begin(world)
    spoil(world, {"body": "rubbish", "fence": holder.lease.fence, "nonce": HELD})
    with pytest.raises(LeaseHeld, match="user/ann on desk"):
        Taker(world, beating(world, holder)).free(UNTIL_SILENT)


def test_who_has_a_lease_that_cannot_be_read_is_not_known_to_those_who_only_look(world: World) -> None:
    spoil(world, {"body": "rubbish"})
    assert (there(world.dev.ledger.lease()).owner, there(world.dev.ledger.lease()).held) == (UNKNOWN, True)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=9))
def test_the_fence_stays_when_a_lease_is_given_back_however_often_it_was_renewed(fence: int, beats: int) -> None:
    lease = Lease(owner="ann", host="desk", ci="", since="s", fence=fence)
    for _ in range(beats):
        lease = renewed(lease)
    assert (lease.beat, released(lease).fence, released(lease).held) == (beats, fence, False)


@given(
    seconds=st.floats(0, 1_000),
    silent=st.floats(0, 1_000),
    beats=st.integers(0, 5),
    patience=st.builds(Patience, seconds=st.floats(0, 1_000), until_silent=st.booleans()),
)
def test_a_look_ends_whatever_is_seen(seconds: float, silent: float, beats: int, patience: Patience) -> None:
    """Nobody is waited for without end: patience is over, or a sign of life was seen, or the silence is long enough."""
    watched = Watched(seconds=seconds, silent=silent, beats=beats)
    assert watched.is_over() == (silent >= LENGTH)
    if beats and seconds >= patience.seconds:
        assert not watched.is_worth_it(patience)


def interrupting(world: World, after: str, meanwhile: Callable[[], object]) -> None:
    """Let something happen once, right after the next read of this item of dev's ledger."""
    waiting = [meanwhile]

    def reading(read: Callable[[], Item | None], kind: str) -> Item | None:
        found = read()
        if kind == after and waiting:
            waiting.pop()()
        return found

    world.dev.ledger.table.reading = reading


@pytest.mark.parametrize("after", ["HEAD", "LEASE"])
def test_a_deployment_that_begins_between_two_reads_is_somebody_at_work_and_not_one_that_stopped(
    world: World, after: str
) -> None:
    interrupting(world, after, lambda: begin(world))
    with pytest.raises(LeaseHeld, match="ann"):
        world.dev.ledger.at_rest()


@pytest.mark.parametrize("after", ["HEAD", "LEASE"])
def test_a_deployment_that_began_and_ended_between_two_reads_is_seen_in_head(world: World, after: str) -> None:
    def whole() -> None:
        with begin(world):
            pass

    interrupting(world, after, whole)
    free, head = world.dev.ledger.at_rest()
    assert head == world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="note", state=head.state), head, OPS, free):
        pass


@pytest.mark.parametrize("field", ["principal", "host", "ci"])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param(ODD, r"http://ci/f\udcfc\x1b /1", id="does-not-print"),
        pytest.param("x" * 120_000, "x" * 499 + "…", id="very-long"),
    ],
)
def test_whatever_the_writer_is_called_the_lease_is_taken_and_holds_a_line(
    world: World, field: str, text: str, kept: str
) -> None:
    writer = replace(ANN, **dict[str, Any]({field: text}))
    with begin(world, writer):
        lease, event = world.dev.ledger.lease(), world.dev.ledger.event(1)
    assert lease is not None
    assert {"principal": lease.owner, "host": lease.host, "ci": lease.ci}[field] == kept
    assert (event.by, event.host) == (lease.owner, lease.host)


def test_whatever_the_writer_is_called_a_stop_can_be_set(world: World) -> None:
    writer = replace(ANN, principal=ODD, host="h" * 120_000)
    cause = Cause(reason="why", by=writer.principal, at=world.clock())
    world.dev.stops.change("hold set", lambda stops: held(stops, cause), writer, {})
    (change,) = list(world.dev.stops.changes())[:1]
    assert (change.by, len(change.host)) == (r"http://ci/f\udcfc\x1b /1", 500)
