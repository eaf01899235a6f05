"""The verb `start`: make the release that a slot holds run."""

from __future__ import annotations

from typing import Any

from components.host.installer.errors import Refused
from components.host.installer.exchange import recover, restart
from components.host.installer.health import is_healthy, wait_for_health
from components.host.installer.lock import LOCK_LIMIT, locked
from components.host.installer.order import answer
from components.host.installer.slots import Slot, read_content, read_server


def start(slot: Slot) -> dict[str, Any]:
    """Make what the slot holds run; what it should hold is not asked. It stays started where that does not help."""
    server = read_server()
    with locked(slot, LOCK_LIMIT):
        recover(slot)
        content = read_content(slot)
        if content is None:
            raise Refused(f"slot {slot.name} is empty: there is nothing to start")
        if is_healthy(slot, content, server):
            return answer("unchanged", content)
        restart(slot)
        wait_for_health(slot, content, server)
    return answer("started", content)
