"""Slots: which one is idle, which hold something, and what the ledger must not say."""

import pytest

from components.slots import Slots
from tests.components.recording import BLUE_LIVE_GREEN_FILLED, EMPTY, GREEN_LIVE, NEW, OLD


def test_a_slot_that_is_not_live_is_idle() -> None:
    assert [slots.idle for slots in (EMPTY, BLUE_LIVE_GREEN_FILLED, GREEN_LIVE)] == ["blue", "green", "blue"]


def test_filled_slots_come_with_what_they_hold() -> None:
    assert GREEN_LIVE.filled == (("blue", OLD), ("green", NEW))


def test_an_empty_slot_is_not_filled() -> None:
    assert Slots(green=NEW).filled == (("green", NEW),)


def test_an_empty_slot_cannot_be_declared_live() -> None:
    with pytest.raises(ValueError, match="green is declared live but holds no release"):
        Slots(blue=OLD, declared="green")
