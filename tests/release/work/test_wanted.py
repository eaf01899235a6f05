"""Whether a deployment is still wanted: the rule, and who is asked for it when."""

import io
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.process.errors import Broken, Refused, StagelineError
from release.process.form import FORMAT
from release.process.output import Progress
from release.records.ledger.head import State
from release.records.ledger.stops import Cause, Rule, Stops, asked_to_end, frozen, held, vetoed
from release.rules.lanes import FORWARD, IN_PLACE, Kind
from release.rules.plan import Plan, make_plan
from release.verbs.promote import content_of
from release.verbs.rollback import Request, go_back
from release.work.executor import resume
from release.work.wanted import Held, Unwanted, refuse_stopped
from tests.aws_clients import aws_resource
from tests.release.deploying import Silent, put, state, users_have
from tests.release.values import digest, manifest
from tests.release.world import OPS, World
from tests.there import there

NOW = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
CAUSE = Cause(reason="loses rows", by="ops", at=NOW)


def plan(kind: Kind) -> Plan:
    steps = IN_PLACE if kind == "rollback" else FORWARD
    release = content_of(manifest("1.1.0"))
    return make_plan(
        deployment="dev-1", kind=kind, environment="dev", release=release, steps=steps, state=State(), reason=""
    )


STOPS: dict[str, tuple[Stops, type[StagelineError] | None, type[StagelineError] | None]] = {
    "nothing": (Stops(), None, None),
    "veto": (vetoed(Stops(), CAUSE, release="1.1.0", digest=digest("1.1.0")), Unwanted, None),
    "veto of other bytes": (vetoed(Stops(), CAUSE, release="1.1.0", digest="f" * 64), None, None),
    "hold": (held(Stops(), CAUSE), Held, None),
    "freeze": (frozen(Stops(), CAUSE, NOW + timedelta(seconds=1)), Held, None),
    "freeze that is over": (frozen(Stops(), CAUSE, NOW), None, None),
    "wish": (asked_to_end(Stops(), CAUSE, "dev-1"), Unwanted, Unwanted),
    "wish for another": (asked_to_end(Stops(), CAUSE, "dev-0"), None, None),
    "hold and wish": (asked_to_end(held(Stops(), CAUSE), CAUSE, "dev-1"), Unwanted, Unwanted),
    "hold and veto": (vetoed(held(Stops(), CAUSE), CAUSE, release="1.1.0", digest=digest("1.1.0")), Unwanted, None),
}


def refused(stops: Stops, kind: Kind) -> type[StagelineError] | None:
    try:
        refuse_stopped(stops, plan(kind), NOW)
    except StagelineError as error:
        assert "ops" in str(error) and "loses rows" in str(error)
        return type(error)
    return None


@pytest.mark.parametrize(("stops", "forward", "back"), STOPS.values(), ids=STOPS)
@pytest.mark.parametrize("kind", ["promotion", "hotfix", "redeployment", "rollback"])
def test_what_stands_stops_a_deployment_by_the_rule(
    stops: Stops, forward: type[StagelineError] | None, back: type[StagelineError] | None, kind: Kind
) -> None:
    assert refused(stops, kind) is (back if kind == "rollback" else forward)


@given(st.lists(st.sampled_from([stops for stops, _, back in STOPS.values() if back is None]), max_size=3))
def test_no_stop_but_the_wish_that_it_ends_keeps_users_from_going_back(several: list[Stops]) -> None:
    together = Stops()
    for one in several:
        together = together.but(
            hold=one.hold or together.hold,
            freeze=one.freeze or together.freeze,
            vetoes=(*together.vetoes, *one.vetoes),
            ending=one.ending or together.ending,
        )
    assert refused(together, "rollback") is None


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
    with pytest.raises(Refused, match=r"whether 1\.0\.0 is vetoed in dev is not known: what is stopped .*--force"):
        go_back(world.dev, Request(), OPS, Silent())
    told = io.StringIO()
    go_back(world.dev, Request(force=True, reason="incident 7"), OPS, Progress(told))
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
