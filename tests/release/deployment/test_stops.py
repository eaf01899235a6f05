"""Stops as pure functions: the first reason stands, and what is lifted is gone."""

from datetime import UTC, datetime, timedelta

import pytest

from release.deployment.stops import Cause, frozen, held, is_frozen, vetoed, without_veto
from release.ledger.head import State

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST = Cause(reason="incident 7", by="ops", at=NOON)
SECOND = Cause(reason="incident 8", by="qa", at=NOON + timedelta(hours=1))


def test_the_first_reason_of_a_hold_stands() -> None:
    assert held(held(State(), FIRST), SECOND) == held(State(), FIRST)


def test_the_same_bytes_are_vetoed_once_and_others_beside_them() -> None:
    state = vetoed(State(), FIRST, release="1.0.0", digest="a")
    assert vetoed(state, SECOND, release="1.0.0", digest="a") == state
    both = vetoed(state, SECOND, release="1.1.0", digest="b")
    assert [veto.release for veto in both.vetoes] == ["1.0.0", "1.1.0"]
    assert without_veto(both, "1.0.0").vetoes == both.vetoes[1:]


def test_a_later_freeze_takes_the_place_of_an_earlier_one() -> None:
    state = frozen(frozen(State(), FIRST, NOON + timedelta(days=9)), SECOND, NOON + timedelta(days=1))
    assert (state.freeze.reason, state.freeze.until) == ("incident 8", "2026-11-21T12:00:00+00:00")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [pytest.param(-1, False, id="over"), pytest.param(0, False, id="just-over"), pytest.param(1, True, id="in-force")],
)
def test_a_freeze_is_in_force_until_its_end(seconds: int, expected: bool) -> None:
    state = frozen(State(), FIRST, NOON + timedelta(seconds=seconds))
    assert (is_frozen(state, NOON), is_frozen(State(), NOON)) == (expected, False)
