"""A deployment as the ledger knows it: its name, and the one that is open."""

from datetime import UTC, datetime

import pytest

from release.process.errors import Refused
from release.records.ledger.head import Former, Open
from release.records.ledger.ledger import Entry
from release.work.deployment import deployment_id, open_in, plan_of_open
from tests.release.deploying import kill_while_installing, put, state
from tests.release.world import OPS, World
from tests.there import there


def test_a_name_tells_environment_and_time_and_two_in_one_second_differ() -> None:
    names = {deployment_id("dev", datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC)) for _ in range(5)}
    assert len(names) > 1
    assert all(name.startswith("dev-20261120-120005-") for name in names)


def test_where_none_is_open_that_is_refused(world: World) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match="no deployment is open in dev"):
        open_in(world.dev.ledger.head())


def test_the_plan_of_the_open_one_is_that_of_its_first_event(world: World) -> None:
    kill_while_installing(world, "1.0.0")
    head = world.dev.ledger.head()
    assert (plan_of_open(world.dev.ledger, head).deployment, open_in(head).release) == (
        there(head.state.open).deployment,
        "1.0.0",
    )


def test_a_plan_that_cannot_be_read_is_refused_with_what_needs_none(world: World) -> None:
    head = world.dev.ledger.head()
    opened = Open(
        deployment="dev-1",
        kind="promotion",
        release="1.0.0",
        digest="d",
        slot="blue",
        step="installed",
        requested=head.seq,
        former=Former(declared=None, content=None),
    )
    world.dev.ledger.note(Entry(kind="note", state=state(world).but(open=opened)), head, OPS)
    with pytest.raises(Refused, match=r"the plan of dev-1 cannot be read.*release abort dev"):
        plan_of_open(world.dev.ledger, world.dev.ledger.head())
