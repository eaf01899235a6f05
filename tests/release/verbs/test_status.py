"""`release status` reads one item, however long the history; while a deployment is open also its lease."""

from collections.abc import Iterator
from typing import Any

import pytest

from release.environment import open_environment
from release.ledger.head import Open, State
from release.ledger.ledger import Entry
from release.verbs.status import status
from tests.release.world import OPS, ROOT, World

OPENED = State(open=Open(deployment="dev-1", step="installed", requested=1))


@pytest.fixture
def calls() -> Iterator[list[str]]:
    """The calls that the verb makes of DynamoDB, and of anything else behind its session."""
    made: list[str] = []

    def called(model: Any, **_: object) -> None:
        made.append(model.name)

    events = open_environment(ROOT, "dev").session.client("dynamodb").meta.events
    events.register("before-call", called)
    yield made
    events.unregister("before-call", called)


def record(world: World, state: State, times: int) -> None:
    with world.dev.ledger.begin(Entry(kind="note", state=state), world.dev.ledger.head(), OPS) as holder:
        for _ in range(times - 1):
            holder.record(Entry(kind="note", state=state))


@pytest.mark.parametrize("length", [1, 30])
def test_an_idle_environment_takes_one_read_whatever_the_length_of_its_history(
    world: World, calls: list[str], length: int
) -> None:
    record(world, State(), length)
    status(ROOT, "dev")
    assert calls == ["GetItem"]


def test_an_open_deployment_takes_one_more_for_the_lease(world: World, calls: list[str]) -> None:
    record(world, OPENED, 3)
    status(ROOT, "dev")
    assert calls == ["GetItem", "GetItem"]
