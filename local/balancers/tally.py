"""Counts what passes through one load balancer, until it is asked."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from local.balancers.counts import BalancerCounts, GroupCounts
from local.balancers.health import Health
from local.balancers.passage import Passage


class Tally:
    """Counts passages of one load balancer."""

    def __init__(self) -> None:
        self._own: Counter[str] = Counter()
        self._groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    def count(self, passage: Passage) -> None:
        if passage.target is not None:
            self._count_forwarded(passage, passage.target.group)
        if passage.target_status is None:
            self._count_own(passage)

    def take(self, arn: str, name: str, groups: Iterable[tuple[str, list[Health]]]) -> BalancerCounts:
        """What was counted since the last time, with the health of the given groups as it is now."""
        own, counted, times = self._own, self._groups, self._times
        self._own, self._groups, self._times = Counter(), defaultdict(Counter), defaultdict(list)
        health = dict(groups)
        arns = sorted(health.keys() | counted.keys())
        return BalancerCounts(
            arn=arn,
            name=name,
            **own,
            groups=tuple(_group(each, counted[each], times[each], health.get(each, [])) for each in arns),
        )

    def _count_forwarded(self, passage: Passage, group: str) -> None:
        counter = self._groups[group]
        self._own["requests"] += 1
        counter["requests"] += 1
        counter["connection_errors"] += passage.connection_failed
        if passage.target_status is not None and 2 <= passage.target_status // 100 <= 5:
            counter[f"target_{passage.target_status // 100}xx"] += 1
        if passage.target_seconds is not None:
            self._times[group].append(passage.target_seconds)

    def _count_own(self, passage: Passage) -> None:
        if passage.action == "fixed-response":
            self._own["fixed_responses"] += 1
        if passage.action == "redirect":
            self._own["redirects"] += 1
        if passage.status // 100 in (3, 4, 5):
            self._own[f"elb_{passage.status // 100}xx"] += 1
        if passage.status in (502, 503, 504):
            self._own[f"elb_{passage.status}"] += 1


def _group(arn: str, counter: Counter[str], times: list[float], health: list[Health]) -> GroupCounts:
    states = Counter(each.state for each in health)
    return GroupCounts(
        arn=arn,
        **counter,
        response_times=tuple(times),
        healthy_hosts=states["healthy"],
        unhealthy_hosts=states["unhealthy"],
    )
