"""The verb `status`: what both slots hold, how that is, and what had to be put back before."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from components.host.installer.errors import Failure, Refused, describe
from components.host.installer.exchange import recover
from components.host.installer.health import probe, shown_version
from components.host.installer.lock import LOOK_LIMIT, locked
from components.host.installer.migration import last_migration
from components.host.installer.order import Content
from components.host.installer.slots import Server, Slot, read_content, read_server
from components.host.installer.unit import unit_state
from contract.slots import SLOTS


def status() -> dict[str, Any]:
    server = read_server()
    return {name: slot_status(Slot(name), server) for name in SLOTS}


def slot_status(slot: Slot, server: Server) -> dict[str, Any]:
    """One slot as it is. `busy`: an install is running, so what is seen is not the last word. `problem`: why what an
    unfinished run left cannot be put back, or what cannot be told of the last migration."""
    busy, problem = put_back(slot)
    migration = None
    try:
        migration = last_migration(slot)
    except Failure as error:
        problem = problem or str(error)
    content, unit = read_content(slot), unit_state(slot)
    return {
        "content": asdict(content) if content else None,
        "unit": unit.active,
        "pid": unit.pid,
        "restarts": unit.restarts,
        "health": shown_health(content, server) if content else None,
        "migration": migration,
        "busy": busy,
        "problem": problem,
    }


def shown_health(content: Content, server: Server) -> dict[str, Any]:
    health = probe(server.address, content.port)
    return {"status": health.status, "version": shown_version(health, content, server)}


def put_back(slot: Slot) -> tuple[bool, str | None]:
    """Put back what a killed run left; whether somebody is at work there, and why it cannot be done."""
    try:
        with locked(slot, LOOK_LIMIT):
            recover(slot)
    except Refused:
        return True, None
    except Exception as error:
        return False, describe(error)
    return False, None
