"""Reaping: what is due goes, one that fails stops no other, and nobody else's work is disturbed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from release.doors.aws.demos_table import Kept
from release.process.errors import Broken, Interrupted
from release.process.output import Progress
from release.rules.demos import MOST_AT_ONCE
from release.work.demos.ending import take_down
from release.work.demos.reaping import reap
from settings import model
from tests.aws_clients import aws_client
from tests.release.demos import BEN, Demos, FakeStack, demo, held
from tests.release.world import World

pytestmark = pytest.mark.moto

FAR = "2126-12-04T12:00:00+00:00"
MAP, CHAT = "feature-demo/map", "feature-demo/chat"


@pytest.fixture
def over(demos: Demos) -> Demos:
    """Two demos whose time is over, the map's first, and one that goes on."""
    demos.up(MAP, life=timedelta(hours=1))
    demos.up(CHAT, life=timedelta(hours=2))
    demos.up("feature-demo/young", life=timedelta(days=9))
    demos.pass_by(timedelta(hours=3))
    return demos


def reaped(demos: Demos, *, really: bool = True) -> dict[str, tuple[str, str]]:
    return {one.branch: (one.how, one.why) for one in reap(demos.base, BEN, Progress(), really=really)}


def branches(demos: Demos) -> list[str]:
    return [demo.branch for demo in demos.registry.all().demos]


def test_what_is_due_goes_and_the_rest_stays(over: Demos) -> None:
    assert reaped(over) == {MAP: ("gone", ""), CHAT: ("gone", "")}
    assert branches(over) == ["feature-demo/young"]
    assert reaped(over) == {}


def test_a_look_changes_nothing(over: Demos) -> None:
    assert reaped(over, really=False) == {MAP: ("due", ""), CHAT: ("due", "")}
    assert len(branches(over)) == 3


def test_one_that_fails_stops_no_other_and_is_tried_again(over: Demos) -> None:
    over.stack(MAP).fails["destroy"] = "AWS keeps the server"
    assert reaped(over) == {MAP: ("failed", "AWS keeps the server"), CHAT: ("gone", "")}
    assert over.entry(MAP).demo.why == "AWS keeps the server"
    assert reaped(over) == {MAP: ("gone", "")}


def test_one_that_somebody_works_on_is_left_for_the_next_time(over: Demos) -> None:
    over.registry.change(over.entry(MAP), held=over.held_for_a_while())
    found = reaped(over)
    assert found[MAP][0] == "skipped" and "works on feature-demo/map" in found[MAP][1]
    assert found[CHAT] == ("gone", "")


def test_those_that_somebody_works_on_are_none_of_the_few_of_a_run(over: Demos) -> None:
    for number in range(MOST_AT_ONCE):
        over.registry.add(demo(f"feature-demo/{number}", expires="2026-11-01T12:00:00Z", held=over.held_for_a_while()))
    found = reaped(over)
    assert [how for how, _ in found.values()] == [*["skipped"] * MOST_AT_ONCE, "gone", "gone"]


def test_one_run_takes_a_few(over: Demos) -> None:
    for number in range(MOST_AT_ONCE):
        over.registry.add(demo(f"feature-demo/{number}", expires="2026-11-01T12:00:00Z"))
    assert len(reaped(over)) == MOST_AT_ONCE
    assert set(reaped(over)) == {MAP, CHAT}


def test_what_a_clock_that_was_ahead_wrote_is_put_right_once(over: Demos) -> None:
    ahead = demo("feature-demo/ahead", made=FAR, renewed=FAR, expires=FAR)
    over.registry.add(ahead)
    over.registry.add(demo("feature-demo/held", made=FAR, renewed=FAR, expires=FAR, held=over.held_for_a_while()))
    reaped(over, really=False)
    assert over.entry("feature-demo/ahead").demo == ahead
    reaped(over)
    assert over.entry("feature-demo/held").demo.renewed == FAR
    put_right = over.entry("feature-demo/ahead")
    assert put_right.demo.expires_at - over.registry.now() <= timedelta(days=30)
    over.pass_by(timedelta(days=1))
    reaped(over)
    assert over.entry("feature-demo/ahead") == put_right
    over.pass_by(timedelta(days=30))
    assert reaped(over)["feature-demo/ahead"] == ("gone", "")


def test_an_owner_is_warned_once_and_again_of_another_end(demos: Demos) -> None:
    demos.up(MAP, life=timedelta(hours=20))
    assert reaped(demos, really=False) == {}
    told = f"goes at {demos.entry(MAP).demo.expires}; to keep it: release demo extend {MAP}"
    assert reaped(demos) == {MAP: ("warned", told)}
    assert reaped(demos) == {}
    demos.up(MAP, life=timedelta(hours=21))
    assert reaped(demos)[MAP][0] == "warned"


def test_one_that_somebody_works_on_is_warned_of_all_the_same(demos: Demos) -> None:
    demos.up(MAP, life=timedelta(hours=20))
    demos.registry.change(demos.entry(MAP), held=demos.held_for_a_while())
    assert reaped(demos)[MAP][0] == "warned"
    assert reaped(demos)[MAP][0] == "warned"


