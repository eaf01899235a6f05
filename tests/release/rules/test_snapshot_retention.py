"""Which snapshots go, and what keeps the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.doors.aws.databases import Snapshot
from release.records.ledger.head import Content, Former, Live, Open, Previous, State
from release.rules.retention import Use
from release.rules.snapshot_retention import HOLD, Facts, judged, of_deployments, uses_of
from settings.names import Names

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NAMES = Names(project="stageline", environment="dev", account="123456789012", region="eu-central-1")
DATABASE = "stageline-dev-postgres-0123456789abcdef0"


def deployment(number: int) -> str:
    return f"dev-20261001-000000-{number:04x}"


def snapshot(number: int, *, days: float = 400, **other: Any) -> Snapshot:
    values = {
        "name": f"stageline-{deployment(number)}",
        "database": DATABASE,
        "created": NOW - timedelta(days=days),
        "status": "available",
        "size_gb": 20,
        "tags": {"project": "stageline", "environment": "dev", "deployment": deployment(number)},
    }
    return Snapshot(**{**values, **other})


def tagged(one: Snapshot, **tags: str) -> Snapshot:
    return replace(one, tags={**one.tags, **tags})


OLD, NEWER = snapshot(1), snapshot(2, days=50)
FACTS = Facts(candidates=(OLD, NEWER), uses=(), keep=1, keep_days=30, now=NOW)


def reasons(facts: Facts, one: Snapshot) -> tuple[str, ...]:
    return next(judgement.reasons for judgement in judged(facts) if judgement.candidate.name == one.name)


KEPT: dict[str, tuple[dict[str, Any], str]] = {
    "used": ({"uses": (Use(of=deployment(1), what="of the open deployment"),)}, "of the open deployment"),
    "among the newest": ({"keep": 2}, "one of the last 2 good ones"),
    "the last good one": ({"candidates": (OLD, replace(NEWER, status="failed"))}, "the last good one"),
    "young": ({"candidates": (replace(OLD, created=NOW - timedelta(days=29)), snapshot(3, days=1))},
              "younger than 30 days"),
    "being made": ({"candidates": (replace(OLD, status="creating", created=None), NEWER)}, "RDS says it is creating"),
    "being deleted": ({"candidates": (replace(OLD, status="deleting"), NEWER)}, "RDS says it is deleting"),
    "held": ({"candidates": (tagged(OLD, **{HOLD: "audit of 2026"}), NEWER)}, "held by its tag stageline:hold"),
    "held, and failed": ({"candidates": (tagged(replace(OLD, status="failed"), **{HOLD: ""}), NEWER)},
                         "held by its tag stageline:hold"),
    "on hold": ({"on_hold": True}, "the environment is on hold"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "reason"), KEPT.values(), ids=KEPT.keys())
def test_a_snapshot_is_kept_for_a_reason(changes: dict[str, Any], reason: str) -> None:
    assert reasons(FACTS, OLD) == ()
    assert reasons(replace(FACTS, **changes), OLD) == (reason,)


GOES: dict[str, dict[str, Any]] = {
    "old, with newer ones": {},
    "as old as is allowed": {"candidates": (replace(OLD, created=NOW - timedelta(days=30)), snapshot(3, days=1))},
    "failed, however young": {"candidates": (replace(OLD, status="failed", created=NOW), NEWER)},
    "failed, and the only one": {"candidates": (replace(OLD, status="failed"),)},
    "where none gets older": {"candidates": (replace(OLD, created=NOW - timedelta(seconds=2)), snapshot(3, days=0)),
                              "keep_days": 0},
    "used is another one": {"uses": (Use(of=deployment(2), what="of the open deployment"),)},
}  # fmt: skip


@pytest.mark.parametrize("changes", GOES.values(), ids=GOES.keys())
def test_a_snapshot_goes_when_nothing_keeps_it(changes: dict[str, Any]) -> None:
    assert reasons(replace(FACTS, **changes), OLD) == ()


def test_the_newest_is_shown_first() -> None:
    found = judged(replace(FACTS, candidates=(OLD, replace(NEWER, created=None), snapshot(3, days=1))))
    assert [one.candidate.tags["deployment"] for one in found] == [deployment(2), deployment(3), deployment(1)]


def test_the_way_back_is_what_head_names() -> None:
    state = State(
        blue=Content(release="1.0.0", digest="a", artifact_key="a", deployment="d-blue"),
        green=Content(release=None, digest=None, artifact_key=None, deployment="d-green"),
        live=Live(slot="blue", release="1.0.0", digest="a", deployment="d-live", since=""),
        previous=Previous(release="0.9.0", digest="b", deployment="d-previous"),
        open=Open(
            deployment="d-open",
            kind="promotion",
            release="1.1.0",
            digest="c",
            slot="green",
            step="installed",
            requested=7,
            former=Former(declared="blue", content=None),
        ),
    )
    assert {use.of for use in uses_of(state)} == {"d-blue", "d-green", "d-live", "d-previous", "d-open"}
    assert list(uses_of(State())) == []


OURS = {
    "of a deployment": OLD,
    "its second attempt": replace(OLD, name=f"{OLD.name}-2"),
    "of an earlier database": replace(OLD, database="stageline-dev-mysql-0f0f"),
    "without a time": replace(OLD, created=None),
}
STRANGERS = {
    "made by hand": snapshot(1, name="before-i-touch-it"),
    "the final one": snapshot(1, name="stageline-dev-postgres-final-0123456789abcdef0"),
    "of another deployment by its tag": tagged(OLD, deployment=deployment(2)),
    "of no deployment by its tag": tagged(OLD, deployment="by hand"),
    "of another environment by its tag": tagged(OLD, environment="qa"),
    "of another project by its tag": tagged(OLD, project="other"),
    "without tags": replace(OLD, tags={}),
    "of another database": replace(OLD, database="stageline-qa-postgres-0123456789abcdef0"),
    "of a database that was restored by hand": replace(OLD, database="beside"),
    "of an environment whose name goes on": snapshot(
        1,
        name=f"stageline-dev-2-{deployment(1).removeprefix('dev-')}",
        database="stageline-dev-2-postgres-0123456789abcdef0",
        tags={"project": "stageline", "environment": "dev-2", "deployment": f"dev-2-{deployment(1)[4:]}"},
    ),
    "with more behind its name": replace(OLD, name=f"{OLD.name}-copy"),
    "with more before its name": replace(OLD, name=f"x{OLD.name}"),
}


@pytest.mark.parametrize("one", OURS.values(), ids=OURS.keys())
def test_a_snapshot_of_a_deployment_is_looked_at(one: Snapshot) -> None:
    assert of_deployments([one], NAMES) == (one,)


@pytest.mark.parametrize("one", STRANGERS.values(), ids=STRANGERS.keys())
def test_any_other_snapshot_is_never_looked_at(one: Snapshot) -> None:
    assert of_deployments([one, OLD], NAMES) == (OLD,)


SNAPSHOTS = st.builds(
    snapshot,
    st.integers(0, 40),
    days=st.floats(-1, 500),
    status=st.sampled_from(["available", "available", "failed", "creating", "deleting"]),
)
FACTS_OF = st.builds(
    Facts,
    candidates=st.lists(SNAPSHOTS, max_size=20, unique_by=lambda one: one.name).map(tuple),
    uses=st.lists(st.builds(Use, of=st.integers(0, 40).map(deployment), what=st.just("live")), max_size=4).map(tuple),
    keep=st.integers(0, 5),
    keep_days=st.integers(0, 100),
    now=st.just(NOW),
    on_hold=st.booleans(),
)


@given(FACTS_OF)
def test_the_last_good_one_never_goes(facts: Facts) -> None:
    good = [one for one in judged(facts) if one.candidate.status == "available"]
    assert not good or not good[0].goes


@given(FACTS_OF)
def test_as_many_good_ones_stay_as_are_to_be_kept(facts: Facts) -> None:
    good = [one for one in judged(facts) if one.candidate.status == "available"]
    assert sum(not one.goes for one in good) >= min(facts.keep, len(good))


@given(FACTS_OF)
def test_nothing_in_the_way_back_goes_and_on_hold_nothing_at_all(facts: Facts) -> None:
    used = {use.of for use in facts.uses}
    going = [one.candidate for one in judged(facts) if one.goes]
    assert not [one for one in going if one.tags["deployment"] in used]
    assert not (going and facts.on_hold)


@given(FACTS_OF)
def test_every_good_one_that_goes_is_old_and_has_enough_newer_ones(facts: Facts) -> None:
    found = judged(facts)
    for place, one in enumerate(found):
        if one.goes and one.candidate.status == "available":
            newer = [other for other in found[:place] if other.candidate.status == "available"]
            assert len(newer) >= max(facts.keep, 1)
            assert facts.now - (one.candidate.created or facts.now) >= timedelta(days=facts.keep_days)


@given(FACTS_OF)
def test_pruning_twice_prunes_nothing_more(facts: Facts) -> None:
    left = tuple(one.candidate for one in judged(facts) if not one.goes)
    assert not [one for one in judged(replace(facts, candidates=left)) if one.goes]
