"""The door to git: fixed argument lists, and nothing from outside is ever taken for an option."""

import re
import subprocess
from pathlib import Path

from release.errors import Broken, Refused, WrongUsage


def tagged_commit(repository: Path, tag: str, version: str) -> str:
    """The commit that ``tag`` points at, when the tag exists and names ``version`` (``1.2.0`` or ``v1.2.0``)."""
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._/+-]{0,99}", tag, re.ASCII):
        raise WrongUsage(f"{tag[:80]!r} is not a tag", hint="use a tag such as v1.4.0")
    if tag.rsplit("/", 1)[-1].removeprefix("v") != version:
        raise Refused(f"tag {tag} does not name version {version}", hint="publish the version that was tagged")
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/tags/{tag}^{{commit}}"],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise Broken("there is no git on PATH", hint="install git, or publish without --tag") from None
    if found.returncode != 0:
        raise Refused(f"there is no tag {tag} in {repository.name}", hint="fetch the tags, or publish without --tag")
    return found.stdout.strip()
