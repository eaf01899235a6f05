"""Work that is no deployment: under the lease, with its beginning and its end in the ledger."""

import pytest

from release.process.errors import Broken, LeaseHeld, LeaseLost, Refused
from release.work.maintenance import Task, idle_head, maintenance, refuse_lost
from tests.release.deploying import kill_while_installing, put, state
from tests.release.world import OPS, World

TASK = Task(what="key rotation", details={"key": "deploy"})


def told(world: World) -> list[tuple[str, dict[str, object]]]:
    return [(event.kind, event.details) for event in world.dev.ledger.events()][-2:]


def test_it_is_recorded_before_and_after_and_changes_nothing_in_head(world: World) -> None:
    put(world, "1.0.0")
    before = state(world)
    with maintenance(world.dev, TASK, idle_head(world.dev), OPS):
        pass
    assert told(world) == [("key rotation requested", TASK.details), ("key rotation done", TASK.details)]
    assert state(world) == before


def test_what_fails_is_recorded_with_its_reason_and_stays_the_failure(world: World) -> None:
    with pytest.raises(Broken, match="no disk"), maintenance(world.dev, TASK, idle_head(world.dev), OPS):
        raise Broken("no disk")
    assert told(world)[1] == ("key rotation failed", {**TASK.details, "why": "no disk"})


def test_nobody_else_works_there_meanwhile(world: World) -> None:
    head = idle_head(world.dev)
    with (
        maintenance(world.dev, TASK, head, OPS),
        pytest.raises(LeaseHeld),
        maintenance(world.dev, TASK, head, OPS),
    ):
        pytest.fail("two were at work")


def test_it_waits_for_the_end_of_a_deployment_and_names_what_ends_it(world: World) -> None:
    kill_while_installing(world, "1.0.0")
    with pytest.raises(Refused, match=r"is open in dev; end it with: release resume dev"):
        idle_head(world.dev)


def test_who_was_taken_over_from_does_nothing_that_cannot_be_undone(world: World) -> None:
    with pytest.raises(LeaseLost), maintenance(world.dev, TASK, idle_head(world.dev), OPS) as holder:
        refuse_lost(world.dev, holder)  # it is ours still
        holder.lease = holder.lease.but(fence=holder.lease.fence - 1)
        refuse_lost(world.dev, holder)
