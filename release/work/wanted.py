"""Is a deployment still wanted? Stops are written at any time, so they are read again where it can still end.

Before each step that users would notice, at every look of the watch, and inside all that waits. A rollback is stopped
by nothing but the wish that it ends: stops keep releases out, they never keep users on one. So it is not stopped by any
that cannot be read.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from release.environment import Environment
from release.process.errors import StagelineError
from release.process.interruption import INTERRUPTION
from release.records.ledger.ledger import Holder
from release.records.ledger.stops import Stops
from release.rules.wanted import refuse_asked_to_end, refuse_stopped

if TYPE_CHECKING:
    from release.work.steps import Work

EVERY, LATER = 5.0, 30.0  # seconds between two looks at what stands, also after one that failed


@dataclass
class Wish:
    """What stands by now, asked inside of what waits. ``refuse`` raises where that ends it.

    What cannot be read prolongs no wait: the next look comes later, and the next step asks for sure.
    """

    environment: Environment
    refuse: Callable[[Stops], None]
    next: float = 0.0

    def __call__(self) -> None:
        """Look, unless that was done just now."""
        ticks = self.environment.ledger.ticks
        if ticks() < self.next:
            return
        try:
            stops = self.environment.stops.read()
        except StagelineError:
            self.next = ticks() + LATER
            return
        self.next = ticks() + EVERY
        self.refuse(stops)


def heeding(environment: Environment, refuse: Callable[[Stops], None]) -> AbstractContextManager[None]:
    """Let what stands by now end what waits in the block, where a signal would."""
    return INTERRUPTION.heeding(Wish(environment, refuse))


def heeding_stops(work: "Work") -> AbstractContextManager[None]:
    """The same for a step of a deployment."""
    return heeding(work.environment, lambda stops: refuse_stopped(stops, work.plan, work.environment.ledger.now()))


def heeding_who_asks(environment: Environment, holder: Holder) -> AbstractContextManager[None]:
    """The same for work that is no deployment."""
    return heeding(environment, partial(refuse_asked_to_end, fence=holder.lease.fence))


def refuse_unwanted(work: "Work") -> None:
    """Refused when what stands by now stops this deployment; Broken or Inconclusive when that cannot be told.

    Whoever goes back is not stopped by what cannot be read, but told of it.
    """
    try:
        stops = work.environment.stops.read()
    except StagelineError as error:
        if work.plan.kind != "rollback":
            raise
        work.note_once(f"whether somebody asked to end the rollback is not known, it goes on: {error.args[0]}")
        return
    refuse_stopped(stops, work.plan, work.environment.ledger.now())
