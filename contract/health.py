"""How a release says that it is healthy: what servers, the load balancer and `release` ask it, and what it answers."""

from __future__ import annotations

import json

HEALTH_PATH = "/health"
"""Answered by 200 and a JSON object with the release's `version`; by 503 while the release starts."""

HEALTHY = 200
STARTING = 503

LONGEST_HEALTH = 1 << 16
"""Bytes of an answer that servers read."""


def stated_version(body: bytes | str) -> str | None:
    """The version in an answer: who keeps it in a file may state the end of the line too. None where it has none."""
    try:
        version = json.loads(body)["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version.strip() if isinstance(version, str) else None
