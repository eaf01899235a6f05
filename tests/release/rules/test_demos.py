"""Rules of demos: who may have one, for how long, and which have to go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.doors.database.shared import Crowd
from release.process.errors import LeaseHeld, Refused, WrongUsage
from release.records.demos.demo import Demo, Pin
from release.records.demos.registry import Entry
from release.rules import demos as rules
from settings.model import Demo as Limits
from tests.release.demos import ANA, BEN, demo, held

NOW = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
LONGEST = timedelta(hours=1)
LIMITS = Limits(ttl="2d", max_ttl="7d", most=3, most_per_owner=2, pinned_by=(BEN.principal,))
PIN = Pin(by="ben", reason="the fair", since="2026-12-01T12:00:00+00:00")


def entries(*demos: Demo) -> tuple[Entry, ...]:
    return tuple(Entry(demo=one, version=1) for one in demos)


def due(*demos: Demo, now: datetime = NOW) -> list[str]:
    return [entry.demo.branch for entry in rules.due(entries(*demos), now)]


@pytest.mark.parametrize(
    ("ttl", "life"), [(None, timedelta(days=2)), ("12h", timedelta(hours=12)), ("7d", timedelta(days=7))]
)
def test_a_demo_lives_as_long_as_asked_for_or_as_settings_say(ttl: str | None, life: timedelta) -> None:
    assert rules.lifetime(LIMITS, ttl) == life


def test_nobody_gets_more_time_than_settings_allow() -> None:
    with pytest.raises(Refused, match="lives 7d at most, not 8d"):
        rules.lifetime(LIMITS, "8d")


@pytest.mark.parametrize("text", ["", "0d", "3", "3w", "-1d", "1000d", "3d\n", "٣d"])
def test_another_text_is_no_time(text: str) -> None:
    assert not rules.is_span(text)


@pytest.mark.parametrize(("text", "may"), [("203.0.113.7/32", True), ("203.0.113.7", False), ("203.0.113.7/24", False)])
def test_a_block_has_its_prefix_and_no_host_bits(text: str, may: bool) -> None:
    assert rules.is_block(text) is may


def test_an_owner_has_a_few_demos() -> None:
    two = (demo("feature-demo/a"), demo("feature-demo/b"))
    rules.refuse_another(LIMITS, two[:1], demo())
    rules.refuse_another(LIMITS, two, demo(owner=BEN.principal))
    with pytest.raises(Refused, match=r"you have 2 demos, and 2 is the most \(demo.most_per_owner\)"):
        rules.refuse_another(LIMITS, two, demo())


def test_there_are_only_so_many_demos() -> None:
    three = [demo(f"feature-demo/{number}") for number in range(3)]
    with pytest.raises(Refused, match=r"there are 3 demos, and 3 is the most \(demo.most\)"):
        rules.refuse_another(LIMITS, three, demo(owner=BEN.principal))


def test_another_demo_keeps_within_the_budget() -> None:
    limits = Limits(daily_budget=2)
    rules.refuse_another(limits, [], demo())
    with pytest.raises(Refused, match=r"demo.daily_budget"):
        rules.refuse_another(limits, [demo("feature-demo/a")], demo())


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        pytest.param({"expires": "2026-12-02T12:00:00Z"}, True, id="soon"),
        pytest.param({"expires": "2026-12-03T12:00:00Z"}, False, id="not soon"),
        pytest.param({"expires": "2026-12-01T12:00:00Z"}, False, id="over"),
        pytest.param({"expires": "2026-12-02T12:00:00Z", "pinned": PIN}, False, id="pinned"),
        pytest.param({"state": "dying"}, False, id="dying"),
        pytest.param({"expires": "2026-12-02T12:00:00Z", "warned": "2026-12-02T12:00:00Z"}, False, id="told"),
        pytest.param({"expires": "2026-12-02T12:00:00Z", "warned": "2026-12-01T12:00:00Z"}, True, id="renewed since"),
    ],
)
def test_an_owner_is_warned_once_of_each_end(changes: dict[str, Any], is_told: bool) -> None:
    assert bool(rules.to_warn(entries(demo(**changes)), NOW, LIMITS)) is is_told


def test_a_warning_says_when_it_goes_and_what_to_do() -> None:
    told = "goes at 2026-12-04T12:00:00+00:00; to keep it: release demo extend feature-demo/map"
    assert rules.warning(demo()) == told


def test_a_demo_is_its_owners() -> None:
    rules.refuse_other_owner(demo(), ANA.principal)
    with pytest.raises(Refused, match=r"user/ana's, and you are arn:aws:iam::123456789012:user/ben"):
        rules.refuse_other_owner(demo(), BEN.principal)


@pytest.mark.parametrize("branch", ["main", "feature-demo/$(id)", "feature-demo/" + "x" * 300])
def test_a_branch_that_may_have_none_is_refused_in_a_short_line(branch: str) -> None:
    with pytest.raises(WrongUsage, match="is no branch for a demo") as refusal:
        rules.refuse_branch(branch)
    assert len(str(refusal.value)) < 300


def test_nobody_works_on_what_somebody_else_works_on() -> None:
    with pytest.raises(LeaseHeld, match=r"user/ben works on feature-demo/map on elsewhere"):
        rules.refuse_held(demo(held=held()), NOW, is_gone=False, longest=LONGEST)


@pytest.mark.parametrize(
    ("working", "is_gone"),
    [
        pytest.param(None, False, id="nobody"),
        pytest.param(held(), True, id="a process that has ended"),
        pytest.param(held(until="2026-12-01T12:29:59+00:00"), False, id="somebody whose time is over"),
        pytest.param(held(until="2036-12-01T12:00:00+00:00"), False, id="somebody whose clock was ahead"),
    ],
)
def test_a_demo_is_free(working: object, is_gone: bool) -> None:
    rules.refuse_held(demo(held=working), NOW, is_gone=is_gone, longest=LONGEST)


def test_what_is_over_is_due_the_longest_first() -> None:
    late, later = (
        demo("feature-demo/a", expires="2026-12-01T12:00:00Z"),
        demo("feature-demo/b", expires="2026-11-01T12:00:00Z"),
    )
    assert due(late, later, demo("feature-demo/c")) == ["feature-demo/b", "feature-demo/a"]


@pytest.mark.parametrize(
    ("renewed", "expires", "ends"),
    [
        pytest.param("2026-12-01T12:00:00Z", "2026-12-04T12:00:00Z", "2026-12-04T12:00:00Z", id="as it was asked for"),
        pytest.param("2026-12-01T12:00:00Z", "2036-12-04T12:00:00Z", "2026-12-08T12:00:00+00:00", id="too long"),
        pytest.param("2026-12-01T12:34:00Z", "2026-12-08T12:34:00Z", "2026-12-08T12:34:00Z", id="a little ahead"),
        pytest.param("2036-12-01T12:00:00Z", "2036-12-04T12:00:00Z", "2026-12-08T12:30:00+00:00", id="far ahead"),
        pytest.param("2036-12-01T12:00:00Z", "2026-12-02T12:00:00Z", "2026-12-02T12:00:00+00:00", id="half ahead"),
    ],
)
def test_no_clock_gives_a_demo_more_time_than_settings(renewed: str, expires: str, ends: str) -> None:
    known = rules.believed(demo(renewed=renewed, expires=expires), NOW, LIMITS)
    assert known.expires == ends
    assert rules.believed(known, NOW, LIMITS) == known
    assert rules.believed(known, NOW + timedelta(days=99), LIMITS) == known


def test_a_pinned_demo_has_no_end() -> None:
    assert due(demo(pinned=PIN), now=NOW + timedelta(days=999)) == []


def test_a_demo_that_began_to_die_goes_on_dying() -> None:
    assert due(demo(state="dying", pinned=PIN)) == ["feature-demo/map"]


def test_a_demo_that_failed_to_die_stands_in_nobodys_way() -> None:
    failed = [demo(f"feature-demo/f{number}", state="dying", why="no") for number in range(rules.MOST_AT_ONCE)]
    assert due(*failed, demo("feature-demo/z", expires="2026-12-01T12:00:00Z"))[0] == "feature-demo/z"


@given(st.lists(st.integers(-90, 90), max_size=12), st.integers(-400, 400))
def test_whatever_the_clock_says_none_is_due_whose_time_is_not_over(hours: list[int], off: int) -> None:
    now = NOW + timedelta(days=off)
    demos = [
        demo(f"feature-demo/d{number}", expires=(NOW + timedelta(hours=hour)).isoformat())
        for number, hour in enumerate(hours)
    ]
    found = rules.due(entries(*demos), now)
    assert all(entry.demo.expires_at <= now for entry in found)


@pytest.mark.parametrize(
    ("caller", "may"),
    [
        ("arn:aws:iam::123456789012:user/ben", True),
        ("arn:aws:iam::123456789012:user/bento", False),
        ("arn:aws:sts::123456789012:assumed-role/lead/carl", True),
        ("arn:aws:sts::123456789012:assumed-role/leader/carl", False),
        ("arn:aws:sts::210987654321:assumed-role/lead/carl", False),
    ],
)
def test_those_whom_settings_name_may_pin(caller: str, may: bool) -> None:
    limits = Limits(pinned_by=(BEN.principal, "arn:aws:iam::123456789012:role/teams/lead"))
    if may:
        rules.refuse_pinning(limits, caller)
    else:
        with pytest.raises(Refused, match="may pin no demo"):
            rules.refuse_pinning(limits, caller)


@pytest.mark.parametrize(("made", "age"), [("2026-12-01T12:00:00+00:00", "0h"), ("2026-11-28T12:00:00+00:00", "3d")])
def test_an_age_is_in_hours_or_days(made: str, age: str) -> None:
    assert rules.age(demo(made=made), NOW) == age


@pytest.mark.parametrize(
    ("crowd", "free", "said"),
    [
        pytest.param({"databases": ("demo_0a1b2c3d",) * 20}, 0.5, "has 20 of demos, and 20 is", id="databases"),
        pytest.param({"connections": 48}, 0.5, "has 48 connections of 60", id="connections"),
        pytest.param({}, 0.19, "has 19% of its storage free", id="storage"),
    ],
)
def test_a_base_without_room_takes_no_further_demo(crowd: dict[str, Any], free: float, said: str) -> None:
    known = Crowd(**{"databases": (), "connections": 47, "most_connections": 60, **crowd})
    with pytest.raises(Refused, match=said):
        rules.refuse_crowded(Limits(), "dev", known, free)


@pytest.mark.parametrize("free", [0.2, None], ids=["just enough", "not measured yet"])
def test_a_base_with_room_takes_one_more(free: float | None) -> None:
    rules.refuse_crowded(Limits(), "dev", Crowd(databases=("demo_1",) * 19, connections=47, most_connections=60), free)


@pytest.mark.parametrize(
    ("data", "database", "has_seed", "said"),
    [
        pytest.param("seed", "none", True, "no database to bring data to", id="no database"),
        pytest.param("again", "own", False, "the artifact has no bin/seed", id="no program"),
    ],
)
def test_data_need_a_program_and_a_database(data: str, database: str, has_seed: bool, said: str) -> None:
    with pytest.raises(Refused, match=said):
        rules.refuse_no_seed(data, database, has_seed=has_seed)
    rules.refuse_no_seed("none", database, has_seed=has_seed)
    rules.refuse_no_seed(data, "shared", has_seed=True)
