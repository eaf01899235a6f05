"""What is stopped: changed at any time by anybody, without the lease, and every change stands in a chain."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from release.process.errors import Broken, Refused, WrongUsage
from release.records.ledger.bounds import MOST_TEXT
from release.records.ledger.ledger import Entry, Writer
from release.records.ledger.stops import (
    ENTRY,
    MOST_REASON,
    MOST_VETOES,
    NOW,
    Cause,
    Stops,
    asked_to_end,
    frozen,
    held,
    vetoed,
    without_veto,
)
from tests.aws_clients import aws_resource
from tests.release.troubled import as_it_is
from tests.release.world import OPS, World
from tests.there import there

ANN = Writer(principal="arn:aws:iam::123456789012:user/ann", host="desk", ci="")


def cause(world: World, reason: str = "what was that?", by: Writer = OPS) -> Cause:
    return Cause(reason=reason, by=by.principal, at=world.clock())


def hold(world: World, reason: str = "what was that?", by: Writer = OPS) -> Stops:
    given = cause(world, reason, by)
    return world.dev.stops.change("hold set", lambda stops: held(stops, given), by, {"reason": reason})


def veto(world: World, release: str, by: Writer = OPS) -> Stops:
    rule = partial(vetoed, cause=cause(world, by=by), release=release, digest=f"digest of {release}")
    return world.dev.stops.change("veto set", rule, by, {"release": release})


def table(world: World) -> Any:
    return aws_resource("dynamodb").Table(world.dev.ledger.table.name)


def item(world: World, kind: str, seq: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = table(world).get_item(Key={"kind": kind, "seq": seq})["Item"]
    return found


def edit(world: World, kind: str, seq: int = 0, /, **values: object) -> None:
    before = item(world, kind, seq)
    table(world).put_item(Item={**before, "body": json.dumps({**json.loads(before["body"]), **values})})


def whole(world: World) -> int:
    """How many changes there are, if nothing is wrong with any."""
    stops, items, faults = world.dev.stops.checked()
    assert (stops.seq + 1, faults) == (len(items), ())
    return len(items)


def test_where_nobody_ever_stopped_anything_nothing_stands(world: World) -> None:
    assert (world.dev.stops.read(), list(world.dev.stops.changes())) == (Stops(), [])


def test_a_stop_is_set_while_somebody_holds_the_lease_and_takes_nothing_from_them(world: World) -> None:
    head = world.dev.ledger.head()
    with world.dev.ledger.begin(Entry(kind="note", state=head.state), head, OPS) as holder:
        hold(world, by=ANN)
        assert holder.record(Entry(kind="note", state=head.state)).seq == 2
    assert there(world.dev.stops.read().hold).by == ANN.principal
    assert world.dev.ledger.faults() == ()


def test_every_change_is_written_down_with_who_and_where(world: World) -> None:
    hold(world)
    veto(world, "1.0.0", ANN)
    newest, first = world.dev.stops.changes()
    assert (newest.kind, newest.by, newest.host, newest.details) == (
        "veto set",
        ANN.principal,
        "desk",
        {"release": "1.0.0"},
    )
    assert (newest.seq, first.seq, first.kind, world.dev.stops.read().seq) == (1, 0, "hold set", 1)


def meanwhile(world: World, do: Callable[[], object]) -> None:
    """Just before the next write somebody else is quicker."""
    table = world.dev.ledger.table

    def later(write: Callable[[], bool], writes: object) -> bool:
        table.writing = as_it_is
        do()
        return write()

    table.writing = later


def test_of_two_changes_at_the_same_time_both_stand(world: World) -> None:
    meanwhile(world, lambda: veto(world, "1.0.0", ANN))
    hold(world)
    stops = world.dev.stops.read()
    assert (there(stops.hold).by, [one.release for one in stops.vetoes]) == (OPS.principal, ["1.0.0"])
    assert [change.kind for change in world.dev.stops.changes()] == ["hold set", "veto set"]
    assert whole(world) == 2


def test_what_is_refused_once_somebody_was_quicker_is_not_written(world: World) -> None:
    def only_first(stops: Stops) -> Stops:
        if stops.hold:
            raise Refused(f"on hold already: {stops.hold.reason}")
        return held(stops, given)

    given = cause(world)
    meanwhile(world, lambda: hold(world, "mine", ANN))
    with pytest.raises(Refused, match="on hold already: mine"):
        world.dev.stops.change("hold set", only_first, OPS, {})
    assert [change.by for change in world.dev.stops.changes()] == [ANN.principal]


def test_a_rule_that_changes_nothing_writes_nothing(world: World) -> None:
    stops = hold(world)
    assert hold(world, "another reason") == stops
    assert len(list(world.dev.stops.changes())) == 1


def test_a_lost_reply_is_recognised_and_nothing_is_done_twice(world: World) -> None:
    world.dev.ledger.table.writing = lambda write, writes: write() and False
    stops = veto(world, "1.0.0")
    assert (stops, len(list(world.dev.stops.changes()))) == (world.dev.stops.read(), 1)


def test_who_is_never_quick_enough_is_told(world: World) -> None:
    world.dev.ledger.table.writing = lambda write, writes: False
    with pytest.raises(Broken, match="was changed by others all the time; run it again"):
        hold(world)


def test_stops_that_cannot_be_read_are_broken_because_they_could_say_no(world: World) -> None:
    hold(world)
    edit(world, NOW, hold="yes")
    with pytest.raises(Broken, match="what is stopped is not readable: hold"):
        world.dev.stops.read()


def test_stops_of_a_higher_format_are_refused_in_that_word(world: World) -> None:
    hold(world)
    edit(world, NOW, format=3)
    with pytest.raises(Broken, match="what is stopped has a higher format"):
        world.dev.stops.read()


def test_what_another_version_wrote_into_the_stops_stays_there(world: World) -> None:
    hold(world)
    edit(world, NOW, curfew={"until": "ten"})
    veto(world, "1.0.0")
    assert json.loads(item(world, NOW)["body"])["curfew"] == {"until": "ten"}


def format_1(world: World, **stops: object) -> None:
    """HEAD as an earlier version wrote it, with what it stopped in its state."""
    aws_resource("dynamodb").Table(world.dev.ledger.table.name).delete_item(Key={"kind": NOW, "seq": 0})
    edit(world, "HEAD", format=1, state={"blue": None, "green": None, "schema": None, **stops})


HOLD = {"reason": "incident 7", "by": "ann", "since": "2026-11-20T12:00:00+00:00"}


def test_what_an_earlier_version_stopped_in_head_still_stops(world: World) -> None:
    freeze = {**HOLD, "until": "2026-12-20T12:00:00+00:00"}
    format_1(world, hold=HOLD, freeze=freeze, vetoes=[{**HOLD, "release": "1.0.0", "digest": "d1"}])
    stops = world.dev.stops.read()
    assert (there(stops.hold).reason, there(stops.freeze).until, stops.vetoes[0].digest) == (
        "incident 7",
        freeze["until"],
        "d1",
    )


def test_lifting_what_an_earlier_version_stopped_is_remembered_though_head_still_says_it(world: World) -> None:
    format_1(world, hold=HOLD, freeze=None, vetoes=[{**HOLD, "release": "1.0.0", "digest": "d1"}])
    world.dev.stops.change("veto lifted", lambda stops: without_veto(stops, "1.0.0"), OPS, {})
    assert (world.dev.stops.read().vetoes, there(world.dev.stops.read().hold).reason) == ((), "incident 7")
    assert whole(world) == 1


def test_a_reason_is_short_enough_to_stand_beside_all_others(world: World) -> None:
    with pytest.raises(WrongUsage, match=f"{MOST_REASON} characters at most, this one {MOST_REASON + 1}"):
        cause(world, "x" * (MOST_REASON + 1))


@pytest.mark.parametrize("sign", ["x", "\N{SNOWMAN}", "\N{PILE OF POO}"], ids=["1-byte", "3-bytes", "4-bytes"])
def test_as_many_vetoes_as_fit_are_written_beside_all_other_stops_and_more_are_refused(world: World, sign: str) -> None:
    longest, end = cause(world, sign * MOST_REASON), world.clock() + timedelta(days=1)

    def as_many_as_fit(stops: Stops) -> Stops:
        with suppress(Refused):
            for number in range(MOST_VETOES):
                stops = vetoed(stops, longest, release=f"1.0.{number}", digest=f"{number:064}")
        return asked_to_end(frozen(held(stops, longest), longest, end), longest, "dev-1")

    stops = world.dev.stops.change("veto set", as_many_as_fit, OPS, {"reason": "x" * 100_000})
    assert world.dev.stops.read() == stops
    assert len(json.loads(item(world, ENTRY)["body"])["details"]["reason"]) == MOST_TEXT
    with pytest.raises(Refused, match="releases are vetoed here, more do not fit; lift those"):
        vetoed(stops, longest, release="2.0.0", digest="d2")


def _delete(world: World) -> None:
    table(world).delete_item(Key={"kind": ENTRY, "seq": 1})


def _cut(world: World) -> None:
    table(world).delete_item(Key={"kind": ENTRY, "seq": 2})


def _lose_now(world: World) -> None:
    table(world).delete_item(Key={"kind": NOW, "seq": 0})


def _lose_all_changes(world: World) -> None:
    edit(world, NOW, seq=-1, hash="")
    for seq in range(3):
        table(world).delete_item(Key={"kind": ENTRY, "seq": seq})


def _beside(world: World) -> None:
    table(world).put_item(Item={**item(world, NOW), "nonce": "another"})


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        pytest.param(lambda world: edit(world, ENTRY, 1, by="nobody"), "stop 1 was edited: its hash", id="edited"),
        pytest.param(lambda world: edit(world, ENTRY, 2, seq=True), "stop 2 was edited: its hash", id="unreadable"),
        pytest.param(_delete, "stop 1 is missing: stop 2 follows", id="deleted"),
        pytest.param(_cut, "stop 2 is missing: the end was cut off, STOPS is at stop 2", id="cut"),
        pytest.param(
            lambda world: edit(world, NOW, vetoes=[]),
            "STOPS was changed: its content is not",
            id="lifted",
        ),
        pytest.param(_beside, "STOPS was changed: its nonce in the table is not that of stop 2", id="beside"),
        pytest.param(_lose_now, "stop 0 was added, or STOPS was put back: STOPS knows of none", id="lost"),
        pytest.param(_lose_all_changes, "STOPS was changed: it stands there without any change", id="no-change-left"),
    ],
)
def test_a_change_by_hand_is_found(world: World, tamper: Callable[[World], None], found: str) -> None:
    hold(world)
    veto(world, "1.0.0")
    veto(world, "1.1.0")
    assert whole(world) == 3
    tamper(world)
    _, _, (fault, *_) = world.dev.stops.checked()
    assert (fault.text.startswith(found), fault.of) == (True, "stop")


def test_a_change_that_cannot_be_read_hides_no_other(world: World) -> None:
    for release in ("1.0.0", "1.1.0", "1.2.0"):
        veto(world, release)
    edit(world, ENTRY, 1, by=7)
    spoilt: list[str] = []
    assert [change.seq for change in world.dev.stops.changes(spoilt=spoilt.append)] == [2, 0]
    assert [why.partition(":")[0] for why in spoilt] == ["entry 1 of what was stopped is not readable"]
