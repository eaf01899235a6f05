"""A deployment of every kind, killed at every point, and then resumed or aborted.

A process that is killed leaves behind just what is outside of it at that moment. So a deployment runs once, and at
each of its points (before and after every call that it makes, at the beginning and at the end of every step) what is
outside is copied, with the lease as it stands: nobody gives it back. Points between which nothing changed outside leave
one and the same copy behind: from there a new process resumes, and another one aborts, once the lease expired.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from release.deployment.executor import abort, resume
from release.deployment.plan import UNDOING
from release.errors import LeaseHeld, Refused, StagelineError
from release.ledger.head import State
from tests.release.crash.invariants import broken_at_any_moment, broken_in_the_end
from tests.release.crash.kinds import KINDS, Deployment
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, Steps, open_process
from tests.release.world import OPS, Clock

RECOVERIES = ("resume", "abort")
TWICE = [
    (kind, recovery)
    for kind in KINDS
    if kind.name in ("second promotion", "rollback that fails behind the switch", "failed behind the switch")
    for recovery in RECOVERIES
]
BY_NAME = pytest.mark.parametrize("deployment", [pytest.param(kind, id=kind.name) for kind in KINDS])


@dataclass
class Remains:
    """What a process leaves behind that is killed at one of these points."""

    outside: Outside
    points: list[str]

    def state(self, clock: Clock) -> State:
        return open_process(self.outside, "dev", clock).ledger.head().state


@dataclass
class Recorder:
    """Copies what is outside at each point, unless it is as it was at the one before."""

    outside: Outside
    remains: list[Remains] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        if not self.remains or self.remains[-1].outside != self.outside:
            self.remains.append(Remains(self.outside.copy(), []))
        self.remains[-1].points.append(point)


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


@BY_NAME
def test_row_01_no_step_of_a_deployment_and_no_write_to_its_ledger_is_left_out(deployment: Deployment) -> None:
    """What the ledger says by itself of what happened: each of it was a point."""
    killed = killed_everywhere(deployment)
    points = [point for remains in killed for point in remains.points]
    events = list(open_process(killed[-1].outside, "dev", Clock()).ledger.events())
    mine = [event for event in events if event.deployment == events[-1].deployment]
    for mark, kind in (("beginning of ", "step started"), ("end of ", "step done")):
        passed = [point.removeprefix(mark) for point in points if point.startswith(mark) and "put back" not in point]
        assert passed == [event.step for event in mine if event.kind == kind]
    written = points.count("after dynamodb:TransactWriteItems")
    assert written == len(mine) + 1  # and the lease that was given back


@pytest.mark.parametrize(
    ("deployment", "recovery"), [pytest.param(*both, id=f"{both[0].name} {both[1]}") for both in TWICE]
)
def test_row_01_killed_again_in_its_recovery_it_is_still_ended(deployment: Deployment, recovery: str) -> None:
    """From where most was changed, the recovery is killed at every point of its own."""
    first = [one for one in killed_everywhere(deployment) if one.state(later()).open is not None]
    killed_twice(deployment, first[-1], recovery)


@pytest.mark.e2e
@BY_NAME
def test_row_01_killed_anywhere_and_killed_again_anywhere_it_is_still_ended(deployment: Deployment) -> None:
    """In every combination of two kills: takes minutes."""
    for remains in killed_everywhere(deployment):
        if remains.state(later()).open is not None:
            for recovery in RECOVERIES:
                killed_twice(deployment, remains, recovery)


def killed_everywhere(deployment: Deployment) -> list[Remains]:
    """What is left by a deployment of this kind for each point at which it may be killed."""
    outside = deployment.begin()
    ended, remains = recorded(
        outside, lambda points: deployment.run(open_process(outside, "dev", Clock(), points), points)
    )
    assert (type(ended) if ended else None) == deployment.ends, ended
    return remains


def killed_twice(deployment: Deployment, remains: Remains, recovery: str) -> None:
    """Kill the recovery at each of its points, and recover in both ways from that."""
    outside, clock = remains.outside.copy(), later()
    _, again = recorded(outside, lambda points: recover(outside, recovery, clock, points))
    clock.time += timedelta(hours=1)
    for left in again:
        assert broken_at_any_moment(left.outside, "dev", clock) == [], (remains.points[0], left.points[0])
        for second in RECOVERIES:
            recovered(deployment, left, second, clock)


def recorded(outside: Outside, work: Callable[[Points], object]) -> tuple[StagelineError | None, list[Remains]]:
    """How this work ended, and what it would leave behind, had it been killed at any of its points."""
    recorder = Recorder(outside)
    points = Points(recorder)
    ended = ending(lambda: work(points))
    recorder("the end")
    return ended, recorder.remains


def refused_while_the_lease_lasts(remains: Remains) -> None:
    """Nobody takes over from a process that may still be alive."""
    outside, clock = remains.outside.copy(), Clock()
    environment = open_process(outside, "dev", clock)
    lease, opened = environment.ledger.lease(), environment.ledger.head().state.open
    if opened is not None and lease is not None and lease.held_at(clock()):
        for recovery in RECOVERIES:
            assert isinstance(run(recovery, outside, clock), LeaseHeld), remains.points


def recovered(deployment: Deployment, remains: Remains, recovery: str, now: Clock) -> None:
    """What was left is ended by ``recovery``: in a named state, with the right release live, and nothing lost."""
    outside, clock = remains.outside.copy(), at(now.time)
    before = remains.state(clock)
    recover(outside, recovery, clock)
    after = open_process(outside, "dev", clock).ledger.head().state
    told = f"{recovery} after a kill at {remains.points[0]} (in {before.open})"
    assert broken_in_the_end(outside, "dev", clock) == [], told
    goes_on = recovery == "resume" and before.open is not None and before.open.step != UNDOING
    assert live(after) == (deployment.resumed if goes_on else live(before)), told
    if deployment.stops and goes_on:
        assert (after.hold is not None, [veto.release for veto in after.vetoes]) == (True, [deployment.version]), told


def recover(outside: Outside, recovery: str, clock: Clock, points: Points | None = None) -> None:
    """Do as a person does: what ``resume`` leaves open for a reason that it wrote down, is aborted."""
    opened = open_process(outside, "dev", clock).ledger.head().state.open
    ended = run(recovery, outside, clock, points)
    left = open_process(outside, "dev", clock).ledger.head().state.open
    if opened is None:
        assert isinstance(ended, Refused), ended
    elif left is not None:
        assert recovery == "resume", ended
        assert left.stopped or left.step == UNDOING, ended
        assert run("abort", outside, clock, points) is None


def run(recovery: str, outside: Outside, clock: Clock, points: Points | None = None) -> StagelineError | None:
    """``release resume`` or ``release abort`` in a new process; how it failed."""
    points = points or Points()
    environment, verb = open_process(outside, "dev", clock, points), {"resume": resume, "abort": abort}[recovery]
    return ending(lambda: verb(environment, OPS, Steps(points)))


def ending(work: Callable[[], object]) -> StagelineError | None:
    """How it failed, if it did."""
    try:
        work()
    except StagelineError as error:
        return error
    return None


def later() -> Clock:
    """When every lease that was taken has expired."""
    return at(Clock().time + timedelta(hours=1))


def at(time: datetime) -> Clock:
    clock = Clock()
    clock.time = time
    return clock


def live(state: State) -> str | None:
    return state.live.release if state.live else None
