"""A process that is killed at one of its points: what it leaves behind, and the verbs with which people recover.

What is outside is copied at each point, with the lease as it stands, because nobody gives it back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from release.process.errors import Refused, StagelineError
from release.records.ledger.head import State
from release.rules.plan import UNDOING
from release.verbs.accept import accept_open
from release.verbs.rollback import Request, go_back
from release.work.executor import abort, resume
from tests.release.crash.kinds import Deployment
from tests.release.crash.memory import Points
from tests.release.crash.outside import Outside, Steps, open_process
from tests.release.world import OPS, Clock

RECOVERIES = ("resume", "abort", "rollback", "accept")


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


def killed_everywhere(deployment: Deployment) -> list[Remains]:
    """What is left by a deployment of this kind for each point at which it may be killed."""
    outside = deployment.begin()
    ended, remains = recorded(
        outside, lambda points: deployment.run(open_process(outside, "dev", Clock(), points), points)
    )
    assert isinstance(ended, deployment.ends) if deployment.ends else ended is None, ended
    return remains


def points_of(deployment: Deployment) -> list[str]:
    points = Points()
    ending(lambda: deployment.run(open_process(deployment.begin(), "dev", Clock(), points), points))
    return points.names


def recorded(outside: Outside, work: Callable[[Points], object]) -> tuple[StagelineError | None, list[Remains]]:
    """How this work ended, and what it would leave behind, had it been killed at any of its points."""
    recorder = Recorder(outside)
    points = Points(recorder)
    ended = ending(lambda: work(points))
    recorder("the end")
    return ended, recorder.remains


def recover(outside: Outside, recovery: str, clock: Clock, points: Points | None = None, *, ended: bool = False) -> str:
    """Do as a person does: what a verb leaves open, or refuses in that state, is aborted; the verb that closed it."""
    opened = open_process(outside, "dev", clock).ledger.head().state.open
    failure = run(recovery, outside, clock, points, ended=ended)
    left = open_process(outside, "dev", clock).ledger.head().state.open
    if opened is None:
        assert isinstance(failure, Refused), failure
        return recovery
    if left is not None and left.step == "paused" and recovery == "resume":
        failure = run("resume", outside, clock, points, ended=ended)
        left = open_process(outside, "dev", clock).ledger.head().state.open
    if left is None:
        return recovery
    assert recovery != "abort", failure
    assert left.stopped or left.step == UNDOING or isinstance(failure, Refused), failure
    assert run("abort", outside, clock, points, ended=ended) is None
    return "abort"


def run(
    recovery: str, outside: Outside, clock: Clock, points: Points | None = None, *, ended: bool = False
) -> StagelineError | None:
    """A verb in a new process; how it failed."""
    points = points or Points()
    environment = open_process(outside, "dev", clock, points, ended=ended)
    verbs: dict[str, Callable[[], object]] = {
        "resume": lambda: resume(environment, OPS, Steps(points)),
        "abort": lambda: abort(environment, OPS, Steps(points)),
        "rollback": lambda: go_back(environment, Request(), OPS, Steps(points)),
        "accept": lambda: accept_open(environment, "looks good", OPS, Steps(points)),
    }
    return ending(verbs[recovery])


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
