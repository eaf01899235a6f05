"""Where every target stands: pure bookkeeping, the time is given.

A target that listeners can reach is checked. One that they cannot reach any more is draining as long as requests to
it are open, at most for its group's deregistration delay; then it is forgotten.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local.balancers.health import DRAINING, Health


@dataclass(frozen=True, kw_only=True)
class Target:
    """One place behind a target group. `known_as` is what AWS calls it (an instance id or an address)."""

    group: str
    known_as: str
    scheme: str
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Which targets came, to be checked from now on, and which left."""

    came: frozenset[Target]
    left: frozenset[Target]


class Standing:
    """The state of every target, and how many requests to it are open."""

    def __init__(self) -> None:
        self._health: dict[Target, Health] = {}
        self._open: Counter[Target] = Counter()
        self._draining: dict[Target, float] = {}

    def reconcile(self, reachable: Iterable[Target], delays: Mapping[str, float], now: float) -> Changes:
        """Take over which targets listeners can reach. `delays`: seconds that a target of a group may drain."""
        wanted = set(reachable)
        left = self._health.keys() - wanted
        for target in left:
            del self._health[target]
            self._draining[target] = now + delays.get(target.group, 0.0)
        came = wanted - self._health.keys()
        for target in came:
            self._draining.pop(target, None)
            self._health[target] = Health()
        self._forget_drained(now)
        return Changes(came=frozenset(came), left=frozenset(left))

    def _forget_drained(self, now: float) -> None:
        self._draining = {
            target: until for target, until in self._draining.items() if self._open[target] > 0 and now < until
        }

    def measured(self, target: Target, health: Health) -> Health | None:
        """Note what a check found; the health before, None when the target left meanwhile."""
        before = self._health.get(target)
        if before is not None:
            self._health[target] = health
        return before

    def health(self, target: Target) -> Health | None:
        return self._health.get(target)

    def of_group(self, group: str) -> list[Health]:
        return [health for target, health in self._health.items() if target.group == group]

    def find(self, group: str, known_as: str, port: int) -> Health | None:
        """What is known about a target as AWS names it; None when no listener reaches it."""
        named = (group, known_as, port)
        found = (health for target, health in self._health.items() if _name(target) == named)
        draining = any(_name(target) == named for target in self._draining)
        return next(found, DRAINING if draining else None)

    def is_healthy(self, target: Target) -> bool:
        health = self._health.get(target)
        return health is not None and health.state == "healthy"

    def opened(self, target: Target) -> None:
        self._open[target] += 1

    def closed(self, target: Target) -> None:
        self._open[target] -= 1
        if not self._open[target]:
            del self._open[target]


def _name(target: Target) -> tuple[str, str, int]:
    return target.group, target.known_as, target.port
