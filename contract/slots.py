"""The two slots that each server has."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

SlotName = Literal["blue", "green"]

SLOTS: tuple[SlotName, SlotName] = ("blue", "green")

SLOT_PORTS = MappingProxyType({"blue": 8081, "green": 8082})
"""The port on which a slot's release listens, on every server."""


def other(slot: SlotName) -> SlotName:
    """The one beside it."""
    return "green" if slot == "blue" else "blue"


def idle(declared: SlotName | None) -> SlotName:
    """Where the next release goes and where the preview listener leads: the slot that the live one does not lead to."""
    return "blue" if declared is None else other(declared)
