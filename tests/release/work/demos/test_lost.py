"""What no item of the registry speaks of is named, and nothing is done to it."""

from dataclasses import replace

import pytest

from release.process.errors import NotBegun
from release.process.output import Progress
from release.work.demos.lost import lost
from release.work.demos.reaping import reap
from tests.aws_clients import aws_client
from tests.release.demos import BEN, BRANCH, Demos, FakeStack
from tests.release.doors.aws.groups import group_in

pytestmark = pytest.mark.moto
LOST = "demo-gone-000000"


def tags(creation: str) -> list[dict[str, str]]:
    said = {"project": "stageline", "kind": "demo", "creation": creation}
    return [{"Key": key, "Value": value} for key, value in said.items()]


def a_group(creation: str) -> str:
    vpc = aws_client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return f"security_group {group_in(vpc, creation, tags(creation))}"


def test_what_is_recorded_is_not_lost(demos: Demos) -> None:
    a_group(demos.up().creation)
    assert lost(demos.base) == {}


def test_a_stack_of_no_item_is_named_with_what_to_do(demos: Demos) -> None:
    demos.up()
    demos.stacks[LOST] = FakeStack(is_there=True, is_up=True)
    assert f"pulumi destroy --stack {LOST}" in lost(demos.base)[LOST]


def test_things_of_a_creation_in_no_item_are_named(demos: Demos) -> None:
    demos.up()
    group = a_group("ffffffff")
    assert "delete it by hand" in lost(demos.base)[group]


def test_reaping_tells_of_them_and_leaves_them(demos: Demos) -> None:
    demos.stacks[LOST] = FakeStack(is_there=True, is_up=True)
    group = a_group("ffffffff")
    told = {one.branch: one.how for one in reap(demos.base, BEN, Progress(), really=True)}
    assert told == {LOST: "failed", group: "failed"}
    assert demos.stacks[LOST].calls == []
    assert group in lost(demos.base)


def test_one_that_is_forgotten_or_made_meanwhile_is_not_lost(demos: Demos) -> None:
    demos.up()
    entry, look = demos.entry(), demos.base.stacks

    def meanwhile() -> tuple[str, ...]:
        seen = look()
        demos.registry.forget(entry)
        return seen

    demos.base = replace(demos.base, stacks=meanwhile)
    assert lost(demos.base) == {}
    assert BRANCH not in [demo.branch for demo in demos.registry.all().demos]


def test_where_there_is_no_pulumi_its_stacks_are_not_looked_at(demos: Demos) -> None:
    def missing() -> tuple[str, ...]:
        raise NotBegun("there is no pulumi on PATH")

    demos.base = replace(demos.base, stacks=missing)
    assert lost(demos.base) == {}
