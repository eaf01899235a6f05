"""What users see, asked of the live URL at the moment it is said: no line about users rests on what should be so."""

from dataclasses import dataclass

from release.environment import Environment
from release.errors import StagelineError
from release.verification.verification import HEALTH, version_of

LOOKS = 3  # answers that have to agree: each may come from another server


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The version that answers, None where it is not one; and the same in words."""

    version: str | None
    words: str


def what_users_see(environment: Environment) -> Seen:
    """Ask the live URL now. Never raises: who cannot ask says so."""
    try:
        url = environment.live_url(environment.listeners.find())
    except StagelineError as error:
        return Seen(version=None, words=f"what users see could not be asked ({error.args[0]})")
    answers = [environment.probe.send(url, HEALTH) for _ in range(LOOKS)]
    versions = {version_of(answer) for answer in answers}
    version = versions.pop() if len(versions) == 1 else None
    if version is not None:
        return Seen(version=version, words=f"users are on {version}")
    if versions:  # one was taken away: there are others
        return Seen(version=None, words="users get answers of different releases")
    last = answers[-1]
    if not last.reached:
        return Seen(version=None, words="the live URL cannot be reached from here")
    return Seen(
        version=None, words=f"the live URL answers with {last.status}" if last.status else "the live URL is silent"
    )
