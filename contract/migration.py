"""What the parameter of migrations holds: the deployment that may run its release's bin/migrate, or none.

Of a demo also whether example data are asked for, behind a space: then its bin/seed is run.
"""

from __future__ import annotations

NO_MIGRATION = "none"
ONCE = "seed"
"""Asks for example data where there are none yet; any other word does where that word was not followed before."""


def let(deployment: str, seed: str) -> str:
    """The parameter's text."""
    return f"{deployment} {seed}" if seed else deployment


def let_of(text: str) -> tuple[str, str]:
    """Who may migrate by the parameter's text, and how example data are asked for; empty where they are not."""
    deployment, _, seed = text.strip().partition(" ")
    return deployment, seed
