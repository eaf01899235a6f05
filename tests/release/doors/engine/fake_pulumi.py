"""A program named `pulumi` that does as it is told, and writes down how it was called."""

from pathlib import Path

FAKE = """#!/bin/sh
printf '%s ' "$@" >> calls
echo "fence=$STAGELINE_FENCE passed=$STAGELINE_PASS_OVER" >> calls
. ./behaviour
"""


def behave(folder: Path, script: str) -> None:
    """What it does from now on, in the shell's words; `$$` is its own number."""
    (folder / "behaviour").write_text(script)


def calls(folder: Path) -> list[str]:
    """How it was called, a line each."""
    return (folder / "calls").read_text().splitlines()


def install(folder: Path) -> None:
    """Put it there."""
    (folder / "pulumi").write_text(FAKE)
    (folder / "pulumi").chmod(0o755)
    behave(folder, "exit 0")
