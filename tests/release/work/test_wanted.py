"""When it is asked whether a deployment is still wanted, and what becomes of one that is not."""

import io
import json
from datetime import datetime

import pytest

from release.process.errors import Broken, Refused, StagelineError
from release.process.form import FORMAT
from release.process.output import Progress
from release.records.ledger.stops import Cause, Rule, held, vetoed
from release.rules.lanes import Kind
from release.rules.wanted import Held, Unwanted
from release.verbs.rollback import Request, go_back
from release.work.executor import resume
from tests.aws_clients import aws_resource
from tests.release.deploying import Silent, put, state, users_have
from tests.release.world import OPS, World
from tests.there import there

NOW = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
CAUSE = Cause(reason="loses rows", by="ops", at=NOW)


def stop(world: World, rule: Rule) -> None:
    world.dev.stops.change("stopped", rule, OPS, {})


def when_installing(world: World, rule: Rule) -> None:
    def once() -> None:
        world.dev.fleet.before_order = lambda instance: None
        stop(world, rule)

    world.dev.fleet.before_order = lambda instance: once()


@pytest.mark.parametrize("ends", [Held, Unwanted], ids=["hold", "veto"])
def test_what_is_stopped_while_it_is_installed_is_put_back_before_users_see_it(
    world: World, ends: type[StagelineError]
) -> None:
    put(world, "1.0.0")
    bytes_of = world.publish("1.1.0").digest
    rules: dict[type[StagelineError], Rule] = {
        Held: lambda stops: held(stops, CAUSE),
        Unwanted: lambda stops: vetoed(stops, CAUSE, release="1.1.0", digest=bytes_of),
    }
    when_installing(world, rules[ends])
    with pytest.raises(ends, match=r"1\.1\.0 is not live in dev, users are on 1\.0\.0"):
        put(world, "1.1.0")
    assert (state(world).open, world.servers["dev"].live, world.dev.listeners.moves) == (None, "blue", ["blue"])
    assert world.dev.fleet.asked == ["i-1", "i-2", "i-1"]  # all of them for 1.0.0, and for 1.1.0 only the canary


def when_watching(world: World, rule: Rule) -> None:
    def reading() -> None:
        if world.servers["dev"].live == "green":
            world.dev.stops.before_read = lambda: None
            stop(world, rule)

    world.dev.stops.before_read = reading


def test_a_veto_during_the_watch_puts_the_release_back_at_the_next_look(world: World) -> None:
    put(world, "1.0.0")
    bytes_of = world.publish("1.1.0").digest
    when_watching(world, lambda stops: vetoed(stops, CAUSE, release="1.1.0", digest=bytes_of))
    with pytest.raises(Unwanted, match=r"1\.1\.0 was vetoed by ops"):
        put(world, "1.1.0")
    assert (state(world).open, world.servers["dev"].live) == (None, "blue")


SPOILT = {"rubbish": "rubbish", "of a higher format": json.dumps({"format": FORMAT + 1})}


def spoil_stops(world: World, body: str) -> None:
    aws_resource("dynamodb").Table(world.dev.ledger.table.name).put_item(Item={"kind": "STOPS", "seq": 0, "body": body})


@pytest.mark.parametrize("body", SPOILT.values(), ids=SPOILT)
def test_a_rollback_is_stopped_by_no_stops_that_cannot_be_read_where_a_person_says_so(world: World, body: str) -> None:
    for version in ("1.0.0", "1.1.0"):
        put(world, version)
    spoil_stops(world, body)
    with pytest.raises(
        Refused, match=r"whether 1\.0\.0 is vetoed in dev is not known: what is stopped .*--despite veto"
    ):
        go_back(world.dev, Request(), OPS, Silent())
    told = io.StringIO()
    go_back(world.dev, Request(despite=("veto",), reason="incident 7"), OPS, Progress(told))
    assert (users_have(world).release, state(world).open) == ("1.0.0", None)
    assert told.getvalue().count("whether somebody asked to end the rollback is not known, it goes on: what is") == 1


@pytest.mark.parametrize("body", SPOILT.values(), ids=SPOILT)
def test_a_rollback_goes_on_where_the_stops_are_spoilt_meanwhile(world: World, body: str) -> None:
    for version in ("0.9.0", "1.0.0", "1.1.0"):
        put(world, version)
    world.dev.fleet.before_install = lambda: spoil_stops(world, body)
    assert put(world, "0.9.0", kind="rollback").version == "0.9.0"
    assert (users_have(world).release, state(world).open) == ("0.9.0", None)


@pytest.mark.parametrize("kind", ["promotion", "hotfix", "redeployment"])
def test_nothing_goes_forward_where_the_stops_cannot_be_read(world: World, kind: Kind) -> None:
    put(world, "1.0.0")
    spoil_stops(world, "rubbish")
    with pytest.raises(Broken, match="what is stopped is not readable"):
        put(world, "1.1.0", kind=kind)
    assert (users_have(world).release, world.servers["dev"].behind("http://live")) == ("1.0.0", "1.0.0")


def test_a_hold_during_the_watch_leaves_users_where_they_are_until_a_person_decides(world: World) -> None:
    put(world, "1.0.0")
    when_watching(world, lambda stops: held(stops, CAUSE))
    with pytest.raises(Held, match=r"users are on 1\.1\.0"):
        put(world, "1.1.0")
    assert (there(state(world).open).step, world.servers["dev"].live) == ("watched", "green")
    with pytest.raises(Held):
        resume(world.dev, OPS, Silent())
    assert world.servers["dev"].live == "green"
