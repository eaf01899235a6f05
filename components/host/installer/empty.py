"""The verb `empty`: stop a slot and forget what it holds."""

from __future__ import annotations

from typing import Any

from components.host.installer.exchange import recover
from components.host.installer.files import move
from components.host.installer.lock import LOCK_LIMIT, locked
from components.host.installer.signals import ignore_signals
from components.host.installer.slots import Slot, read_content
from components.host.installer.unit import install_unit


def empty(slot: Slot) -> dict[str, Any]:
    """Stop the slot and forget its content."""
    with locked(slot, LOCK_LIMIT):
        ignore_signals()
        recover(slot)
        before = read_content(slot)
        install_unit(slot)  # a unit unknown here cannot be stopped: the deployment failed before it came this far
        move(slot.folder, slot.beside("trash"))
        recover(slot)
    return {"result": "emptied" if before else "unchanged", "slot": slot.name}
