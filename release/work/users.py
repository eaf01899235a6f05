"""What users see, asked of the live URL at the moment it is said: no line about users rests on what should be so."""

from collections.abc import Sequence
from dataclasses import dataclass

from release.doors.http import Answer
from release.environment import Environment
from release.process.errors import StagelineError
from release.process.text import bounded
from release.rules.objections import HEALTH, version_of

LOOKS = 3  # answers that have to agree: each may come from another server


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The version that answers, None where it is not one; the same in words; and every version that was heard."""

    version: str | None
    words: str
    heard: frozenset[str] = frozenset()


def what_users_see(environment: Environment) -> Seen:
    """Ask the live URL now. Never raises: who cannot ask says so."""
    try:
        url = environment.live_url(environment.listeners.find())
    except StagelineError as error:
        return Seen(version=None, words=f"what users see could not be asked ({error.args[0]})")
    return seen_in([environment.probe.send(url, HEALTH) for _ in range(LOOKS)])


def seen_in(answers: Sequence[Answer]) -> Seen:
    """What these answers of the live URL say; a version only where all of them state it."""
    versions = {version_of(answer) for answer in answers}
    heard = frozenset(bounded(version) for version in versions if version is not None)
    match sorted(heard):
        case []:
            return Seen(version=None, words=_without_version(answers[-1]))
        case [one] if None not in versions:
            return Seen(version=one, words=f"users are on {one}", heard=heard)
        case [one]:
            return Seen(version=None, words=f"users get answers of {one}, and others of no release", heard=heard)
        case several:
            return Seen(version=None, words=f"users get answers of {' and of '.join(several)}", heard=heard)


def _without_version(answer: Answer) -> str:
    if not answer.reached:
        return "the live URL cannot be reached from here"
    return f"the live URL answers with {answer.status}" if answer.status else "the live URL is silent"
