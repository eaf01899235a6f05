"""Plans as pure values: whatever the state, what a deployment changes can be put back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.slots import SlotName, idle
from release.records.ledger.head import Content, Live, Open, Previous, State, emptied, with_slot
from release.rules.going_back import is_held, steps_back
from release.rules.lanes import Kind, StepName, forward, warnings_of
from release.rules.plan import (
    UNDOING,
    WORK,
    Outcome,
    Plan,
    consequence,
    content_of,
    described,
    doubt,
    entering,
    in_step,
    leaving,
    make_plan,
    parse_plan,
    previous_of,
    remaining,
    restored,
    was_touched,
    with_listener_back,
)
from tests.release.values import digest, manifest, slot
from tests.there import there

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")

CHOICES: tuple[SlotName | None, ...] = (None, "blue", "green")
KINDS: tuple[Kind, ...] = ("promotion", "hotfix", "redeployment", "rollback")
Begun = tuple[Plan, State]

slots = st.one_of(
    st.none(),
    st.sampled_from(VERSIONS).map(slot),
    st.just(Content(release=None, digest=None, artifact_key=None, deployment="e")),
)


@st.composite
def states(draw: st.DrawFn) -> State:
    declared: SlotName | None = draw(st.sampled_from(CHOICES))
    live = None
    contents: dict[SlotName, Content | None] = {"blue": draw(slots), "green": draw(slots)}
    if declared:
        version = draw(st.sampled_from(VERSIONS))
        contents[declared] = slot(version)
        live = Live(slot=declared, release=version, digest=digest(version), deployment="d", since="t")
    previous = draw(st.sampled_from([None, Previous(release="0.9.0", digest="9" * 64, deployment="p")]))
    return State(blue=contents["blue"], green=contents["green"], declared=declared, live=live, previous=previous)


@st.composite
def begun(draw: st.DrawFn) -> Begun:
    """A plan of any kind, and the state that it was made from."""
    state, release = draw(states()), content_of(manifest(draw(st.sampled_from(VERSIONS))))
    kind = draw(st.sampled_from(KINDS))
    pause, runs, held = draw(st.booleans()), draw(st.booleans()), draw(st.booleans()) and is_held(state, release)
    steps = steps_back(held=held, runs=runs) if kind == "rollback" else forward(pause=pause)
    plan = make_plan(deployment="new", kind=kind, environment="dev", release=release, steps=steps, state=state)
    return plan, state


def after(plan: Plan, state: State, count: int) -> State:
    """The state in the step of this number."""
    for step in plan.steps[:count]:
        state = in_step(plan, step, entering(plan, step, state), 1)
    return state


def opened(plan: Plan, step: str, state: State) -> Open:
    return there(in_step(plan, step, state, 1).open)


@given(begun())
def test_no_plan_touches_the_slot_that_is_live(pair: Begun) -> None:
    plan, state = pair
    assert plan.slot != state.declared


@given(begun())
def test_only_a_rollback_to_what_the_idle_slot_holds_skips_the_installation(pair: Begun) -> None:
    plan, state = pair
    held = state.slot(plan.slot)
    holds = held is not None and held.digest == plan.digest
    assert plan.installs or (plan.kind == "rollback" and holds)
    assert plan.content.reuse == (plan.kind == "rollback" and plan.installs)


@given(begun())
def test_a_plan_that_ran_to_its_end_leaves_its_release_live_and_nothing_open(pair: Begun) -> None:
    plan, state = pair
    for step in plan.steps:
        state = leaving(plan, step, in_step(plan, step, entering(plan, step, state), 1), "now")
    assert (there(state.live).digest, state.declared, state.open, state.behind) == (plan.digest, plan.slot, None, "")
    assert there(state.slot(plan.slot)).digest == plan.digest


@given(begun())
def test_pulumis_state_is_behind_from_the_installation_on_until_an_up_has_told_it(pair: Begun) -> None:
    plan, state = pair
    for step in plan.steps[: plan.steps.index("applied")]:
        state = leaving(plan, step, in_step(plan, step, entering(plan, step, state), 1), "now")
        told = state.behind == ""
        assert told == (not {"installed", "switched"} & {*plan.steps[: plan.steps.index(step) + 1]})
    assert leaving(plan, "applied", in_step(plan, "applied", state, 1), "now").behind == ""


@given(begun(), st.integers(0, 11))
def test_what_is_put_back_is_what_was_declared_before_and_the_other_slot_is_left_alone(pair: Begun, count: int) -> None:
    plan, before = pair
    state = after(plan, before, count)
    if state.open is None:
        return
    back = with_listener_back(state.open, state)
    if was_touched(state.open, back):
        back = with_slot(back, plan.slot, restored(state.open.former.content, "undo"))
    other = idle(plan.slot)
    assert (back.declared, back.slot(other)) == (before.declared, before.slot(other))
    held, holds = before.slot(plan.slot), back.slot(plan.slot)
    assert (holds.release if holds else None) == (held.release if held else None)


@given(slots)
def test_what_a_slot_gets_back_it_keeps_where_it_holds_it_and_is_emptied_where_it_held_nothing(
    content: Content | None,
) -> None:
    back = restored(content, "undo")
    if content is None or content.release is None:
        assert back == emptied("undo")
    else:
        assert (back.digest, back.deployment, back.reuse) == (content.digest, "undo", True)


@given(begun())
def test_the_previous_release_is_the_one_that_was_live(pair: Begun) -> None:
    plan, before = pair
    state = leaving(plan, "live", before, "now")
    if before.live and before.live.digest != plan.digest:
        assert there(state.previous).digest == before.live.digest
        assert there(state.previous).left == (plan.deployment if plan.kind == "rollback" else "")
    else:
        assert state.previous == before.previous


BEFORE = Previous(release="0.9.0", digest=digest("0.9.0"), deployment="p")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        pytest.param("1.1.0", BEFORE, id="the-one-before-stays"),
        pytest.param("1.0.0", BEFORE, id="it-is-verified-itself"),
        pytest.param("0.9.0", None, id="back-to-the-one-before"),
    ],
)
def test_what_nobody_verified_is_not_the_way_back(version: str, expected: Previous | None) -> None:
    live = Live(slot="blue", release="1.0.0", digest=digest("1.0.0"), deployment="d", since="t", unverified=True)
    assert previous_of(State(live=live, previous=BEFORE), live.but(digest=digest(version)), "") == expected


@given(begun())
def test_a_plan_read_from_the_ledger_is_the_plan_that_was_written(pair: Begun) -> None:
    plan, _ = pair
    assert parse_plan(plan.model_dump()) == plan


@given(begun(), st.data())
def test_what_remains_begins_with_the_step_that_it_stopped_in_unless_that_had_ended(
    pair: Begun, data: st.DataObject
) -> None:
    plan, state = pair
    place = data.draw(st.integers(0, len(plan.steps) - 1))
    step, done = plan.steps[place], data.draw(st.booleans())
    assert remaining(plan, opened(plan, step, state).but(done=done)) == plan.steps[place + done :]


@given(begun())
def test_all_steps_remain_before_the_first_one_and_none_of_what_is_being_put_back(pair: Begun) -> None:
    plan, state = pair
    assert remaining(plan, opened(plan, "requested", state)) == plan.steps
    assert remaining(plan, opened(plan, UNDOING, state)) == ()


OUTCOMES: list[Outcome] = ["failed", "inconclusive", "errored", "interrupted", "stopped", "held", "unforeseen"]


@given(begun(), st.sampled_from(OUTCOMES))
def test_what_users_never_saw_is_put_back_whatever_happened(pair: Begun, outcome: Outcome) -> None:
    plan, state = pair
    now = in_step(plan, "verified", state, 1)
    assert consequence(there(now.open), now, outcome) == "put back"


BEHIND_THE_SWITCH = {
    ("promotion", "answered", "failed"): "put back and stopped",
    ("promotion", "answered", "inconclusive"): "left open",
    ("promotion", "switched", "errored"): "put back",
    ("promotion", "switched", "interrupted"): "put back",
    ("promotion", "switched", "unforeseen"): "put back",
    ("promotion", "watched", "failed"): "put back and stopped",
    ("promotion", "watched", "inconclusive"): "left open",
    ("promotion", "watched", "errored"): "left open",
    ("promotion", "watched", "interrupted"): "put back",
    ("promotion", "watched", "unforeseen"): "put back",
    ("promotion", "watched", "stopped"): "put back",
    ("promotion", "watched", "held"): "left open",
    ("promotion", "live", "errored"): "left open",
    ("hotfix", "watched", "failed"): "put back and stopped",
    ("redeployment", "watched", "failed"): "put back and stopped",
    ("rollback", "switched", "errored"): "put back",
    ("rollback", "switched", "unforeseen"): "put back",
    ("rollback", "switched", "stopped"): "left open",
    ("rollback", "answered", "unforeseen"): "left open",
    ("rollback", "answered", "failed"): "left open",
    ("rollback", "answered", "inconclusive"): "left open",
    ("rollback", "live", "interrupted"): "left open",
}


@pytest.mark.parametrize(("case", "expected"), BEHIND_THE_SWITCH.items(), ids=[" ".join(c) for c in BEHIND_THE_SWITCH])
def test_what_follows_a_failure_behind_the_switch(case: tuple[Kind, StepName, Outcome], expected: str) -> None:
    kind, step, outcome = case
    release = content_of(manifest("1.0.0"))
    plan = make_plan(
        deployment="d", kind=kind, environment="dev", release=release, steps=forward(pause=False), state=State()
    )
    state = in_step(plan, step, entering(plan, "switched", State()), 1)
    assert consequence(there(state.open), state, outcome) == expected


@pytest.mark.parametrize(("kind", "expected"), [("promotion", "left open"), ("rollback", "left open")])
def test_a_ledger_that_fails_once_the_listener_moved_takes_nobody_back(kind: Kind, expected: str) -> None:
    release, steps = content_of(manifest("1.0.0")), forward(pause=False)
    plan = make_plan(deployment="d", kind=kind, environment="dev", release=release, steps=steps, state=State())
    state = leaving(plan, "switched", in_step(plan, "switched", entering(plan, "switched", State()), 1), "now")
    assert consequence(there(state.open), state, "errored") == expected


@given(begun())
def test_every_step_of_a_plan_is_described_and_those_that_only_warn_say_so(pair: Begun) -> None:
    plan, _ = pair
    told = described(plan, plan.steps)
    assert [step for step, _ in told] == list(plan.steps)
    assert set(plan.steps) <= set(WORK)
    assert not any("{" in does for _, does in told)
    assert {step for step, does in told if "is a warning" in does} == {*plan.steps} & warnings_of(plan.kind)


@pytest.mark.parametrize(
    ("step", "done", "touched", "sure"),
    [
        pytest.param("installed", False, True, False, id="killed while installing"),
        pytest.param("undoing", False, True, False, id="killed while it was put back"),
        pytest.param("installed", True, True, True, id="installed"),
        pytest.param("backed up", True, False, True, id="not begun"),
    ],
)
def test_what_a_slot_holds_is_sure_once_those_who_were_told_have_said_so(
    step: str, done: bool, touched: bool, sure: bool
) -> None:
    held = with_slot(State(declared="blue", blue=slot("1.0.0")), "green", slot("1.1.0"))
    release, steps = content_of(manifest("1.2.0")), forward(pause=False)
    plan = make_plan(deployment="n", kind="promotion", environment="dev", release=release, steps=steps, state=held)
    state = in_step(plan, step, with_slot(held, "green", plan.content) if touched else held, 7)
    assert (doubt(state.but(open=there(state.open).but(done=done))) == "") is sure
    assert doubt(held) == ""
