"""Which artifacts go, and what keeps the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.records.ledger.head import Content, Live, Previous, State
from release.rules.artifact_retention import Candidate, Facts, judged, rollback_window, uses_of
from release.rules.retention import Use

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=400)


def candidate(version: str, *, age: timedelta = timedelta(days=400), digest: str | None = None) -> Candidate:
    return Candidate(version=version, digest=digest or version, size=1, published_at=NOW - age)


FACTS = Facts(
    candidates=(candidate("1.0.0"),),
    uses=(),
    verified=("1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"),
    deployed=frozenset({"1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"}),
    vetoed=frozenset(),
    keep=2,
    now=NOW,
)


def reasons(facts: Facts) -> list[tuple[str, ...]]:
    return [judgement.reasons for judgement in judged(facts)]


KEPT = {
    "live": ({"uses": (Use(of="1.0.0", what="live in prod"),)}, "live in prod"),
    "vetoed but live": (
        {"uses": (Use(of="1.0.0", what="live in prod"),), "vetoed": frozenset({"1.0.0"})},
        "live in prod",
    ),
    "in the window": ({"verified": ("1.4.0", "1.0.0", "1.3.0")}, "one of the last 2 verified here"),
    "in the window because of a veto": (
        {"verified": ("1.4.0", "1.3.0", "1.0.0"), "vetoed": frozenset({"1.4.0"})},
        "one of the last 2 verified here",
    ),
    "vetoed in the window": (
        {"verified": ("1.4.0", "1.0.0", "1.3.0"), "vetoed": frozenset({"1.0.0"})},
        "one of the last 2 verified here",
    ),
    "waiting": (
        {"candidates": (candidate("1.0.0", age=timedelta(days=29)),), "deployed": frozenset()},
        "never deployed here, and younger than 30 days",
    ),
    "locked": (
        {"candidates": (replace(candidate("1.0.0"), kept_until=NOW + timedelta(days=1)),)},
        "under a retention lock until 2026-11-21T12:00:00+00:00",
    ),
    "on hold": ({"on_hold": True}, "the environment is on hold"),
    "held": ({"candidates": (replace(candidate("1.0.0"), held=True),)}, "under a legal hold"),
}


@pytest.mark.parametrize(("change", "reason"), KEPT.values(), ids=KEPT)
def test_bytes_are_kept_for_a_reason(change: dict[str, Any], reason: str) -> None:
    assert reasons(replace(FACTS, **change)) == [(reason,)]


GOING = {
    "out of the window": {},
    "out of the window, and young": {"candidates": (candidate("1.0.0", age=timedelta(days=1)),)},
    "never deployed, and old": {"verified": (), "deployed": frozenset()},
    "never deployed for just so long": {
        "candidates": (candidate("1.0.0", age=timedelta(days=30)),),
        "verified": (),
        "deployed": frozenset(),
    },
    "failed whenever it was deployed": {"verified": ("1.4.0",)},
    "vetoed, and out of the window": {"vetoed": frozenset({"1.0.0"})},
    "the lock is over": {"candidates": (replace(candidate("1.0.0"), kept_until=NOW),)},
    "another is live": {"uses": (Use(of="1.4.0", what="live in prod"),)},
}


@pytest.mark.parametrize("change", GOING.values(), ids=GOING)
def test_bytes_go_where_nothing_keeps_them(change: dict[str, Any]) -> None:
    assert reasons(replace(FACTS, **change)) == [()]


def test_every_reason_is_told_once() -> None:
    uses = tuple(Use(of="1.0.0", what=what) for what in ("live in prod", "in slot blue of prod", "live in prod"))
    assert reasons(replace(FACTS, uses=uses)) == [("live in prod", "in slot blue of prod")]


def test_versions_of_the_same_bytes_keep_each_other() -> None:
    facts = replace(
        FACTS,
        candidates=(
            candidate("1.0.0", digest="same"),
            candidate("1.0.1", digest="same", age=timedelta(days=1)),
        ),
        deployed=frozenset(),
    )
    assert reasons(facts) == [("the same bytes as 1.0.1",), ("never deployed here, and younger than 30 days",)]


def test_an_environment_needs_what_is_live_in_slots_and_on_its_way() -> None:
    slot = Content(release="2.0.0", digest="two", artifact_key="artifacts/two", deployment="d")
    state = State(
        blue=slot,
        green=Content(release=None, digest=None, artifact_key=None, deployment="d"),
        live=Live(slot="blue", release="1.0.0", digest="one", deployment="d", since="x"),
        previous=Previous(release="0.9.0", digest="zero", deployment="d"),
    )
    assert [(use.of, use.what) for use in uses_of("qa", state)] == [
        ("one", "live in qa"),
        ("two", "in slot blue of qa"),
        ("zero", "the way back of qa"),
    ]


def test_an_environment_without_anything_needs_nothing() -> None:
    assert list(uses_of("qa", State())) == []


DIGESTS = st.sampled_from("abcdefgh")
DAYS = st.integers(0, 60).map(lambda days: timedelta(days=days))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    drawn = draw(st.lists(st.tuples(DIGESTS, DAYS, st.none() | DAYS, st.booleans()), max_size=8))
    return Facts(
        candidates=tuple(
            Candidate(
                version=f"1.{number}.0",
                digest=digest,
                size=1,
                published_at=NOW - age,
                kept_until=None if lock is None else NOW + lock - timedelta(days=30),
                held=held,
            )
            for number, (digest, age, lock, held) in enumerate(drawn)
        ),
        uses=tuple(Use(of=digest, what="live") for digest in draw(st.lists(DIGESTS, max_size=3))),
        verified=tuple(draw(st.lists(DIGESTS, max_size=12))),
        deployed=draw(st.frozensets(DIGESTS)),
        vetoed=draw(st.frozensets(DIGESTS)),
        keep=draw(st.integers(1, 4)),
        now=NOW,
    )


@given(facts())
def test_what_is_protected_never_goes(facts: Facts) -> None:
    gone = {judgement.candidate.digest for judgement in judged(facts) if judgement.goes}
    assert gone.isdisjoint(use.of for use in facts.uses)
    assert gone.isdisjoint(list(dict.fromkeys(one for one in facts.verified if one not in facts.vetoed))[: facts.keep])
    for one in facts.candidates:
        young = NOW - one.published_at < timedelta(days=30) and one.digest not in facts.deployed
        if young or one.held or (one.kept_until is not None and one.kept_until > NOW):
            assert one.digest not in gone


@given(facts())
def test_bytes_go_or_stay_whatever_version_names_them(facts: Facts) -> None:
    fates: dict[str, set[bool]] = {}
    for judgement in judged(facts):
        fates.setdefault(judgement.candidate.digest, set()).add(judgement.goes)
    assert all(len(fate) == 1 for fate in fates.values())


@given(facts(), DIGESTS)
def test_another_use_never_lets_more_go(facts: Facts, digest: str) -> None:
    before = {judgement.candidate.version for judgement in judged(facts) if judgement.goes}
    used = replace(facts, uses=(*facts.uses, Use(of=digest, what="live")))
    assert {judgement.candidate.version for judgement in judged(used) if judgement.goes} <= before


@given(st.lists(DIGESTS), st.frozensets(DIGESTS), st.integers(1, 4))
def test_the_window_has_so_many_releases_that_may_go_live(
    verified: list[str], vetoed: frozenset[str], keep: int
) -> None:
    window = rollback_window(verified, vetoed, keep)
    there = set(verified) - vetoed
    assert len(set(window) - vetoed) == min(keep, len(there))
    assert len(set(window)) == len(window)
