"""What an event carries has a bound, whatever it is given."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release.process.canonical import canonical_json
from release.records.ledger.bounds import DEEPEST, MOST_BYTES, MOST_PARTS, MOST_TEXT, batches, small

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda parts: st.lists(parts) | st.dictionaries(TEXTS, parts),
)


def nested(depth: int) -> Any:
    value: Any = "the bottom"
    for _ in range(depth):
        value = [value]
    return value


HUGE: dict[str, dict[str, Any]] = {
    "a long text": {"why": "x" * 1_000_000},
    "a long text of several bytes each": {"why": "\N{PILE OF POO}" * 1_000_000},
    "many texts": {"many": ["x" * 10_000] * 10_000},
    "many keys": {f"key {number}": "x" * 1_000 for number in range(10_000)},
    "long keys": {"x" * 100_000 + str(number): number for number in range(100)},
    "long keys of several bytes each": {"\N{PILE OF POO}" * 480 + str(number): "x" * 2_000 for number in range(900)},
    "long keys that fit just so": {"\N{PILE OF POO}" * 480 + str(number): "x" * 80 for number in range(900)},
    "500 long names of several bytes each": {"names": ["\N{PILE OF POO}" * 500 + str(n) for n in range(500)]},
    "deep": {"deep": nested(900)},
    "wide and deep": {"wide": [[["x" * 100] * 500] * 500] * 2},
    "a huge number": {"number": 10**4_000},
}


@pytest.mark.parametrize("details", HUGE.values(), ids=HUGE)
def test_details_of_any_size_fit_into_an_item(details: dict[str, Any]) -> None:
    assert len(canonical_json(small(details))) <= MOST_BYTES


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES))
def test_details_stay_json_and_bounding_them_again_changes_nothing(details: dict[str, Any]) -> None:
    once = small(details)
    assert small(once) == once
    assert len(canonical_json(once)) <= MOST_BYTES


@pytest.mark.parametrize("details", HUGE.values(), ids=HUGE)
def test_bounding_what_was_too_large_again_changes_nothing(details: dict[str, Any]) -> None:
    once = small(details)
    assert small(once) == once


@given(st.lists(TEXTS, max_size=20), st.integers(1, 20_000))
def test_batches_keep_all_in_order_and_each_fits_into_an_event(texts: list[str], times: int) -> None:
    names = [text[:20] * (times // 10) for text in texts]
    parts = list(batches(names, lambda name: name))
    assert [name for part in parts for name in part] == names
    assert all(len(canonical_json(part)) <= MOST_BYTES or len(part) == 1 for part in parts)


def test_a_batch_has_no_more_parts_than_a_list_keeps() -> None:
    assert [len(part) for part in batches(range(2 * MOST_PARTS + 1), lambda number: number)] == [500, 500, 1]


def test_usual_details_stay_as_they_are() -> None:
    details = {
        "plan": {"steps": ["installed"], "slot": None, "reuse": False},
        "why": "1.0.0 did not start",
        "servers": 2,
    }
    assert small(details) == details


def test_a_text_that_is_cut_says_so() -> None:
    cut = small({"why": "x" * (MOST_TEXT + 1)})["why"]
    assert (len(cut), cut[-1]) == (MOST_TEXT, "…")


def test_lists_and_depth_are_cut() -> None:
    cut = small({"many": list(range(MOST_PARTS + 1)), "deep": nested(DEEPEST + 5)})
    assert len(cut["many"]) == MOST_PARTS
    assert str(cut["deep"]).count("[") == DEEPEST


def test_what_does_not_fit_beside_the_rest_is_named() -> None:
    cut = small({"why": "it broke", "log": ["x" * 2_000] * 100})
    assert cut == {"why": "it broke", "left_out": ["log"]}
