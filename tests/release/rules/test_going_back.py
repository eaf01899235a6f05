"""Where a rollback goes, as a pure rule over HEAD and the ledger's index."""

import pytest

from release.process.errors import Refused
from release.records.artifacts.manifest import artifact_key
from release.records.ledger.head import Content, Former, Live, Open, Previous, State, emptied, with_slot
from release.records.ledger.index import Known
from release.rules.going_back import default_target, is_held, named_target, overwrites_verified, steps_back
from release.rules.lanes import IN_PLACE, INSTALLED_BACK, STARTED, StepName
from tests.release.values import digest, slot

LIVE = Live(slot="green", release="1.1.0", digest=digest("1.1.0"), deployment="dev-2", since="t")
PREVIOUS = Previous(release="1.0.0", digest=digest("1.0.0"), deployment="dev-1")
CALM = State(blue=slot("1.0.0"), green=slot("1.1.0"), declared="green", live=LIVE, previous=PREVIOUS)


def trying(kind: str, version: str, *, switched: bool) -> State:
    """CALM while a deployment into blue is open, before or behind its switch."""
    opened = Open(
        deployment="dev-3",
        kind=kind,
        release=version,
        digest=digest(version),
        slot="blue",
        step="watched" if switched else "installed",
        requested=9,
        former=Former(declared="green", content=slot("1.0.0")),
    )
    return with_slot(CALM.but(open=opened, declared="blue" if switched else "green"), "blue", slot(version))


@pytest.mark.parametrize(
    ("state", "release", "verified"),
    [
        pytest.param(CALM, "1.0.0", "dev-1", id="what-was-live-before"),
        pytest.param(trying("promotion", "1.2.0", switched=False), "1.0.0", "dev-1", id="nobody-sees-what-is-tried"),
        pytest.param(trying("promotion", "1.2.0", switched=True), "1.1.0", "dev-2", id="users-have-what-is-tried"),
    ],
)
def test_it_goes_to_what_was_verified_before_what_users_have(state: State, release: str, verified: str) -> None:
    target = default_target(state, "dev")
    assert (target.release.release, target.release.digest, target.verified) == (release, digest(release), verified)
    assert target.release.artifact_key == artifact_key(digest(release))


def test_what_somebody_tried_in_the_slot_of_what_is_live_is_not_taken_for_it() -> None:
    overwritten = with_slot(trying("promotion", "1.2.0", switched=True), "green", slot("0.9.0"))
    target = default_target(overwritten, "dev")
    assert (target.release.release, target.release.digest, target.verified) == ("1.1.0", digest("1.1.0"), "dev-2")


def test_without_an_earlier_release_it_is_refused_with_the_way_forward() -> None:
    with pytest.raises(Refused, match=r"dev has no earlier verified release .*release promote VERSION --to dev"):
        default_target(CALM.but(previous=None), "dev")


def test_what_a_rollback_just_left_must_be_said_by_name() -> None:
    left = CALM.but(previous=PREVIOUS.but(left="dev-9"))
    with pytest.raises(Refused, match=r"dev-9 rolled dev back from 1\.0\.0.*rollback dev --to 1\.0\.0"):
        default_target(left, "dev")


def test_a_named_release_is_what_the_index_knows_of_it() -> None:
    known = Known(release="0.9.0", digest="9" * 64, artifact_key="k", live="dev-0")
    target = named_target(known, "0.9.0", "dev")
    assert (target.release.digest, target.release.artifact_key, target.verified) == ("9" * 64, "k", "dev-0")


@pytest.mark.parametrize(
    ("known", "adopted"),
    [
        pytest.param(Known(release="0.9.0", digest="9", artifact_key="k", adopted="9"), True, id="only-adopted"),
        pytest.param(
            Known(release="0.9.0", digest="9", artifact_key="k", adopted="9", live="dev-0"), False, id="verified-since"
        ),
        pytest.param(Known(release="0.9.0", digest="9", artifact_key="k", adopted="8"), False, id="other-bytes"),
        pytest.param(Known(release="0.9.0", digest="9", artifact_key="k"), False, id="never-adopted"),
    ],
)
def test_a_named_release_was_only_adopted_if_these_bytes_were_and_nobody_verified_it(
    known: Known, adopted: bool
) -> None:
    assert named_target(known, "0.9.0", "dev").adopted is adopted


def test_what_was_only_adopted_is_no_way_back_without_its_name() -> None:
    tried = trying("promotion", "1.2.0", switched=True)
    with pytest.raises(Refused, match=r"nobody verified 1\.1\.0.*release abort dev"):
        default_target(tried.but(live=LIVE.but(unverified=True)), "dev")


def test_a_named_release_that_was_never_deployed_is_refused_and_one_that_was_never_live_is_not_verified() -> None:
    with pytest.raises(Refused, match=r"0\.9\.0 was never deployed to dev; see what was: release history dev"):
        named_target(None, "0.9.0", "dev")
    assert named_target(Known(release="0.9.0", digest="9", artifact_key="k"), "0.9.0", "dev").verified == ""


HELD: list[tuple[Content | None, bool]] = [
    (slot("1.0.0"), True),
    (slot("1.0.0").but(deployment="another", reuse=True), True),
    (slot("1.0.0").but(unsure="env-servers-2 did not answer"), True),
    (slot("1.2.0"), False),
    (emptied("dev-1"), False),
    (None, False),
]
IDS = ["the-bytes", "by-another-deployment", "unsure", "other-bytes", "emptied", "never-filled"]


@pytest.mark.parametrize(("content", "expected"), HELD, ids=IDS)
def test_a_slot_holds_a_release_by_its_bytes_and_only_where_that_is_sure(
    content: Content | None, expected: bool
) -> None:
    assert is_held(with_slot(CALM, "blue", content), slot("1.0.0")) is expected


@pytest.mark.parametrize(
    ("held", "runs", "lane"),
    [
        pytest.param(True, True, IN_PLACE, id="runs-there"),
        pytest.param(True, False, STARTED, id="does-not-run"),
        pytest.param(False, True, INSTALLED_BACK, id="in-no-slot"),
        pytest.param(False, False, INSTALLED_BACK, id="nowhere"),
    ],
)
def test_the_lane_installs_exactly_what_is_not_held_and_starts_exactly_what_does_not_run(
    held: bool, runs: bool, lane: tuple[StepName, ...]
) -> None:
    assert steps_back(held=held, runs=runs) == lane


@pytest.mark.parametrize(
    ("state", "release", "lane", "expected"),
    [
        pytest.param(trying("promotion", "1.2.0", switched=True), "1.0.0", INSTALLED_BACK, True, id="over-it"),
        pytest.param(trying("promotion", "1.2.0", switched=True), "1.1.0", INSTALLED_BACK, False, id="the-live-one"),
        pytest.param(trying("promotion", "1.2.0", switched=True), "1.0.0", IN_PLACE, False, id="nothing-installed"),
        pytest.param(trying("promotion", "1.2.0", switched=False), "1.0.0", INSTALLED_BACK, False, id="not-switched"),
        pytest.param(trying("rollback", "1.0.0", switched=True), "0.9.0", INSTALLED_BACK, False, id="left-on-purpose"),
        pytest.param(CALM, "0.9.0", INSTALLED_BACK, False, id="none-is-open"),
        pytest.param(State(), "0.9.0", INSTALLED_BACK, False, id="nothing-is-live"),
    ],
)
def test_users_go_to_the_live_release_first_where_it_would_be_installed_over(
    state: State, release: str, lane: tuple[StepName, ...], expected: bool
) -> None:
    assert overwrites_verified(state, slot(release), lane) is expected
