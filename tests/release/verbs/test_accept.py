"""`release accept`: what a person may judge, and what nobody may."""

import json
from dataclasses import replace
from itertools import cycle

import pytest

from release.doors.probe import Answer, Request
from release.process.errors import Broken, Inconclusive, Refused
from release.records.ledger.head import Open
from release.records.ledger.stops import Cause, asked_to_end, held, vetoed
from release.rules.lanes import Kind
from release.verbs.accept import accept_open
from tests.aws_clients import aws_resource
from tests.release.deploying import (
    Silent,
    could_not_be_put_back,
    kill_while_installing,
    put,
    reachable_again,
    state,
    unreachable,
    users_have,
)
from tests.release.values import CAUSE
from tests.release.world import OPS, FakeProbe, World
from tests.there import there


def test_what_is_being_put_back_cannot_be_accepted_and_only_abort_is_named(world: World) -> None:
    put(world, "1.0.0")
    could_not_be_put_back(world, "1.1.0")
    with pytest.raises(Refused, match=r"users do not have 1\.1\.0; end it with: release abort dev$"):
        accept_open(world.dev, "I saw it", OPS, Silent())


def test_what_could_not_be_told_behind_the_switch_is_accepted_by_a_person(world: World) -> None:
    put(world, "1.0.0")
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, "1.1.0")
    reachable_again(world)
    report = accept_open(world.dev, "I saw it", OPS, Silent())
    assert (report["users"], report["verdict"]) == ("users are on 1.1.0", "signed")
    assert (users_have(world).release, state(world).open, there(state(world).previous).release) == (
        "1.1.0",
        None,
        "1.0.0",
    )


def left_open(world: World, version: str, kind: Kind = "promotion") -> Open:
    """A deployment behind its switch of which nothing could be told; by now it can be seen again."""
    unreachable(world, "http://live")
    with pytest.raises(Inconclusive):
        put(world, version, kind=kind)
    reachable_again(world)
    return there(state(world).open)


def stopped(world: World, what: str, opened: Open) -> None:
    cause = Cause(**CAUSE, at=world.clock())
    rules = {
        "veto": lambda stops: vetoed(stops, cause, release=opened.release, digest=opened.digest),
        "veto of other bytes": lambda stops: vetoed(stops, cause, release=opened.release, digest="f" * 64),
        "wish": lambda stops: asked_to_end(stops, cause, opened.deployment),
        "wish for another": lambda stops: asked_to_end(stops, cause, "dev-0"),
        "hold": lambda stops: held(stops, cause),
    }
    world.dev.stops.change("set", rules[what], OPS, {})


@pytest.mark.parametrize(
    ("what", "why"),
    [
        pytest.param(
            "veto",
            r"1\.1\.0 was vetoed by ann: loses rows; lift that first: release veto 1\.1\.0 --lift --reason WHY, or put "
            r"it back with: release abort dev, or go elsewhere: release rollback dev --to VERSION$",
            id="veto",
        ),
        pytest.param("wish", r"ann asked it to end: loses rows; put it back with: release abort dev, or", id="wish"),
    ],
)
def test_what_is_vetoed_or_asked_to_end_is_not_accepted_until_that_is_lifted(world: World, what: str, why: str) -> None:
    put(world, "1.0.0")
    opened = left_open(world, "1.1.0")
    stopped(world, what, opened)
    with pytest.raises(Refused, match=why):
        accept_open(world.dev, "I saw it", OPS, Silent())
    assert state(world).open == opened
    world.dev.stops.change("lifted", lambda stops: stops.but(vetoes=(), ending=None), OPS, {})
    assert accept_open(world.dev, "I saw it", OPS, Silent())["release"] == "1.1.0"


@pytest.mark.parametrize("what", ["veto of other bytes", "wish for another", "hold"])
def test_what_is_stopped_otherwise_can_be_accepted(world: World, what: str) -> None:
    put(world, "1.0.0")
    stopped(world, what, left_open(world, "1.1.0"))
    assert accept_open(world.dev, "I saw it", OPS, Silent())["release"] == "1.1.0"


def test_a_rollback_that_went_to_a_vetoed_release_can_be_accepted_there(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    stopped(world, "veto", left_open(world, "1.0.0", kind="rollback"))
    assert accept_open(world.dev, "users are well", OPS, Silent())["release"] == "1.0.0"


def test_nothing_is_accepted_while_nobody_knows_what_is_stopped(world: World) -> None:
    put(world, "1.0.0")
    opened = left_open(world, "1.1.0")
    aws_resource("dynamodb").Table(world.dev.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": "["})
    with pytest.raises(Broken, match="what is stopped is not readable"):
        accept_open(world.dev, "I saw it", OPS, Silent())
    assert state(world).open == opened


def test_what_users_do_not_have_cannot_be_accepted(world: World) -> None:
    put(world, "1.0.0")
    kill_while_installing(world, "1.1.0")
    with pytest.raises(Refused, match=r"users do not have 1\.1\.0; .*release resume dev, or release abort dev"):
        accept_open(world.dev, "I saw it", OPS, Silent())


def test_what_users_get_beside_another_release_cannot_be_accepted(world: World) -> None:
    put(world, "1.0.0")
    left_open(world, "1.1.0")
    in_turn = cycle(["1.0.0", "1.1.0"])

    class Alternating(FakeProbe):
        def send(self, base: str, request: Request) -> Answer:
            return Answer(status=200, body=json.dumps({"version": next(in_turn)}), milliseconds=1)

    dev = replace(world.dev, probe=Alternating(world.servers["dev"]))
    with pytest.raises(Refused, match=r"1\.1\.0 is not what users have: users get answers of 1\.0\.0 and of 1\.1\.0"):
        accept_open(dev, "fine", OPS, Silent())
