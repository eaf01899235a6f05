"""How a release says that it is healthy: it answers `PATH` with `HEALTHY`, and JSON with its version."""

from __future__ import annotations

import json

PATH = "/health"

HEALTHY = 200
"""The status of a healthy release. Any other one is that of a release that starts, or that is not well."""


def stated_version(body: bytes | str) -> str | None:
    """The version in an answer: who keeps it in a file may state the end of the line too. None where it has none."""
    try:
        version = json.loads(body)["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version.strip() if isinstance(version, str) else None
