"""What a listener that was moved by hand makes of HEAD."""

from collections.abc import Iterator

import pytest

from release.records.ledger.head import Former, Live, Open, Previous, State
from release.records.ledger.index import Lived
from release.rules.adopting import adopted, answering, taken_from_users, was_verified
from release.rules.plan import UNDOING, settled
from release.rules.seen import Seen
from tests.release.values import digest, slot
from tests.there import there

LIVE = Live(slot="blue", release="1.0.0", digest=digest("1.0.0"), deployment="dev-1", since="t")
PREVIOUS = Previous(release="0.9.0", digest=digest("0.9.0"), deployment="dev-0")
CALM = State(blue=slot("1.0.0"), green=slot("1.1.0"), declared="blue", live=LIVE, previous=PREVIOUS)
LIVES = [Lived(release="0.8.0", digest=digest("0.8.0"), deployment="dev-8", at="t")]


@pytest.mark.parametrize(
    ("version", "live", "expected"),
    [
        pytest.param("1.0.0", LIVE, True, id="live"),
        pytest.param("1.0.0", LIVE.but(unverified=True), False, id="live-but-adopted-itself"),
        pytest.param("0.9.0", LIVE, True, id="the-way-back"),
        pytest.param("0.8.0", LIVE, True, id="by-the-index"),
        pytest.param("1.1.0", LIVE, False, id="never"),
        pytest.param("1.1.0", None, False, id="never-and-nothing-is-live"),
    ],
)
def test_verified_are_the_very_bytes_that_were_live_here_before(
    version: str, live: Live | None, expected: bool
) -> None:
    assert was_verified(slot(version), CALM.but(live=live), LIVES) is expected


def test_the_index_is_read_only_where_head_does_not_say_it() -> None:
    def never() -> Iterator[Lived]:
        raise AssertionError
        yield

    assert was_verified(slot("0.9.0"), CALM, never())


def test_another_configuration_of_verified_bytes_was_not_verified() -> None:
    assert not was_verified(slot("1.0.0").but(configuration="c" * 64), CALM, LIVES)


def opened(step: str = "watched") -> Open:
    return Open(
        deployment="dev-3",
        kind="promotion",
        release="1.1.0",
        digest=digest("1.1.0"),
        slot="green",
        step=step,
        requested=9,
        former=Former(declared="blue", content=None),
    )


@pytest.mark.parametrize(
    ("before", "to", "taken"),
    [
        pytest.param(CALM, "1.1.0", "1.0.0", id="the-live-one"),
        pytest.param(CALM.but(declared="green", open=opened()), "1.0.0", "1.1.0", id="one-that-was-tried"),
        pytest.param(CALM.but(declared="green", open=opened()), "1.1.0", None, id="closed-where-users-are"),
        pytest.param(CALM.but(green=slot("1.0.0")), "1.0.0", None, id="the-same-bytes-in-the-other-slot"),
        pytest.param(CALM.but(declared=None), "1.0.0", None, id="users-had-nothing"),
    ],
)
def test_taken_from_users_is_what_they_had_by_head_and_have_no_more(before: State, to: str, taken: str | None) -> None:
    found = taken_from_users(before, slot(to))
    assert (found and found.release) == taken


@pytest.mark.parametrize("verified", [True, False])
def test_what_becomes_live_says_whether_anybody_verified_it(verified: bool) -> None:
    after = adopted(CALM, "green", slot("1.1.0"), "now", "undo", verified=verified)
    assert (there(after.live).release, there(after.live).unverified) == ("1.1.0", not verified)
    assert (there(after.previous).release, after.declared, settled(after).behind) == ("1.0.0", "green", "")


def half_way(step: str = "installed", *, done: bool = False) -> State:
    """1.1.0 is on its way into green, where 0.9.0 was."""
    former = Former(declared="blue", content=slot("0.9.0"))
    return CALM.but(open=opened(step).but(former=former, done=done))


def test_where_users_do_not_have_what_was_tried_its_slot_gets_back_what_it_held() -> None:
    after = adopted(half_way(), "blue", slot("1.0.0"), "now", "undo", verified=True)
    green = there(after.green)
    assert (green.release, green.deployment, green.reuse) == ("0.9.0", "undo", True)
    assert (bool(green.unsure), after.open, after.live) == (True, None, LIVE)


HEARD = [
    pytest.param(half_way(), {"0.9.0"}, "0.9.0", id="what-it-held-before"),
    pytest.param(half_way(), {"1.1.0"}, "1.1.0", id="what-was-tried"),
    pytest.param(half_way(), {"0.9.0", "1.1.0"}, "1.1.0", id="both"),
    pytest.param(CALM, {"0.9.0"}, "1.1.0", id="nothing-was-tried"),
]


@pytest.mark.parametrize(("state", "heard", "expected"), HEARD)
def test_adopted_is_what_a_slot_held_before_where_users_have_just_that(
    state: State, heard: set[str], expected: str
) -> None:
    seen = Seen(version=None, words="", heard=frozenset(heard))
    assert answering(state, "green", slot("1.1.0"), seen).release == expected


@pytest.mark.parametrize(
    ("state", "left"),
    [
        pytest.param(half_way("watched").but(declared="green"), False, id="behind-its-switch"),
        pytest.param(half_way(UNDOING), False, id="that-could-not-be-put-back"),
        pytest.param(half_way("paused"), True, id="before-its-switch"),
        pytest.param(CALM, True, id="none-was-open"),
    ],
)
def test_a_person_left_what_is_live_unless_a_deployment_moved_users(state: State, left: bool) -> None:
    after = adopted(state, "green", slot("1.1.0"), "now", "undo", verified=False)
    assert (there(after.previous).release, bool(there(after.previous).left)) == ("1.0.0", left)