def test_beyond_the_budget_the_oldest_goes_that_nobody_pinned(world: World) -> None:
    demos = Demos(world, model.Demo(daily_budget=3, on_budget="stop", most_per_owner=9))
    demos.up(MAP)
    demos.pass_by(timedelta(hours=1))
    demos.up(CHAT)
    assert reaped(demos) == {}
    dear = demos.entry(MAP).demo.cost.but(cents=250)
    demos.registry.change(demos.entry(MAP), cost=dear)
    [(branch, (how, why))] = reaped(demos).items()
    assert (branch, how) == (MAP, "gone") and "demo.daily_budget" in why
    assert branches(demos) == [CHAT]


def test_two_reapers_take_each_demo_down_once(over: Demos) -> None:
    class Twice(FakeStack):
        def destroy(self, *, deployment: str, wait: float = 0.0, told: Callable[[str], None] = print) -> None:
            assert reaped(over)[MAP][0] == "skipped"
            super().destroy(deployment=deployment)

    over.stacks[over.entry(MAP).demo.stack] = Twice(is_there=True, is_up=True)
    take_down(over.base, over.entry(CHAT), BEN, Progress())
    assert reaped(over) == {MAP: ("gone", "")}


def test_an_interruption_ends_it(over: Demos) -> None:
    class Interrupting(FakeStack):
        def destroy(self, *, deployment: str, wait: float = 0.0, told: Callable[[str], None] = print) -> None:
            raise Interrupted(15, "stopped")

    over.stacks[over.entry(MAP).demo.stack] = Interrupting(is_there=True)
    with pytest.raises(Interrupted):
        reaped(over)
    assert CHAT in branches(over)


def test_an_item_that_nobody_can_read_is_told_and_left(over: Demos) -> None:
    over.registry.table.put(Kept(stack="demo-x-000000", body="{", version=1, nonce="n"))
    found = reaped(over)
    assert found["demo-x-000000"][0] == "failed"
    assert found[MAP] == ("gone", "")


def test_it_goes_on_where_an_earlier_one_was_killed(over: Demos) -> None:
    entry = over.registry.change(over.entry(MAP), state="dying", held=held(until="2026-11-20T12:00:00+00:00"))
    over.stack(MAP).is_there = False  # it came as far as that
    assert entry.demo.held is not None
    assert reaped(over)[MAP] == ("gone", "")


STRAY = "demo_ffffffff"


def test_a_database_in_no_registry_is_named_and_dropped_where_its_demo_is_proven_to_be_over(demos: Demos) -> None:
    demo = demos.up()
    demos.database.made[STRAY] = ""
    [due] = reap(demos.base, BEN, Progress(), really=False)
    assert (due.branch, due.how) == (f"the database {STRAY}", "due")
    assert STRAY in demos.database.made
    assert [one.how for one in reap(demos.base, BEN, Progress(), really=True)] == ["gone"]
    assert demos.database.made.keys() == {f"demo_{demo.creation}"}


def test_a_database_of_which_a_server_is_left_is_only_named(demos: Demos) -> None:
    demos.database.made[STRAY] = ""
    own = {"project": "stageline", "environment": "demo-ffffffff", "kind": "demo", "creation": "ffffffff"}
    tags = [{"Key": key, "Value": value} for key, value in own.items()]
    aws_client("ec2").create_security_group(
        GroupName="left", Description="left", TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}]
    )
    lost, named = reap(demos.base, BEN, Progress(), really=True)
    assert lost.how == "failed" and lost.branch.startswith("security_group")
    assert named.how == "skipped" and "security_group" in named.why
    assert STRAY in demos.database.made


def test_no_database_is_dropped_while_an_item_cannot_be_read(demos: Demos) -> None:
    demos.database.made[STRAY] = ""
    item = {"stack": {"S": "demo-x-000000"}, "body": {"S": "{}"}, "version": {"N": "1"}}
    aws_client("dynamodb").put_item(TableName="stageline-demos", Item=item)
    assert [one.how for one in reap(demos.base, BEN, Progress(), really=True)] == ["failed", "skipped"]
    assert STRAY in demos.database.made


def test_what_no_demo_is_called_by_is_nothing_of_a_demo(demos: Demos) -> None:
    demos.database.made["demo_shop"] = ""
    assert reap(demos.base, BEN, Progress(), really=True) == ()


def test_a_database_that_does_not_answer_stops_no_reaping(demos: Demos) -> None:
    demos.up()
    demos.database.fails["crowd"] = "no answer"
    demos.pass_by(timedelta(days=4))
    assert [one.how for one in reap(demos.base, BEN, Progress(), really=True)] == ["gone"]


def test_whoever_may_not_look_for_what_is_lost_says_so_and_fails_at_nothing(demos: Demos) -> None:
    def denied() -> tuple[str, ...]:
        raise Broken("you may not list the stacks")

    [told] = reap(replace(demos.base, stacks=denied), BEN, Progress(), really=True)
    assert (told.how, told.why) == ("skipped", "you may not list the stacks")
