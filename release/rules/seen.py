"""What users see, by the answers that the live URL gave."""

from collections.abc import Sequence
from dataclasses import dataclass

from release.doors.probe import Answer
from release.process.text import bounded
from release.rules.objections import version_of


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The version that answers, None where it is not one; the same in words; and every version that was heard."""

    version: str | None
    words: str
    heard: frozenset[str] = frozenset()


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
