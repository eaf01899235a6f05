"""The ledger: one transaction per event, one winner per race, and a chain in which every change is found."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from release.process.errors import Broken, LeaseHeld, LeaseLost
from release.records.ledger.event import with_states
from release.records.ledger.head import Content, State, state_hash
from release.records.ledger.lease import Patience
from release.records.ledger.ledger import Entry, Holder, Ledger
from tests.aws_clients import aws_resource
from tests.release.troubled import as_it_is
from tests.release.world import OPS, World
from tests.there import there

ENTRY = Entry(kind="note", state=State())
UNTIL_SILENT = Patience(until_silent=True)


def begin(world: World) -> Holder:
    return world.dev.ledger.begin(ENTRY, world.dev.ledger.head(), OPS)


def take_over(world: World) -> Holder:
    """The lease of a holder that gives no sign of life."""
    free = world.dev.ledger.free_lease(UNTIL_SILENT)
    return world.dev.ledger.begin(ENTRY, world.dev.ledger.head(), OPS, free)


def events_table(world: World) -> Any:
    return aws_resource("dynamodb").Table(world.dev.ledger.table.name)


def test_a_new_ledger_has_event_0_and_a_head_that_names_its_environment(world: World) -> None:
    head = world.dev.ledger.head()
    assert (head.seq, head.project, head.environment, head.account) == (0, "stageline", "dev", "123456789012")
    assert world.dev.ledger.faults() == ()


def test_creating_it_again_changes_nothing(world: World) -> None:
    before = world.dev.ledger.head()
    assert world.dev.ledger.create(OPS) == before


def test_head_of_another_environment_is_broken(world: World) -> None:
    other = Ledger(
        world.dev.ledger.table, project="stageline", environment="prod", account="123456789012", now=world.clock
    )
    with pytest.raises(Broken, match=r"HEAD of stageline-dev-ledger is of stageline/dev/123456789012, not of .*prod"):
        other.head()


def test_a_table_without_head_is_broken_and_says_what_to_run(world: World) -> None:
    events_table(world).delete_item(Key={"kind": "HEAD", "seq": 0})
    with pytest.raises(Broken, match="run: release init dev"):
        world.dev.ledger.head()


def head_item(world: World) -> dict[str, Any]:
    item: dict[str, Any] = events_table(world).get_item(Key={"kind": "HEAD", "seq": 0})["Item"]
    return item


def edit_head(world: World, **values: object) -> None:
    item = head_item(world)
    events_table(world).put_item(Item={**item, "body": json.dumps({**json.loads(item["body"]), **values})})


def test_what_another_version_wrote_into_head_stays_there_from_event_to_event(world: World) -> None:
    state = {**json.loads(head_item(world)["body"])["state"], "mood": "good"}
    edit_head(world, surprise=1, state=state)
    head = world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="note", state=head.state.but(declared="blue")), head, OPS):
        pass
    body = json.loads(head_item(world)["body"])
    assert (body["seq"], body["surprise"], body["state"]["mood"], body["state"]["declared"]) == (1, 1, "good", "blue")


def test_head_of_a_higher_format_is_refused_in_that_word_before_anything_is_written(world: World) -> None:
    head = world.dev.ledger.head()
    edit_head(world, format=3)
    with pytest.raises(Broken, match=r"HEAD has a higher format \(3\) than this version reads \(2\); use the version"):
        world.dev.ledger.head()
    assert [event.seq for event in world.dev.ledger.events()] == [head.seq]


def test_a_head_that_is_none_is_broken_and_not_guessed(world: World) -> None:
    edit_head(world, seq="many")
    with pytest.raises(Broken, match="HEAD is not readable: seq"):
        world.dev.ledger.head()


def test_each_lease_has_a_higher_fence(world: World) -> None:
    fences = []
    for _ in range(3):
        with begin(world) as holder:
            fences.append(holder.lease.fence)
    assert fences == [1, 2, 3]


def test_who_is_taken_over_is_named_and_records_nothing_more(world: World) -> None:
    first = begin(world)
    with pytest.raises(LeaseHeld):
        begin(world)
    second = take_over(world)
    took = world.dev.ledger.event(second.head.seq).details["took_over"]
    assert (took["owner"], took["host"], took["because"]) == (OPS.principal, OPS.host, "no sign of life for 80 s")
    with pytest.raises(LeaseLost):
        first.record(ENTRY)


def test_the_heartbeat_of_a_holder_that_was_taken_over_changes_nothing(world: World) -> None:
    first = begin(world)
    second = take_over(world)
    assert world.dev.ledger.beat(first.lease) is None
    assert world.dev.ledger.lease() == second.lease


def test_an_event_carries_what_changed_and_the_hash_of_what_it_led_to(world: World) -> None:
    """So that an event stays small, and yet every state of the past can be made again and checked."""
    held = Content(release="1.0.0", digest="d1", artifact_key="k1", deployment="dev-1")
    states = [State(blue=held), State(blue=held, declared="blue"), State(declared="blue")]
    with world.dev.ledger.begin(Entry(kind="note", state=states[0]), world.dev.ledger.head(), OPS) as holder:
        for state in states[1:]:
            holder.record(Entry(kind="note", state=state))
    events = list(world.dev.ledger.events())
    assert [sorted(event.changed) for event in events[1:]] == [["blue"], ["declared"], ["blue"]]
    assert [state for _, state in with_states(events)][1:] == states
    assert [event.state_hash for event in events[1:]] == [state_hash(state) for state in states]


def test_a_history_without_head_is_not_begun_again(world: World) -> None:
    begin(world)
    events_table(world).delete_item(Key={"kind": "HEAD", "seq": 0})
    with pytest.raises(Broken, match=r"has events but no HEAD.*point-in-time recovery"):
        world.dev.ledger.create(OPS)


@pytest.fixture(params=["found-again", "given-up"])
def losing(request: pytest.FixtureRequest, world: World) -> list[bool]:
    """Writes are done, but no reply comes: what boto3 sends again fails on its condition, or it gives up."""
    lost: list[bool] = []

    def without_reply(write: Callable[[], bool], writes: object) -> bool:
        lost.append(write())
        if request.param == "given-up":
            raise Broken("cannot write to the ledger: the connection was closed")
        return False

    world.dev.ledger.table.writing = without_reply
    return lost


def test_row_04_a_lost_reply_is_recognised_by_its_nonce(world: World, losing: list[bool]) -> None:
    """The write succeeded, the reply was lost, the retry failed on the condition."""
    holder = begin(world)
    holder.record(ENTRY)
    assert losing == [True, True]
    assert [event.seq for event in world.dev.ledger.events()] == [0, 1, 2]
    assert world.dev.ledger.faults() == ()


def test_a_heartbeat_or_a_return_whose_reply_is_lost_is_done(world: World, losing: list[bool]) -> None:
    holder = begin(world)
    with suppress(Broken):
        world.dev.ledger.beat(holder.lease)
    assert there(world.dev.ledger.lease()).beat == holder.lease.beat + 1
    with suppress(Broken):
        world.dev.ledger.give_back(holder.lease)
    assert (losing, there(world.dev.ledger.lease()).owner) == ([True, True, True], "")


def test_a_return_that_is_sent_twice_frees_no_lease_but_its_own(world: World) -> None:
    first = begin(world)
    world.dev.ledger.give_back(first.lease)
    second = begin(world)
    world.dev.ledger.give_back(first.lease)
    assert there(world.dev.ledger.lease()).fence == second.lease.fence
    assert there(world.dev.ledger.lease()).owner == OPS.principal


def test_a_heartbeat_that_comes_late_does_not_take_back_what_was_given_back(world: World) -> None:
    holder = begin(world)
    world.dev.ledger.give_back(holder.lease)
    assert world.dev.ledger.beat(holder.lease) is None
    assert there(world.dev.ledger.lease()).owner == ""


def test_after_a_write_of_unknown_outcome_head_is_read_before_the_next(world: World) -> None:
    """Nothing can be reached for a while: neither the write is answered nor whether it was done."""
    holder, table = begin(world), world.dev.ledger.table
    reading = table.reading

    def unreachable(*_: object) -> None:
        raise Broken("cannot reach AWS")

    def done_without_reply(write: Callable[[], bool], writes: object) -> bool:
        write()
        raise Broken("cannot write to the ledger: the connection was closed")

    table.writing, table.reading = done_without_reply, unreachable
    with pytest.raises(Broken, match="the connection was closed"):
        holder.record(ENTRY)
    table.writing, table.reading = as_it_is, reading
    assert holder.record(ENTRY).seq == 3
    assert world.dev.ledger.faults() == ()


def test_after_a_write_of_unknown_outcome_a_lease_that_was_taken_over_is_found(world: World) -> None:
    holder, table = begin(world), world.dev.ledger.table

    def not_done(*_: object) -> bool:
        raise Broken("cannot reach AWS")

    table.writing = not_done
    with pytest.raises(Broken, match="cannot reach AWS"):
        holder.record(ENTRY)
    table.writing = as_it_is
    second = take_over(world)
    with pytest.raises(LeaseLost):
        holder.record(ENTRY)
    assert second.record(ENTRY).seq == 3


def test_a_conflict_with_another_writer_is_not_taken_for_a_lost_reply(world: World) -> None:
    head = world.dev.ledger.head()
    with begin(world):
        pass
    with pytest.raises(
        LeaseHeld, match=r"changed while this deployment began: note by .*user/ops on laptop at 2026-11-20T12:00"
    ):
        world.dev.ledger.begin(ENTRY, head, OPS)


def test_a_silent_lease_that_is_given_back_in_the_very_moment_is_no_damage(world: World) -> None:
    first, table = begin(world), world.dev.ledger.table

    def after_a_return(write: Callable[[], bool], writes: object) -> bool:
        table.writing = as_it_is
        world.dev.ledger.give_back(first.lease)
        return write()

    table.writing = after_a_return
    with pytest.raises(LeaseHeld, match="changed while this deployment began: its lease was given back; run it again"):
        take_over(world)


def test_a_holder_that_beats_in_the_very_moment_keeps_its_lease(world: World) -> None:
    first, table = begin(world), world.dev.ledger.table

    def after_a_beat(write: Callable[[], bool], writes: object) -> bool:
        table.writing = as_it_is
        first.lease = there(world.dev.ledger.beat(first.lease))
        return write()

    table.writing = after_a_beat
    with pytest.raises(LeaseHeld, match="dev is being deployed by"):
        take_over(world)
    assert first.record(ENTRY).seq == 2


Items = dict[int, dict[str, Any]]


def _delete(table: Any, items: Items) -> None:
    table.delete_item(Key={"kind": "EVENT", "seq": 1})


def _cut(table: Any, items: Items) -> None:
    for seq in (2, 3):
        table.delete_item(Key={"kind": "EVENT", "seq": seq})


def _edit_beside(table: Any, items: Items) -> None:
    table.put_item(Item={**items[1], "fence": 9})


def _spoil(table: Any, items: Items) -> None:
    body = json.loads(items[1]["body"])
    table.put_item(Item={**items[1], "body": json.dumps({**body, "seq": "one"})})


def _edit_heads_fence(table: Any, items: Items) -> None:
    head = table.get_item(Key={"kind": "HEAD", "seq": 0})["Item"]
    table.put_item(Item={**head, "fence": 9})


def _edit(table: Any, items: Items) -> None:
    body = json.loads(items[1]["body"])
    table.put_item(Item={**items[1], "body": json.dumps({**body, "by": "somebody else"})})


def _reorder(table: Any, items: Items) -> None:
    table.put_item(Item={**items[1], "seq": items[2]["seq"]})
    table.put_item(Item={**items[2], "seq": items[1]["seq"]})


def _edit_last(table: Any, items: Items) -> None:
    body = json.loads(items[3]["body"])
    table.put_item(Item={**items[3], "body": json.dumps({**body, "at": "2020-01-01T00:00:00+00:00"})})


def _edit_head(table: Any, items: Items) -> None:
    head = table.get_item(Key={"kind": "HEAD", "seq": 0})["Item"]
    body = json.loads(head["body"])
    body["state"]["declared"] = "green"
    table.put_item(Item={**head, "body": json.dumps(body)})


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        pytest.param(_delete, "event 1 is missing: event 2 follows", id="deleted"),
        pytest.param(_edit, "event 1 was edited", id="edited"),
        pytest.param(_edit_beside, "event 1 was edited: fence in the table is not that of its text", id="beside"),
        pytest.param(_spoil, "event 2 carries; it is not readable any more", id="unreadable"),
        pytest.param(_reorder, "event 1 was reordered: what stands in its place is event 2", id="reordered"),
        pytest.param(_cut, "events 2 to 3 are missing: the end was cut off", id="cut"),
        pytest.param(_edit_last, "event 3 was edited: its hash is not the one that HEAD carries", id="last-edited"),
        pytest.param(_edit_head, "HEAD was changed: its state is not that of event 3", id="head-edited"),
        pytest.param(_edit_heads_fence, "HEAD was changed: its fence in the table is not", id="head-beside"),
    ],
)
def test_row_15_a_changed_ledger_is_found(world: World, tamper: Callable[[Any, Items], None], found: str) -> None:
    holder = begin(world)
    holder.record(ENTRY)
    holder.record(ENTRY)
    table = events_table(world)
    items = {int(item["seq"]): item for item in table.scan()["Items"] if item["kind"] == "EVENT"}
    tamper(table, items)
    assert found in world.dev.ledger.faults()[0].text
