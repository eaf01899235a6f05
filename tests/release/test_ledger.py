"""The ledger: one transaction per event, one winner per race, and a chain in which every change is found."""

import json
from datetime import timedelta

import pytest

from release.errors import Broken, LeaseHeld, LeaseLost
from release.head import State
from release.ledger import Entry, Ledger
from tests.aws_clients import aws_resource
from tests.release.world import OPS, World

ENTRY = Entry(kind="note", state=State())


def begin(world: World):
    return world.dev.ledger.begin(ENTRY, world.dev.ledger.head(), OPS)


def events_table(world: World):
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


def test_head_with_a_key_of_another_version_is_broken_and_not_guessed(world: World) -> None:
    item = events_table(world).get_item(Key={"kind": "HEAD", "seq": 0})["Item"]
    item["body"] = json.dumps({**json.loads(item["body"]), "surprise": 1})
    events_table(world).put_item(Item=item)
    with pytest.raises(Broken, match="HEAD is not readable: surprise"):
        world.dev.ledger.head()


def test_each_lease_has_a_higher_fence(world: World) -> None:
    fences = []
    for _ in range(3):
        with begin(world) as holder:
            fences.append(holder.lease.fence)
    assert fences == [1, 2, 3]


def test_a_second_holder_is_refused_until_the_lease_expires(world: World) -> None:
    first = begin(world)
    with pytest.raises(LeaseHeld):
        begin(world)
    world.clock.time += timedelta(hours=1)
    second = begin(world)
    assert world.dev.ledger.event(second.head.seq).details["took_over"]["owner"] == OPS.principal
    with pytest.raises(LeaseLost):
        first.record(ENTRY)


def test_a_heartbeat_renews_the_lease(world: World) -> None:
    holder = begin(world)
    for _ in range(3):
        world.clock.time += timedelta(minutes=4)
        assert world.dev.ledger.beat(holder.lease)
    with pytest.raises(LeaseHeld):
        begin(world)


def test_the_heartbeat_of_a_holder_that_was_taken_over_changes_nothing(world: World) -> None:
    first = begin(world)
    world.clock.time += timedelta(hours=1)
    second = begin(world)
    assert world.dev.ledger.beat(first.lease) is False
    assert world.dev.ledger.lease().fence == second.lease.fence


def test_a_history_without_head_is_not_begun_again(world: World) -> None:
    begin(world)
    events_table(world).delete_item(Key={"kind": "HEAD", "seq": 0})
    with pytest.raises(Broken, match=r"has events but no HEAD.*point-in-time recovery"):
        world.dev.ledger.create(OPS)


def test_a_lost_reply_is_recognised_by_its_nonce(world: World) -> None:
    """Row 4: the write succeeded, the reply was lost, the retry failed on the condition."""
    table = world.dev.ledger.table
    write, replies = table.write_together, []

    def loses_the_reply(writes):
        replies.append(write(writes))
        return False

    table.write_together = loses_the_reply
    holder = begin(world)
    holder.record(ENTRY)
    assert replies == [True, True]
    assert world.dev.ledger.head().seq == 2


def test_a_conflict_with_another_writer_is_not_taken_for_a_lost_reply(world: World) -> None:
    head = world.dev.ledger.head()
    with begin(world):
        pass
    with pytest.raises(LeaseHeld, match="changed while"):
        world.dev.ledger.begin(ENTRY, head, OPS)


def _cut(table, items):
    table.delete_item(Key={"kind": "EVENT", "seq": 1})


def _edit(table, items):
    body = json.loads(items[1]["body"])
    table.put_item(Item={**items[1], "body": json.dumps({**body, "by": "somebody else"})})


def _reorder(table, items):
    table.put_item(Item={**items[1], "seq": items[2]["seq"]})
    table.put_item(Item={**items[2], "seq": items[1]["seq"]})


def _cut_last(table, items):
    table.delete_item(Key={"kind": "EVENT", "seq": 3})


def _edit_last(table, items):
    body = json.loads(items[3]["body"])
    table.put_item(Item={**items[3], "body": json.dumps({**body, "at": "2020-01-01T00:00:00+00:00"})})


def _edit_head(table, items):
    head = table.get_item(Key={"kind": "HEAD", "seq": 0})["Item"]
    body = json.loads(head["body"])
    body["state"]["declared"] = "green"
    table.put_item(Item={**head, "body": json.dumps(body)})


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        pytest.param(_cut, "event 1 is missing", id="cut"),
        pytest.param(_edit, "event 2 does not follow", id="edited"),
        pytest.param(_reorder, "event 1 is missing", id="reordered"),
        pytest.param(_cut_last, "HEAD is at event 3, the last event is 2", id="last-cut"),
        pytest.param(_edit_last, "HEAD does not carry the hash of event 3", id="last-edited"),
        pytest.param(_edit_head, "HEAD's state is not the one of event 3", id="head-edited"),
    ],
)
def test_a_changed_ledger_is_found(world: World, tamper, found: str) -> None:
    """Row 15."""
    holder = begin(world)
    holder.record(ENTRY)
    holder.record(ENTRY)
    table = events_table(world)
    items = {int(item["seq"]): item for item in table.scan()["Items"] if item["kind"] == "EVENT"}
    tamper(table, items)
    assert any(found in fault for fault in world.dev.ledger.faults())
