"""The door to git: fixed argument lists, and nothing from outside is ever taken for an option, a range or a path."""

import os
import re
import subprocess
from pathlib import Path

from release.process.errors import Broken, Refused, WrongUsage

NAME_LIMIT = 100
SECONDS = 30


def tagged_commit(repository: Path, tag: str, version: str) -> str:
    """The commit that ``tag`` leads to, when the tag exists and names ``version`` (``1.2.0`` or ``v1.2.0``).

    What stands before a last slash may be anything: several applications of one repository have tags of their own.
    """
    if not is_tag(tag):
        raise WrongUsage(f"{tag[:80]!r} is not a tag", hint="use a tag such as v1.4.0")
    if tag.rsplit("/", 1)[-1].removeprefix("v") != version:
        raise Refused(f"tag {tag} does not name version {version}", hint="publish the version that was tagged")
    _refuse_no_repository(repository)
    if _resolved(repository, f"refs/tags/{tag}") is None:
        raise Refused(f"there is no tag {tag} in {repository.name}", hint="fetch the tags, or publish without --tag")
    commit = _resolved(repository, f"refs/tags/{tag}^{{commit}}")
    if commit is None:
        raise Refused(f"tag {tag} does not lead to a commit", hint="tag the commit that the artifact was built from")
    return commit


def is_tag(text: str) -> bool:
    """Whether git could have a tag of this name, made of letters, digits and ``. _ / + -`` only."""
    allowed = len(text) <= NAME_LIMIT and re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._/+-]*", text, re.ASCII)
    parts = text.split("/")
    plain = all(part and not part.startswith(".") and not part.endswith((".", ".lock")) for part in parts)
    return bool(allowed) and plain and ".." not in text


def is_commit(text: str) -> bool:
    """Whether this is a whole commit id, of SHA-1 or SHA-256."""
    return bool(re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text, re.ASCII))


def _refuse_no_repository(repository: Path) -> None:
    done = _git(repository, "rev-parse", "--git-dir")
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["git gave no reason"])[0]
        raise Refused(
            f"the tag cannot be checked in {repository.name}: {why.removeprefix('fatal: ')[:200]}",
            hint="run it in the repository that the artifact was built from, or publish without --tag",
        )


def _resolved(repository: Path, name: str) -> str | None:
    """The object that a full name leads to; None when there is none."""
    done = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    return done.stdout.strip() if done.returncode == 0 else None


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What git says in this folder. Variables such as GIT_DIR would lead it elsewhere, and are not passed on."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=repository,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise Broken("there is no git on PATH", hint="install git, or publish without --tag") from None
    except subprocess.TimeoutExpired:
        raise Broken(
            f"git did not answer within {SECONDS} s", hint="see what it waits for, or publish without --tag"
        ) from None
