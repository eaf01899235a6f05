"""Whether what runs in a slot is the healthy release that it should be."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from components.host.installer.environment import application_environment
from components.host.installer.errors import Failure, NotHealthy, Stopped
from components.host.installer.order import Content
from components.host.installer.slots import Server, Slot
from components.host.installer.told import last_line, scrub
from components.host.installer.unit import UnitState, unit_state
from contract.health import (
    HEALTH_ERRORS_LIMIT,
    HEALTH_LIMIT,
    HEALTH_PATH,
    LONGEST_HEALTH,
    stated_version,
    verdict,
)

# Limits, in seconds.
PROBE_LIMIT = 2.0
HEALTH_PAUSE = 0.2
SETTLE_PAUSE = 0.5


@dataclass(frozen=True)
class Health:
    """What /health answered. No status: nobody answered. The version is as it was said: `shown_version` may be told."""

    status: int | None
    version: str | None


def probe(address: str, port: int) -> Health:
    """One limit for the whole answer: one that comes byte by byte is none."""
    connection = http.client.HTTPConnection(address, port, timeout=PROBE_LIMIT)
    late = threading.Timer(PROBE_LIMIT, lambda: hang_up(connected))
    try:
        connection.connect()
        connected = connection.sock
        late.start()
        connection.request("GET", HEALTH_PATH)
        response = connection.getresponse()
        health = Health(response.status, stated_version(response.read(LONGEST_HEALTH)))
        return health if late.is_alive() else Health(None, None)
    except (OSError, http.client.HTTPException):
        return Health(None, None)
    finally:
        late.cancel()
        connection.close()


def hang_up(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def shown_version(health: Health, content: Content, server: Server) -> str | None:
    """The version that the release states, as it may leave the server: it could state all that it knows.

    Only of one that is not its own is it asked what must not be told; where that is not known it is not told at all.
    """
    if health.version in (None, content.release):
        return health.version
    try:
        return last_line(
            scrub(str(health.version), application_environment(server, content, Slot(content.slot).folder)[1])
        )
    except Stopped:
        raise
    except Failure:
        return "another one, not told: the application's secrets are not known to compare with"


def is_healthy(slot: Slot, content: Content, server: Server) -> bool:
    health = probe(server.address, content.port)
    return verdict(health.status, health.version, content.release) == "healthy" and unit_state(slot).active == "active"


def wait_for_health(slot: Slot, content: Content, server: Server, settle: float = 0.0) -> None:
    """Return when one process has answered as this release for `settle` seconds without a break.

    Fails as soon as it is clear that it will not; after HEALTH_LIMIT, at the first answer that is not healthy.
    """
    first = unit_state(slot)
    started = time.monotonic()
    good = started  # when it was last seen not failing
    healthy_since = None
    while True:
        health = probe(server.address, content.port)
        now = time.monotonic()
        state = verdict(health.status, health.version, content.release)
        require_same_process(slot, content, first, unit_state(slot))
        good = good if state == "failing" else now
        healthy_since = (healthy_since or now) if state == "healthy" else None
        if healthy_since and now - healthy_since >= settle:
            return
        if state == "wrong":
            raise unhealthy(slot, content, other_version(shown_version(health, content, server)))
        require_hope(slot, content, health, now - good, now - started)
        time.sleep(SETTLE_PAUSE if healthy_since else HEALTH_PAUSE)


def other_version(version: str | None) -> str:
    if version:
        return f"says it is version {version}"
    return f"does not say its version: {HEALTH_PATH} has to answer JSON with it, of at most {LONGEST_HEALTH >> 10} kB"


def require_hope(slot: Slot, content: Content, health: Health, failing: float, waited: float) -> None:
    """Give up on an answer that will not become a good one; the times are in seconds."""
    if failing >= HEALTH_ERRORS_LIMIT:
        raise unhealthy(slot, content, f"keeps answering {health.status}")
    if verdict(health.status, health.version, content.release) != "healthy" and waited >= HEALTH_LIMIT:
        raise unhealthy(slot, content, f"is not healthy after {HEALTH_LIMIT:.0f} s ({said(health)})")


def said(health: Health) -> str:
    return f"{HEALTH_PATH} answers {health.status}" if health.status else f"{HEALTH_PATH} does not answer"


def require_same_process(slot: Slot, content: Content, first: UnitState, now: UnitState) -> None:
    if now.active != "active":
        raise unhealthy(slot, content, f"does not stay up, its unit is {now.active}")
    if now != first:
        raise unhealthy(slot, content, "does not stay up, its unit restarted it")


def unhealthy(slot: Slot, content: Content, what: str) -> NotHealthy:
    return NotHealthy(f"{content.release} in {slot.name} {what}; look at: journalctl --user -u {slot.unit}")
