"""The two slots that each server has."""

from types import MappingProxyType
from typing import Literal

Slot = Literal["blue", "green"]

SLOTS: "tuple[Slot, Slot]" = ("blue", "green")

SLOT_PORTS = MappingProxyType({"blue": 8081, "green": 8082})
"""The port on which a slot's release listens, on every server."""
