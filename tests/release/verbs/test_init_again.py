"""init of an environment that was destroyed: its ledger says so before the next up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from release.doors.aws.bucket import Bucket
from release.doors.engine.stack import Stack
from release.environment import Environment
from release.process.errors import Broken, LeaseHeld
from release.program import refuse_lost_artifacts
from release.records.ledger.head import Former, Open, Out, State
from release.records.ledger.ledger import Entry
from release.records.ledger.stops import Cause, held
from release.verbs.init import empty_destroyed
from tests.release.deploying import put
from tests.release.world import OPS, World


@dataclass(frozen=True, kw_only=True)
class Left:
    """What Pulumi has of the environment."""

    there: bool = True
    came_up: bool = False

    def exists(self) -> bool:
        return self.there

    def outputs(self) -> dict[str, Any]:
        return {"live_url": "http://live"} if self.came_up else {}


@pytest.fixture
def dev(world: World) -> Iterator[Environment]:
    """dev with 1.0.0 live in it, as a destroy leaves it: without a bucket, its stack empty."""
    put(world, "1.0.0")
    lose_bucket(world.dev)
    yield with_stack(world.dev, Left())


def lose_bucket(environment: Environment) -> None:
    s3, name = environment.session.client("s3"), environment.settings.names.artifact_bucket
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=name)


def with_stack(environment: Environment, left: Left) -> Environment:
    return replace(environment, stack=cast(Stack, left))


def artifacts(environment: Environment) -> Bucket:
    return Bucket(environment.session, environment.settings.names.artifact_bucket)


def is_refused(environment: Environment) -> bool:
    """Whether the program refuses to declare what HEAD says."""
    try:
        refuse_lost_artifacts(environment.ledger.head(), artifacts(environment))
    except Broken as error:
        assert "1.0.0" in str(error) and "release init dev" in str(error)
        return True
    return False


@pytest.mark.parametrize("stack", [Left(), Left(there=False)], ids=["empty", "removed"])
def test_the_next_up_is_refused_until_init_has_emptied_the_slots(dev: Environment, stack: Left) -> None:
    assert is_refused(dev)
    assert empty_destroyed(with_stack(dev, stack), OPS)
    assert dev.ledger.head().state == State()
    assert next(dev.ledger.events(newest_first=True)).kind == "destroyed"
    assert not is_refused(dev)


def test_what_people_decided_outlives_a_destroy(dev: Environment) -> None:
    cause = Cause(reason="audit", by="arn:of:somebody", at=dev.ledger.now())
    stops = dev.stops.change("hold set", lambda before: held(before, cause), OPS, {})
    empty_destroyed(dev, OPS)
    assert (dev.ledger.head().state, dev.stops.read()) == (State(), stops)


def test_servers_that_were_out_are_gone_with_the_environment(dev: Environment) -> None:
    head = dev.ledger.head()
    out = Out(server="env-servers-1", reason="its disk", by="ann", since="2026-11-20T12:00:00+00:00")
    dev.ledger.note(Entry(kind="marked out", state=head.state.but(out=(out,))), head, OPS)
    empty_destroyed(dev, OPS)
    assert dev.ledger.head().state.out == ()


def test_a_deployment_that_was_open_has_nothing_left_to_put_back(dev: Environment) -> None:
    head = dev.ledger.head()
    opened = Open(
        deployment="d-2",
        kind="promotion",
        release="1.1.0",
        digest="c",
        slot="green",
        step="installed",
        requested=head.seq,
        former=Former(declared="blue", content=None),
    )
    dev.ledger.note(Entry(kind="step started", state=head.state.but(open=opened)), head, OPS)
    empty_destroyed(dev, OPS)
    assert dev.ledger.head().state == State()
    ended = next(dev.ledger.events(newest_first=True)).ended
    assert ended and (ended.deployment, ended.how) == ("d-2", "destroyed")


def test_an_environment_that_is_up_keeps_its_slots(dev: Environment) -> None:
    assert not empty_destroyed(with_stack(dev, Left(came_up=True)), OPS)
    assert dev.ledger.head().state.live is not None


def test_an_environment_whose_bucket_is_there_keeps_its_slots(world: World) -> None:
    put(world, "1.0.0")
    assert not is_refused(world.dev)
    assert not empty_destroyed(with_stack(world.dev, Left()), OPS)


def test_a_new_environment_has_nothing_to_empty(world: World) -> None:
    lose_bucket(world.qa)
    assert not empty_destroyed(with_stack(world.qa, Left()), OPS)
    assert not is_refused(world.qa)


def test_slots_are_not_emptied_while_somebody_is_at_work(dev: Environment) -> None:
    head = dev.ledger.head()
    with dev.ledger.begin(Entry(kind="key rotation requested", state=head.state), head, OPS), pytest.raises(LeaseHeld):
        empty_destroyed(dev, OPS)
