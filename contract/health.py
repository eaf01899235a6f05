"""How a release says that it is healthy: what servers, the load balancer and `release` ask it, and what it answers."""

from __future__ import annotations

import json

HEALTH_PATH = "/health"
"""Answered by 200 and a JSON object with the release's `version`; by 503 while the release starts."""

HEALTHY = 200
STARTING = 503

LONGEST_HEALTH = 1 << 16
"""Bytes of an answer that servers read."""

# Seconds that a release has to become healthy, and for which it may answer errors: longer is no slow start.
HEALTH_LIMIT = 20.0
HEALTH_ERRORS_LIMIT = 5.0


def verdict(status: int | None, version: str | None, release: str) -> str:
    """healthy; starting: wait; failing: an error that may pass; wrong: it never will be this release.

    No status: nobody answered.
    """
    if status in (None, STARTING):
        return "starting"
    if status != HEALTHY:
        return "failing"
    return "healthy" if version == release else "wrong"


def stated_version(body: bytes | str) -> str | None:
    """The version in an answer: who keeps it in a file may state the end of the line too. None where it has none."""
    try:
        version = json.loads(body)["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version.strip() if isinstance(version, str) else None
