"""Stops as pure functions: the first reason stands, and what is lifted is gone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from release.process.errors import Broken
from release.records.ledger.stops import (
    Cause,
    Stops,
    asked_to_end,
    frozen,
    held,
    is_frozen,
    parse_stops,
    stands_hash,
    stops_json,
    stops_of_format_1,
    veto_of,
    vetoed,
    without_veto,
)
from tests.there import there

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST = Cause(reason="incident 7", by="ops", at=NOON)
SECOND = Cause(reason="incident 8", by="qa", at=NOON + timedelta(hours=1))


def test_the_first_reason_of_a_hold_stands() -> None:
    assert held(held(Stops(), FIRST), SECOND) == held(Stops(), FIRST)


def test_the_same_bytes_are_vetoed_once_and_others_beside_them() -> None:
    stops = vetoed(Stops(), FIRST, release="1.0.0", digest="a")
    assert vetoed(stops, SECOND, release="1.0.0", digest="a") == stops
    both = vetoed(stops, SECOND, release="1.1.0", digest="b")
    assert [veto.release for veto in both.vetoes] == ["1.0.0", "1.1.0"]
    assert without_veto(both, "1.0.0").vetoes == both.vetoes[1:]


def test_a_veto_is_of_bytes_and_not_of_a_name() -> None:
    stops = vetoed(Stops(), FIRST, release="1.0.0", digest="a")
    assert (there(veto_of(stops, "a")).release, veto_of(stops, "b")) == ("1.0.0", None)


def test_a_later_freeze_takes_the_place_of_an_earlier_one() -> None:
    stops = frozen(frozen(Stops(), FIRST, NOON + timedelta(days=9)), SECOND, NOON + timedelta(days=1))
    assert (there(stops.freeze).reason, there(stops.freeze).until) == ("incident 8", "2026-11-21T12:00:00+00:00")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [pytest.param(-1, False, id="over"), pytest.param(0, False, id="just-over"), pytest.param(1, True, id="in-force")],
)
def test_a_freeze_is_in_force_until_its_end(seconds: int, expected: bool) -> None:
    stops = frozen(Stops(), FIRST, NOON + timedelta(seconds=seconds))
    assert (is_frozen(stops, NOON), is_frozen(Stops(), NOON)) == (expected, False)


def test_the_wish_that_a_deployment_ends_names_it_and_takes_the_place_of_another() -> None:
    stops = asked_to_end(asked_to_end(Stops(), FIRST, "dev-1"), SECOND, "dev-2")
    assert (there(stops.ending).deployment, there(stops.ending).reason) == ("dev-2", "incident 8")


def test_what_stands_has_a_hash_of_its_own_whatever_its_place_in_the_chain() -> None:
    stops = held(Stops(), FIRST)
    assert stands_hash(stops_json(stops)) == stands_hash(stops_json(stops.but(seq=7, hash="h", nonce="n")))
    assert stands_hash(stops_json(stops)) != stands_hash(stops_json(Stops()))


def test_all_stops_are_read_as_they_were_stored() -> None:
    stops = asked_to_end(frozen(held(Stops(), FIRST), SECOND, NOON), FIRST, "dev-1")
    stops = vetoed(stops, SECOND, release="1.0.0", digest="a")
    assert parse_stops(stops_json(stops)) == stops


@pytest.mark.parametrize("state", [{}, {"hold": None, "freeze": None, "vetoes": []}], ids=["missing", "none"])
def test_a_head_of_format_1_that_stopped_nothing_stops_nothing(state: dict[str, object]) -> None:
    assert stops_of_format_1(state) == Stops()


def test_stops_of_format_1_that_cannot_be_read_are_broken_because_they_could_say_no() -> None:
    with pytest.raises(Broken, match="what an older version stopped is not readable"):
        stops_of_format_1({"hold": {"reason": 7}})


NO_END = ["tomorrow", "", "2099-01-01", "2099-01-01T00:00:00", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"]


@pytest.mark.parametrize("until", NO_END)
def test_a_freeze_without_a_readable_end_is_broken_because_it_could_say_no(until: str) -> None:
    freeze = {"reason": "r", "by": "ops", "since": "t", "until": until}
    text = json.dumps({**Stops().model_dump(), "freeze": freeze})
    ways: list[Callable[[], Stops]] = [lambda: parse_stops(text), lambda: stops_of_format_1({"freeze": freeze})]
    for read in ways:
        with pytest.raises(Broken, match="not readable"):
            read()
