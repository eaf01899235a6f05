"""Swapping: each step leaves a state that `recover` understands."""

from __future__ import annotations

import contextlib

from components.host.installer.files import move, remove
from components.host.installer.lock import end_programs
from components.host.installer.order import Content
from components.host.installer.programs import execute
from components.host.installer.signals import uninterrupted
from components.host.installer.slots import Server, Slot, read_content
from components.host.installer.unit import SYSTEMCTL_LIMIT, install_unit, require_free_port, systemctl


def replace(slot: Slot, content: Content, server: Server) -> None:
    """Stop the slot, put the prepared folder in its place, start it."""
    install_unit(slot)
    move(slot.beside("new"), slot.beside("ready"))
    systemctl("stop", slot.unit)
    require_free_port(server.address, content.port)
    move(slot.folder, slot.beside("old"))
    move(slot.beside("ready"), slot.folder)
    systemctl("start", slot.unit)


def restart(slot: Slot) -> None:
    """In one call, which systemd carries to its end also when this run is killed meanwhile."""
    install_unit(slot)
    systemctl("restart", slot.unit)


def commit(slot: Slot) -> None:
    """From the rename on the slot is installed; what cannot be removed now is left to the next run."""
    move(slot.beside("old"), slot.beside("trash"))
    with contextlib.suppress(OSError):
        remove(slot.beside("trash"))


def recover(slot: Slot) -> bool:
    """Put back what an unfinished run left, and say whether it had touched the slot.

    A slot that holds something is meant to run and an empty one is not: whatever was touched ends like that.
    The folders that tell about the unfinished run go last, so that being killed here changes nothing; `.new` goes
    first, because on a full disk the rest may need its room.
    """
    with uninterrupted():
        end_programs(slot)
        remove(slot.beside("new"))
        touched = any(slot.beside(what).exists() for what in ("ready", "old", "trash"))
        if slot.beside("old").exists():
            take_back(slot)
        slot.folder.mkdir(parents=True, exist_ok=True)
        if touched:
            start_or_stop(slot)
        for what in ("ready", "trash"):
            remove(slot.beside(what))
    return touched


def start_or_stop(slot: Slot) -> None:
    if read_content(slot):
        systemctl("start", slot.unit)
        return
    systemctl("stop", slot.unit)
    # Else the unit of an empty slot would tell of a failure. It is none when there is nothing to reset.
    execute(["systemctl", "--user", "reset-failed", slot.unit], SYSTEMCTL_LIMIT)


def take_back(slot: Slot) -> None:
    systemctl("stop", slot.unit)
    if slot.folder.exists():
        remove(slot.beside("ready"))
        move(slot.folder, slot.beside("ready"))
    move(slot.beside("old"), slot.folder)
