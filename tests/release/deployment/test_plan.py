"""Plans as pure values: whatever the state, what a deployment changes can be put back."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.artifacts.manifest import Manifest
from release.deployment.plan import (
    ALL_STEPS,
    UNDOING,
    WORK,
    consequence,
    described,
    entering,
    in_step,
    leaving,
    make_plan,
    parse_plan,
    remaining,
    undoing,
)
from release.ledger.head import Live, Previous, Slot, State

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


def digest(version: str) -> str:
    return version.replace(".", "") * 16 + "0" * 16


def manifest(version: str) -> Manifest:
    return Manifest(
        project="p",
        version=version,
        digest=digest(version),
        size=1,
        file_name="f",
        commit=None,
        tag=None,
        checks=(),
        notes="",
        published_at="",
        published_by="",
    )


def slot(version: str) -> Slot:
    return Slot(release=version, digest=digest(version), artifact_key=f"artifacts/{digest(version)}", deployment="d")


slots = st.one_of(
    st.none(),
    st.sampled_from(VERSIONS).map(slot),
    st.just(Slot(release=None, digest=None, artifact_key=None, deployment="e")),
)


@st.composite
def states(draw: st.DrawFn) -> State:
    declared = draw(st.sampled_from([None, "blue", "green"]))
    live = None
    contents = {"blue": draw(slots), "green": draw(slots)}
    if declared:
        version = draw(st.sampled_from(VERSIONS))
        contents[declared] = slot(version)
        live = Live(slot=declared, release=version, digest=digest(version), deployment="d", since="t")
    previous = draw(st.sampled_from([None, Previous(release="0.9.0", digest="9" * 64, deployment="p")]))
    return State(**contents, declared=declared, live=live, previous=previous)


plans = st.builds(
    lambda state, version, kind: make_plan(
        deployment="new", kind=kind, environment="dev", manifest=manifest(version), state=state
    ),
    states(),
    st.sampled_from(VERSIONS),
    st.sampled_from(["promotion", "hotfix", "redeployment", "rollback"]),
)


@given(plans)
def test_no_plan_touches_the_slot_that_is_live(plan) -> None:
    assert plan.slot != plan.former.declared


@given(plans)
def test_only_a_rollback_to_what_the_idle_slot_holds_skips_the_installation(plan) -> None:
    held = plan.former.slot(plan.slot)
    in_place = plan.kind == "rollback" and held is not None and held.digest == plan.digest
    assert ("installed" not in plan.steps) == in_place
    assert [step for step in ALL_STEPS if step in plan.steps] == list(plan.steps)


@given(plans)
def test_a_plan_that_ran_to_its_end_leaves_its_release_live_and_nothing_open(plan) -> None:
    state = plan.former
    for step in plan.steps:
        state = leaving(plan, step, in_step(plan, step, entering(plan, step, state), 1), "now")
    assert (state.live.digest, state.declared, state.open) == (plan.digest, plan.slot, None)
    assert state.slot(plan.slot).digest == plan.digest


@given(plans, st.integers(0, len(ALL_STEPS)))
def test_what_is_undone_declares_what_was_declared_before(plan, count: int) -> None:
    state = state_after(plan, count)
    back = (state, *undoing(plan, state, "undo"))[-1]
    other = "green" if plan.slot == "blue" else "blue"
    assert (back.declared, back.slot(other)) == (plan.former.declared, plan.former.slot(other))
    before, after = plan.former.slot(plan.slot), back.slot(plan.slot)
    assert (after.release if after else None) == (before.release if before else None)


@given(plans, st.integers(0, len(ALL_STEPS)))
def test_while_it_is_undone_no_slot_that_is_declared_changes(plan, count: int) -> None:
    state = state_after(plan, count)
    for back in undoing(plan, state, "undo"):
        changed = [name for name in ("blue", "green") if back.slot(name) != state.slot(name)]
        assert state.declared not in changed
        assert back.declared not in changed
        state = back


@given(plans, st.integers(0, len(ALL_STEPS)))
def test_an_undoing_that_stopped_before_its_listener_moved_moves_it_again_before_the_slot(plan, count: int) -> None:
    state = state_after(plan, count)
    for back in undoing(plan, state, "undo"):
        if back.declared != state.declared:
            again = undoing(plan, in_step(plan, UNDOING, back, 1), "again")
            assert (again[0].declared, again[0].slot(plan.slot)) == (back.declared, state.slot(plan.slot))
        state = back


def state_after(plan, count: int) -> State:
    state = plan.former
    for step in plan.steps[:count]:
        state = in_step(plan, step, entering(plan, step, state), 1)
    return state


@given(plans)
def test_the_previous_release_is_the_one_that_was_live(plan) -> None:
    state = leaving(plan, "live", plan.former, "now")
    if plan.former.live and plan.former.live.digest != plan.digest:
        assert state.previous.digest == plan.former.live.digest
    else:
        assert state.previous == plan.former.previous


@given(plans)
def test_a_plan_read_from_the_ledger_is_the_plan_that_was_written(plan) -> None:
    assert parse_plan(asdict(plan)) == plan


@given(plans, st.data())
def test_what_remains_begins_with_the_step_that_it_stopped_in_unless_that_had_ended(plan, data) -> None:
    place = data.draw(st.integers(0, len(plan.steps) - 1))
    step, done = plan.steps[place], data.draw(st.booleans())
    opened = replace(in_step(plan, step, plan.former, 1).open, done=done)
    assert remaining(plan, opened) == plan.steps[place + done :]


@given(plans)
def test_all_steps_remain_before_the_first_one_and_none_of_what_is_being_put_back(plan) -> None:
    assert remaining(plan, in_step(plan, "requested", plan.former, 1).open) == plan.steps
    assert remaining(plan, in_step(plan, UNDOING, plan.former, 1).open) == ()


@given(plans, st.sampled_from(["failed", "inconclusive", "errored", "interrupted"]))
def test_what_users_never_saw_is_put_back_whatever_happened(plan, outcome) -> None:
    assert consequence(plan, in_step(plan, "installed", plan.former, 1), outcome) == "put back"


BEHIND_THE_SWITCH = {
    ("promotion", "switched", "failed"): "put back and stopped",
    ("promotion", "switched", "inconclusive"): "left open",
    ("promotion", "switched", "errored"): "put back",
    ("promotion", "switched", "interrupted"): "put back",
    ("promotion", "watched", "failed"): "put back and stopped",
    ("promotion", "watched", "inconclusive"): "left open",
    ("promotion", "watched", "errored"): "left open",
    ("promotion", "watched", "interrupted"): "put back",
    ("promotion", "live", "errored"): "left open",
    ("hotfix", "watched", "failed"): "put back and stopped",
    ("redeployment", "watched", "failed"): "put back and stopped",
    ("rollback", "switched", "errored"): "left open",
    ("rollback", "watched", "failed"): "left open",
    ("rollback", "watched", "interrupted"): "left open",
}


@pytest.mark.parametrize(("case", "expected"), BEHIND_THE_SWITCH.items(), ids=[" ".join(c) for c in BEHIND_THE_SWITCH])
def test_what_follows_a_failure_behind_the_switch(case, expected: str) -> None:
    kind, step, outcome = case
    plan = make_plan(deployment="d", kind=kind, environment="dev", manifest=manifest("1.0.0"), state=State())
    assert consequence(plan, in_step(plan, step, entering(plan, "switched", State()), 1), outcome) == expected


@given(plans)
def test_every_step_of_a_plan_is_described(plan) -> None:
    told = described(plan, plan.steps)
    assert [step for step, _ in told] == list(plan.steps)
    assert set(ALL_STEPS) == set(WORK)
    assert not any("{" in does for _, does in told)
