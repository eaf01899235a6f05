"""The lease: at most one deployment per environment, and a fence number that only grows.

The lease is an item of its own, renewed by heartbeats that collide with nothing. Nobody compares clocks. A lease is
taken over by proof: at once where its holder's process has ended on this very machine, elsewhere when it did not change
for LENGTH by the taker's own monotonic clock. A holder that was paused that long wakes with a fence that is no longer
HEAD's: it is refused at its next event and by the program that it starts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from release.process.errors import LeaseHeld
from release.process.form import FORMAT, Form, read_form, stored
from release.process.processes import Process

LENGTH = 60.0  # seconds without a sign of life after which a lease may be taken over
BEAT = 10.0  # seconds between two heartbeats: several may fail before
CALL = 20.0  # seconds that a hasty call takes at most, so that it is heard while the lease is still ours
LOOK = 1.0  # seconds between two looks at a lease that is waited for
UNKNOWN = "somebody unknown"  # who has a lease that cannot be read


class Lease(Form):
    """Who deploys, from where and since when (UTC, ISO 8601); ``owner`` is empty when nobody does.

    ``beat`` grows with each heartbeat; ``process`` is what can be proven to have ended; None where the
    system does not tell.
    """

    owner: str
    host: str
    ci: str
    since: str
    fence: int
    beat: int = 0
    process: Process | None = None
    format: int = FORMAT

    @property
    def held(self) -> bool:
        """Whether somebody has it."""
        return bool(self.owner)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How a verb meets a lease that somebody holds.

    ``seconds`` is how long it waits for a living holder. With ``until_silent`` it looks for as long as it takes to see
    a sign of life, or that there is none for LENGTH: the way of verbs that end what others left.
    """

    seconds: float = 0.0
    until_silent: bool = False
    told: Callable[[str], None] = lambda text: None


IMPATIENT = Patience()


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What was seen of a held lease: for how long in all, how long without a change, and how many changes."""

    seconds: float
    silent: float
    beats: int

    def is_over(self) -> bool:
        """Whether its holder gave no sign of life for its whole length."""
        return self.silent >= LENGTH

    def is_worth_it(self, patience: Patience) -> bool:
        """Whether to look again."""
        return self.seconds < patience.seconds or (patience.until_silent and self.beats == 0)


def renewed(lease: Lease) -> Lease:
    """The lease after a heartbeat."""
    return lease.but(beat=lease.beat + 1)


def released(lease: Lease) -> Lease:
    """The lease after its holder gave it back; the fence stays, because it only grows."""
    return Lease(owner="", host="", ci="", since="", fence=lease.fence)


def unread(fence: int) -> Lease:
    """What stands for a lease that cannot be read: somebody may have it, and nothing proves that they do not."""
    return Lease(owner=UNKNOWN, host="an unknown host", ci="", since="", fence=fence)


def held_by(lease: Lease, environment: str) -> LeaseHeld:
    """What is said of a lease that is held: owner, host and since when."""
    if lease.owner == UNKNOWN:
        return LeaseHeld(
            f"the lease on {environment} is not readable, so somebody may be at work",
            hint=f"once it did not change for {LENGTH:.0f} s it is taken over by release rollback, resume, abort and "
            "promote --wait",
        )
    where = f"on {lease.host}" + (f" ({lease.ci})" if lease.ci else "")
    return LeaseHeld(
        f"{environment} is being deployed by {lease.owner} {where} since {lease.since}",
        hint=f"wait for it (promote takes --wait), or ask it to end: release stop {environment} --reason WHY",
    )


def lease_json(lease: Lease) -> str:
    """The lease as it is stored."""
    return stored(lease)


def parse_lease(text: str) -> Lease:
    """The lease as it was stored."""
    return read_form(Lease, text, "the lease")
