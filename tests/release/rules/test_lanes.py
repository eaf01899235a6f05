"""The lanes: what goes forward earns its place before users see it, what goes back moves them first."""

import pytest

from release.rules.lanes import (
    FORWARD,
    IN_PLACE,
    INSTALLED_BACK,
    STARTED,
    Kind,
    StepName,
    forward,
    warnings_of,
)
from release.rules.plan import WORK
from release.work.steps import STEPS

Lane = tuple[StepName, ...]

BACK = {"in place": IN_PLACE, "started": STARTED, "installed back": INSTALLED_BACK}
LANES = {"forward": FORWARD, "forward with a pause": forward(pause=True), **BACK}
lanes = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
back = pytest.mark.parametrize("lane", BACK.values(), ids=BACK)


def before_switch(lane: Lane) -> Lane:
    return lane[: lane.index("switched")]


@lanes
def test_users_are_seen_to_get_the_release_right_after_the_switch_and_the_verdict_comes_last(lane: Lane) -> None:
    assert lane[lane.index("switched") + 1] == "answered"
    assert lane[-1] == "live"
    assert len({*lane}) == len(lane)


@lanes
def test_every_step_of_a_lane_has_its_work_and_its_words(lane: Lane) -> None:
    assert {*lane} - {"paused"} <= STEPS.keys()
    assert {*lane} <= WORK.keys()


def test_what_goes_forward_is_backed_up_before_it_is_installed_and_verified_before_users_get_it() -> None:
    assert before_switch(FORWARD) == ("preflight", "backed up", "installed", "verified")


def test_a_pause_comes_right_before_the_switch_and_changes_nothing_else() -> None:
    paused = forward(pause=True)
    assert paused[paused.index("paused") + 1] == "switched"
    assert tuple(step for step in paused if step != "paused") == FORWARD == forward(pause=False)


@pytest.mark.parametrize(
    ("lane", "needed"),
    [
        pytest.param(IN_PLACE, (), id="in-place"),
        pytest.param(STARTED, ("started",), id="started"),
        pytest.param(INSTALLED_BACK, ("installed", "verified"), id="installed"),
    ],
)
def test_only_what_the_way_back_itself_needs_stands_before_its_switch(lane: Lane, needed: Lane) -> None:
    assert before_switch(lane) == needed


@back
def test_nothing_that_follows_the_answer_of_a_rollback_but_its_record_ends_it(lane: Lane) -> None:
    follows = lane[lane.index("answered") + 1 :]
    assert {*follows} - warnings_of("rollback") == {"live"}
    assert not {*before_switch(lane), "switched", "answered"} & warnings_of("rollback")


@pytest.mark.parametrize("kind", ["promotion", "hotfix", "redeployment"])
def test_what_goes_forward_may_fail_only_in_telling_pulumis_state(kind: Kind) -> None:
    assert warnings_of(kind) == {"applied"}
