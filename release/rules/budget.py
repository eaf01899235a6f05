"""What demos cost, and what they may. Of what nobody knows the price that is said: it is in no sum, and no 0."""

from collections.abc import Collection, Sequence
from datetime import datetime

from release.process.errors import Refused
from release.process.text import utc_of
from release.records.demos.demo import Cost, Demo
from release.records.demos.registry import Entry
from settings import model

NEAR = 80  # percent of the budget: from there on it is told
UNKNOWN = "unknown"


def usd(cents: int) -> str:
    """Cents as dollars."""
    return f"{cents // 100}.{cents % 100:02}"


def is_known(cost: Cost) -> bool:
    """Whether anything of it has a price."""
    return cost.cents > 0 or not cost.unknown


def cents_so_far(demo: Demo, now: datetime) -> int:
    """What it has cost since it was made, at what it costs now."""
    return int(demo.cost.cents * max((now - utc_of(demo.made)).total_seconds(), 0) / 86_400)


def a_day(cost: Cost) -> str:
    """A day's cost in words, and what is not in it."""
    if not cost.unknown:
        return f"{usd(cost.cents)} USD a day"
    without = f"nobody could look up the price of: {', '.join(cost.unknown)}"
    return f"{usd(cost.cents)} USD a day, and {without}" if is_known(cost) else f"an unknown sum a day: {without}"


def all_of(demos: Collection[Demo]) -> Cost:
    """What they cost a day together."""
    unknown = sorted({thing for demo in demos for thing in demo.cost.unknown})
    return Cost(cents=sum(demo.cost.cents for demo in demos), unknown=tuple(unknown))


def refuse_beyond(limits: model.Demo, others: Collection[Demo], cost: Cost) -> None:
    """Refused for a demo of this cost where it and the others are beyond the budget, or nobody could tell."""
    if limits.daily_budget is None:
        return
    if not is_known(cost):
        raise Refused(
            f"a demo costs {a_day(cost)}, so demo.daily_budget cannot be kept",
            hint="write its prices into settings/prices.toml, or take the budget out of the stack file",
        )
    if (together := all_of(others).cents + cost.cents) > limits.daily_budget * 100:
        raise Refused(
            f"with this one all demos cost {usd(together)} USD a day, and {limits.daily_budget} is the most "
            "(demo.daily_budget)",
            hint="end one: release demo down BRANCH",
        )


def near(limits: model.Demo, demos: Collection[Demo]) -> str:
    """What is said where the demos come near to the budget, or are beyond it; empty else."""
    together = all_of(demos)
    if limits.daily_budget is None or together.cents < limits.daily_budget * NEAR:
        return ""
    return f"all demos cost {a_day(together)}, and {limits.daily_budget} is the most (demo.daily_budget)"


def too_many(limits: model.Demo, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Those that have to go for the budget, where settings say so: the oldest of those that nobody pinned."""
    if limits.daily_budget is None or limits.on_budget != "stop":
        return ()
    left, found = all_of([entry.demo for entry in entries]).cents, []
    for entry in sorted(entries, key=lambda one: utc_of(one.demo.made)):
        if left > limits.daily_budget * 100 and entry.demo.pinned is None:
            found.append(entry)
            left -= entry.demo.cost.cents
    return tuple(found)
