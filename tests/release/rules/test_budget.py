"""What demos cost, and what they may."""

from datetime import UTC, datetime

import pytest

from release.process.errors import Refused
from release.records.demos.demo import Cost, Demo, Pin
from release.records.demos.registry import Entry
from release.rules import budget
from settings.model import Demo as Limits
from tests.release.demos import demo

STRANGE = Cost(cents=0, unknown=("t9.huge",))
PARTLY = Cost(cents=133, unknown=("db.t4g.small",))
PIN = Pin(by="ben", reason="the fair", since="2026-12-01T12:00:00+00:00")


def entries(*demos: Demo) -> tuple[Entry, ...]:
    return tuple(Entry(demo=one, version=1) for one in demos)


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        pytest.param(Cost(cents=1205), "12.05 USD a day", id="known"),
        pytest.param(PARTLY, "1.33 USD a day, and nobody could look up the price of: db.t4g.small", id="in part"),
        pytest.param(
            STRANGE, "an unknown sum a day: nobody could look up the price of: t9.huge", id="unknown, and so not 0"
        ),
    ],
)
def test_a_day_costs_what_is_known(cost: Cost, said: str) -> None:
    assert budget.a_day(cost) == said


@pytest.mark.parametrize(
    ("now", "cents"),
    [
        pytest.param(datetime(2026, 12, 1, 12, tzinfo=UTC), 0, id="just made"),
        pytest.param(datetime(2026, 12, 2, 0, tzinfo=UTC), 66, id="half a day"),
        pytest.param(datetime(2026, 12, 11, 12, tzinfo=UTC), 1330, id="ten days"),
        pytest.param(datetime(2026, 11, 1, 12, tzinfo=UTC), 0, id="made by a clock that was ahead"),
    ],
)
def test_what_it_has_cost_grows_by_the_hour(now: datetime, cents: int) -> None:
    assert budget.cents_so_far(demo(), now) == cents


@pytest.mark.parametrize(
    ("limit", "others", "cost", "said"),
    [
        pytest.param(None, 50, Cost(cents=999), "", id="no budget"),
        pytest.param(2, 0, Cost(cents=200), "", id="all of it"),
        pytest.param(
            2, 0, Cost(cents=201), "with this one all demos cost 2.01 USD a day, and 2 is the most", id="more"
        ),
        pytest.param(2, 1, Cost(cents=133), "all demos cost 2.66 USD a day", id="with another"),
        pytest.param(2, 0, PARTLY, "", id="known in part"),
        pytest.param(2, 0, STRANGE, "demo.daily_budget cannot be kept", id="unknown"),
        pytest.param(None, 0, STRANGE, "", id="unknown without a budget"),
    ],
)
def test_beyond_the_budget_no_demo_is_made(limit: int | None, others: int, cost: Cost, said: str) -> None:
    there = [demo(f"feature-demo/{number}") for number in range(others)]
    limits = Limits(daily_budget=limit)
    if not said:
        budget.refuse_beyond(limits, there, cost)
        return
    with pytest.raises(Refused, match=said):
        budget.refuse_beyond(limits, there, cost)


@pytest.mark.parametrize(
    ("limit", "is_told"), [(None, False), (10, False), (2, False), (1, True)], ids=["none", "far", "below", "beyond"]
)
def test_near_the_budget_it_is_told(limit: int | None, is_told: bool) -> None:
    assert bool(budget.near(Limits(daily_budget=limit), [demo()])) is is_told


def test_near_is_four_fifths_and_says_what_is_not_counted() -> None:
    told = budget.near(Limits(daily_budget=1), [demo(cost=Cost(cents=80, unknown=("secret",)))])
    assert told.startswith("all demos cost 0.80 USD a day, and nobody could look up the price of: secret")
    assert budget.near(Limits(daily_budget=1), [demo(cost=Cost(cents=79))]) == ""


@pytest.mark.parametrize(
    ("limit", "on_budget", "gone"),
    [
        pytest.param(4, "stop", [], id="it fits"),
        pytest.param(3, "stop", ["old"], id="one too many"),
        pytest.param(1, "stop", ["old", "young"], id="whatever nobody pinned"),
        pytest.param(1, "refuse", [], id="where settings only refuse"),
        pytest.param(None, "stop", [], id="no budget"),
    ],
)
def test_beyond_the_budget_the_oldest_have_to_go(limit: int | None, on_budget: str, gone: list[str]) -> None:
    limits = Limits.model_validate({"daily_budget": limit, "on_budget": on_budget})
    found = budget.too_many(
        limits,
        entries(
            demo("feature-demo/young", made="2026-12-01T12:00:00Z"),
            demo("feature-demo/old", made="2026-11-01T12:00:00Z"),
            demo("feature-demo/pinned", made="2026-10-01T12:00:00Z", pinned=PIN),
        ),
    )
    assert [entry.demo.branch.removeprefix("feature-demo/") for entry in found] == gone
