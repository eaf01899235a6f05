"""release demo: what is asked of it in a wrong way is one line, and what it shows is whose each demo is and why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from release.cli import release
from release.process.errors import LeaseHeld, Refused, StagelineError, WrongUsage
from release.records.demos.demo import Cost, Demo, Pin
from release.records.ledger.ledger import utc_now
from release.rules.demos import stamp
from release.verbs.demo import staying
from tests.release.demos import Demos, demo, held
from tests.release.world import World
from tests.settings.mistakes import REMOVED, change

pytestmark = pytest.mark.moto

CALLER = "arn:aws:sts::123456789012:user/moto"
BRANCH = "feature-demo/map"
PIN = Pin(by="ben", reason="the fair", since="2026-12-01T12:00:00+00:00")
FAR = "2126-12-04T12:00:00+00:00"


@pytest.fixture
def demos(world: World, monkeypatch: pytest.MonkeyPatch) -> Demos:
    monkeypatch.setenv("PATH", "/nowhere")  # nothing here needs a Pulumi
    return Demos(world)


def run(demos: Demos, *arguments: str) -> Result:
    folder = demos.base.environment.project.folder
    return CliRunner().invoke(release, ["--project", str(folder), "demo", *arguments])


def answer(demos: Demos, *arguments: str) -> dict[str, Any]:
    done = run(demos, *arguments, "--json")
    assert done.exit_code == 0, done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def error(demos: Demos, *arguments: str) -> StagelineError:
    raised = run(demos, *arguments).exception
    assert isinstance(raised, StagelineError)
    return raised


def add(demos: Demos, **changes: Any) -> Demo:
    """One that the caller made just now, for three days."""
    now = utc_now()
    times = {"renewed": stamp(now), "expires": stamp(now + timedelta(days=3))}
    return demos.registry.add(demo(**{"owner": CALLER, **times, **changes})).demo


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("up", "main", "--release", "1.0.0"), "is no branch for a demo", id="another branch"),
        pytest.param(("down", "feature-demo/;id"), "is no branch for a demo", id="a hostile branch"),
        pytest.param(("up", BRANCH, "--release", "1.0.0", "--ttl", "soon"), "'soon' is no time", id="no time"),
        pytest.param(("up", BRANCH, "--release", "1.0.0", "--open-to", "me"), "'me' is no address", id="no address"),
        pytest.param(("extend", BRANCH), "has no demo", id="no demo"),
        pytest.param(("down", "feature-demo/other"), "has no demo", id="another branch's"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(demos: Demos, arguments: tuple[str, ...], said: str) -> None:
    assert said in str(error(demos, *arguments))
    assert demos.registry.all().entries == ()


@pytest.mark.parametrize("what", [(), ("--artifact", "a.tar.gz", "--release", "1.0.0")], ids=["nothing", "two things"])
def test_a_demo_shows_one_thing(demos: Demos, what: tuple[str, ...]) -> None:
    assert isinstance(error(demos, "up", BRANCH, *what), WrongUsage)


def test_the_list_tells_whose_each_is_and_what_went_wrong(demos: Demos) -> None:
    known = add(demos, state="failed", why="no capacity")
    shown = run(demos, "list").stdout
    assert all(text in shown for text in (BRANCH, CALLER, "failed", "no capacity", known.expires))


def test_the_list_tells_what_each_costs_a_day_and_has_cost(demos: Demos) -> None:
    two_days_ago = stamp(utc_now() - timedelta(days=2))
    add(demos, made=two_days_ago, cost=Cost(cents=133))
    said = answer(demos, "list")
    assert said["demos"][0]["cost"] == {"usd_a_day": "1.33", "usd_so_far": "2.66", "unknown": []}
    assert said["cost"] == {"usd_a_day": "1.33", "unknown": [], "daily_budget": None}
    assert all(text in run(demos, "list").stdout for text in ("2.66", "all demos cost 1.33 USD a day"))


def test_of_what_nobody_knows_the_price_the_list_tells_no_cost(demos: Demos) -> None:
    add(demos, cost=Cost(cents=0, unknown=("t9.huge",)))
    assert answer(demos, "list")["demos"][0]["cost"]["usd_so_far"] is None
    shown = run(demos, "list").stdout
    assert "unknown" in shown and "nobody could look up the price of: t9.huge" in shown and "0.00" not in shown


def test_the_list_believes_no_clock_that_was_ahead(demos: Demos) -> None:
    add(demos, renewed=FAR, expires=FAR)
    assert answer(demos, "list")["demos"][0]["expires"] < FAR


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "stays until 2026-12-04T12:00:00+00:00", id="for a while"),
        pytest.param({"pinned": PIN}, "stays until it is unpinned (by ben: the fair)", id="pinned"),
        pytest.param({"expires": "2026-12-01T12:00:00Z"}, "goes with the next release tick", id="over by now"),
    ],
)
def test_whoever_renews_pins_or_lifts_is_told_when_it_goes(changes: dict[str, Any], said: str) -> None:
    assert staying(demo(**changes), datetime(2026, 12, 2, tzinfo=UTC)) == said


def test_a_demo_is_renewed(demos: Demos) -> None:
    before = add(demos)
    after = answer(demos, "extend", BRANCH, "--ttl", "12h")["demo"]
    assert after["expires"] < before.expires
    assert demos.entry().demo.expires == after["expires"]


def test_nobody_renews_beyond_the_limit(demos: Demos) -> None:
    add(demos)
    assert "lives 30d at most" in str(error(demos, "extend", BRANCH, "--ttl", "31d"))


@pytest.mark.parametrize("verb", ["extend", "down"])
def test_a_demo_is_its_owners_to_change(demos: Demos, verb: str) -> None:
    demos.registry.add(demo())
    assert isinstance(error(demos, verb, BRANCH), Refused)
    assert demos.entry().demo == demo()


def test_nobody_changes_what_somebody_works_on(demos: Demos) -> None:
    add(demos, held=held(until=(utc_now() + timedelta(minutes=5)).isoformat()))
    assert isinstance(error(demos, "extend", BRANCH), LeaseHeld)


def test_only_those_whom_settings_name_pin_a_demo(demos: Demos) -> None:
    before = add(demos)
    assert "may pin no demo" in str(error(demos, "pin", BRANCH, "--reason", "the fair"))
    assert demos.entry().demo == before


def test_a_release_that_was_never_published_is_not_shown(demos: Demos) -> None:
    assert "1.0.0 was never published to dev" in str(error(demos, "up", BRANCH, "--release", "1.0.0"))
    assert demos.registry.all().entries == ()


def test_where_there_is_no_engine_nothing_begins(demos: Demos) -> None:
    before = add(demos)
    for arguments in (("down", BRANCH), ("reap",)):
        assert "there is no pulumi on PATH" in str(error(demos, *arguments))
    assert demos.entry().demo == before


def test_a_look_at_what_is_due_changes_nothing(demos: Demos) -> None:
    before = demos.registry.add(demo(expires="2026-01-01T00:00:00+00:00")).demo
    due = {"branch": BRANCH, "owner": before.owner, "how": "due", "why": ""}
    assert answer(demos, "reap", "--dry-run")["reaped"] == [due]
    assert demos.entry().demo == before


def test_on_a_protected_base_nothing_is_reaped_unless_its_settings_say_so(demos: Demos) -> None:
    before = demos.registry.add(demo(base="prod", expires="2026-01-01T00:00:00+00:00")).demo
    folder = demos.base.environment.project.folder
    change(folder, "dev", demo=REMOVED)
    change(folder, "prod", demo={})
    assert "demo.on_protected is False" in str(run(demos, "reap").exception)
    assert demos.entry().demo == before
