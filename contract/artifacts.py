"""Where artifacts and configurations lie in an environment's bucket: `release` puts them there, servers fetch them by
their sha256.
"""

from __future__ import annotations

ARTIFACTS = "artifacts"
"""The folder of what was published or promoted."""

CONFIGURATIONS = "configurations"
"""The folder of what releases run with."""


def demo_folder(creation: str) -> str:
    """The folder of one demo's own: no manifest speaks for what is there, so nobody can promote it."""
    return f"demos/{creation}"


def artifact_key(folder: str, digest: str) -> str:
    """The key of the artifact with this sha256."""
    return f"{folder}/{digest}"


def configuration_key(digest: str) -> str:
    """The key of the configuration with this sha256."""
    return f"{CONFIGURATIONS}/{digest}"
