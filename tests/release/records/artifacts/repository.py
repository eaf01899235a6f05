"""git, whoever runs it and however theirs is configured."""

import subprocess
from pathlib import Path

IDENTITY = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main")
QUIET = ("-c", "tag.gpgSign=false", "-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *QUIET, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
