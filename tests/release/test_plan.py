"""Plans as pure values: whatever the state, what a deployment changes can be put back."""

from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from release.head import Live, Previous, Slot, State
from release.manifest import Manifest
from release.plan import (
    ALL_STEPS,
    entering,
    in_step,
    leaving,
    make_plan,
    parse_plan,
    undoing,
)

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
    st.sampled_from(["promotion", "rollback"]),
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
