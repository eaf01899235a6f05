"""Hold, freeze and veto are lifted as they were read: never one that was set anew meanwhile."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from release.environment import open_environment
from release.process.errors import Refused
from release.records.ledger.stops import Cause, Rule, frozen, held, stops_json, vetoed, without_veto
from release.verbs.freeze import freeze, lift_freeze
from release.verbs.hold import hold, lift_hold
from release.verbs.veto import lift_veto
from tests.release.deploying import CALL
from tests.release.world import OPS, STAGELINE, World

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile() -> Iterator[Meanwhile]:
    """Lets somebody else do something just before the next verb writes into a ledger."""
    events, waiting = (
        open_environment(STAGELINE, "qa").session.client("dynamodb").meta.events,
        list[Callable[[], object]](),
    )

    def called(model: Any, **_: object) -> None:
        while waiting and model.name == "TransactWriteItems":
            waiting.pop()()

    events.register("before-call", called)
    yield waiting.append
    events.unregister("before-call", called)


def set_anew(world: World, what: str) -> None:
    """Somebody lifts a stop and sets it for another reason; beside it another one."""
    anew = Cause(reason="incident 9", by="ann", at=world.clock())
    other = partial(vetoed, cause=anew, release="0.9.0", digest="0" * 64)
    rules: dict[str, Rule] = {
        "hold": lambda stops: held(stops.but(hold=None), anew),
        "freeze": lambda stops: frozen(stops, anew, datetime(2099, 6, 1, tzinfo=UTC)),
        "veto": lambda stops: vetoed(without_veto(stops, "1.0.0"), anew, release="1.0.0", digest="d"),
        "another": other,
    }
    world.qa.stops.change(f"{what} set anew", rules[what], OPS, {})


LIFTS: dict[str, Callable[[], Any]] = {
    "hold": lambda: lift_hold(CALL, "qa", reason="over"),
    "freeze": lambda: lift_freeze(CALL, "qa", reason="over"),
    "veto": lambda: lift_veto(CALL, "1.0.0", reason="over"),
}


def stop_with(world: World, what: str) -> None:
    world.publish("1.0.0")
    hold(CALL, "qa", reason="incident 7")
    freeze(CALL, "qa", until="2099-01-01T00:00Z", reason="holidays")
    if what == "veto":
        first = Cause(reason="loses rows", by="ops", at=world.clock())
        world.qa.stops.change("veto set", partial(vetoed, cause=first, release="1.0.0", digest="d"), OPS, {})


@pytest.mark.parametrize("what", LIFTS)
def test_a_stop_that_was_set_anew_meanwhile_is_not_lifted(world: World, meanwhile: Meanwhile, what: str) -> None:
    stop_with(world, what)
    meanwhile(lambda: set_anew(world, what))
    if what == "veto":
        assert "changed meanwhile" in LIFTS[what]()["failed"]["qa"]
    else:
        with pytest.raises(Refused, match=rf"the {what} of qa changed meanwhile.*run it again"):
            LIFTS[what]()
    assert "incident 9" in stops_json(world.qa.stops.read())


@pytest.mark.parametrize("what", LIFTS)
def test_a_stop_is_lifted_whatever_else_was_stopped_meanwhile(world: World, meanwhile: Meanwhile, what: str) -> None:
    stop_with(world, what)
    meanwhile(lambda: set_anew(world, "another"))
    LIFTS[what]()
    stops = world.qa.stops.read()
    assert [one.release for one in stops.vetoes] == ["0.9.0"]
    assert {"hold": stops.hold, "freeze": stops.freeze}.get(what) is None
