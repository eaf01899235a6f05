"""A deployment of every kind, killed at every point, and then resumed or aborted.

A process that is killed leaves behind just what is outside of it at that moment. So a deployment runs once, and at
each of its points (before and after every call that it makes, at the beginning and at the end of every step) what is
outside is copied, with the lease as it stands: nobody gives it back. Points between which nothing changed outside leave
one and the same copy behind: from there a new process resumes, another one aborts, one rolls back and one accepts, each
once where the dead process is proven dead, and once where its lease is seen not to change.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from release.process.errors import LeaseHeld
from release.rules.plan import UNDOING
from tests.release.crash.invariants import broken_at_any_moment, broken_in_the_end
from tests.release.crash.killing import (
    RECOVERIES,
    Remains,
    at,
    ending,
    killed_everywhere,
    later,
    live,
    recorded,
    recover,
)
from tests.release.crash.kinds import KINDS, Deployment
from tests.release.crash.likeness import is_like_one
from tests.release.crash.outside import open_process
from tests.release.world import Clock

TWICE = [
    (kind, recovery)
    for kind in KINDS
    if kind.name
    in (
        "second promotion",
        "rollback that cannot be seen",
        "failed behind the switch",
        "rollback from what is open to what does not run",
    )
    for recovery in ("resume", "abort", "rollback")
]
BY_NAME = pytest.mark.parametrize("deployment", [pytest.param(kind, id=kind.name) for kind in KINDS])


@BY_NAME
def test_row_01_killed_at_any_point_it_is_ended_by_resume_and_by_abort(
    deployment: Deployment, record_property: Callable[[str, object], None]
) -> None:
    killed = killed_everywhere(deployment)
    record_property("points", sum(len(one.points) for one in killed))
    record_property("different remains", len(killed))
    for remains in killed:
        assert broken_at_any_moment(remains.outside, "dev", Clock()) == [], remains.points
        refused_while_the_lease_lasts(remains)
        for recovery in RECOVERIES:
            recovered(deployment, remains, recovery, later())
        recovered(deployment, remains, "abort", Clock(), ended=True)


@BY_NAME
def test_row_01_no_step_of_a_deployment_and_no_write_to_its_ledger_is_left_out(deployment: Deployment) -> None:
    """What the ledger says by itself of what happened: each of it was a point."""
    before = open_process(deployment.begin(), "dev", Clock()).ledger.head().seq
    killed = killed_everywhere(deployment)
    points = [point for remains in killed for point in remains.points]
    ledger = open_process(killed[-1].outside, "dev", Clock()).ledger
    mine = [event for event in ledger.events() if event.seq > before]
    for mark, kind in (("beginning of ", "step started"), ("end of ", "step done")):
        passed = [point.removeprefix(mark) for point in points if point.startswith(mark) and "put back" not in point]
        assert passed == [event.step for event in mine if event.kind == kind]
    written = points.count("after dynamodb:TransactWriteItems")
    given_back = len({event.fence for event in mine})  # the leases
    assert written == len(mine) + given_back + len(list(ledger.table.items("STOP")))


@pytest.mark.parametrize(
    ("deployment", "recovery"), [pytest.param(*both, id=f"{both[0].name} {both[1]}") for both in TWICE]
)
def test_row_01_killed_again_in_its_recovery_it_is_still_ended(deployment: Deployment, recovery: str) -> None:
    """From where most was changed, the recovery is killed at every point of its own."""
    first = [one for one in killed_everywhere(deployment) if one.state(later()).open is not None]
    killed_twice(deployment, first[-1], recovery, set())


@pytest.mark.e2e
@BY_NAME
def test_row_01_killed_anywhere_and_killed_again_anywhere_it_is_still_ended(deployment: Deployment) -> None:
    """In every combination of two kills; from what is left in the same way by several of them once."""
    seen: set[str] = set()
    for remains in killed_everywhere(deployment):
        if remains.state(later()).open is not None:
            for recovery in ("resume", "abort"):
                killed_twice(deployment, remains, recovery, seen)


def killed_twice(deployment: Deployment, remains: Remains, recovery: str, seen: set[str]) -> None:
    """Kill the recovery at each of its points, and recover in every way from that that ends what is open, unless that
    was ``seen`` to end well from where nobody can tell the difference.
    """
    outside, clock = remains.outside.copy(), later()
    _, again = recorded(outside, lambda points: recover(outside, recovery, clock, points))
    clock.time += timedelta(hours=1)
    for left in again:
        assert broken_at_any_moment(left.outside, "dev", clock) == [], (remains.points[0], left.points[0])
        if not is_like_one(left.outside, seen):
            for second in ("resume", "abort", "rollback"):
                recovered(deployment, left, second, clock)


def refused_while_the_lease_lasts(remains: Remains) -> None:
    """Nobody who would begin something new takes over from a process that may still be alive."""
    ledger = open_process(remains.outside.copy(), "dev", Clock()).ledger
    lease, opened = ledger.lease(), ledger.head().state.open
    if opened is not None and lease is not None and lease.held:
        assert isinstance(ending(ledger.free_lease), LeaseHeld), remains.points


def recovered(deployment: Deployment, remains: Remains, recovery: str, now: Clock, *, ended: bool = False) -> None:
    """What was left is ended by ``recovery``: in a named state, with the right release live, and nothing lost."""
    outside, clock = remains.outside.copy(), at(now.time)
    before = remains.state(clock)
    if before.open is None and recovery == "rollback":
        return  # a new deployment, which ends nothing
    by = recover(outside, recovery, clock, ended=ended)
    environment = open_process(outside, "dev", clock)
    after, stops = environment.ledger.head().state, environment.stops.read()
    told = f"{recovery} after a kill at {remains.points[0]} (in {before.open})"
    assert broken_in_the_end(outside, "dev", clock) == [], told
    goes_on = recovery == "resume" and before.open is not None and before.open.step != UNDOING
    if by == "accept" and before.open is not None:
        assert live(after) == before.open.release, told
    elif goes_on and before.open is not None and before.open.kind != deployment.kind:
        assert live(after) == before.open.release, told  # a rollback took over
    elif recovery in ("resume", "abort"):
        assert live(after) == (deployment.resumed if goes_on else live(before)), told
    if deployment.stops and goes_on:
        assert (stops.hold is not None, [veto.release for veto in stops.vetoes]) == (True, [deployment.version]), told
