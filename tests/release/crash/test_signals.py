"""Row 24: Ctrl-C or SIGTERM at any point of a deployment: the step is finished or undone, and the lease is free."""

import os
import signal
from dataclasses import dataclass

import pytest

from release.process.errors import Interrupted
from release.process.interruption import INTERRUPTION
from tests.release.crash.invariants import broken_in_the_end
from tests.release.crash.killing import ending, live, points_of
from tests.release.crash.kinds import KINDS, Deployment
from tests.release.crash.memory import Points
from tests.release.crash.outside import open_process
from tests.release.world import Clock


@dataclass
class SignalsOnce:
    """A real signal to this process at one point, as far as a deployment is under way there."""

    number: int
    left: int
    sent: bool = False

    def __call__(self, point: str) -> None:
        self.left -= 1
        if self.left == -1 and signal.getsignal(self.number) == INTERRUPTION._receive:
            self.sent = True
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.e2e)], ids=int)
@pytest.mark.parametrize(
    "deployment", [pytest.param(kind, id=kind.name) for kind in KINDS if kind.name == "second promotion"]
)
def test_row_24_a_signal_at_any_point_undoes_the_deployment_or_comes_too_late(
    deployment: Deployment, number: int
) -> None:
    sent = 0
    for at in range(len(points_of(deployment))):
        sent += signalled_at(deployment, number, at)
    assert sent > 20


def signalled_at(deployment: Deployment, number: int, at: int) -> bool:
    """Whether the signal came while the deployment was under way."""
    outside, visit, clock = deployment.begin(), SignalsOnce(number, at), Clock()
    points = Points(visit)
    ended = ending(lambda: deployment.run(open_process(outside, "dev", clock, points), points))
    state = open_process(outside, "dev", clock).ledger.head().state
    assert broken_in_the_end(outside, "dev", clock) == [], points.names[at]
    if ended is not None:
        assert isinstance(ended, Interrupted), ended
        assert (visit.sent, ended.signal_number) == (True, number)
    assert live(state) == (deployment.former if ended else deployment.version)
    return visit.sent
