"""What users see, in words of the answers that the live URL gave."""

import json

import pytest

from release.doors.probe import Answer
from release.rules.seen import seen_in


def of(version: str) -> Answer:
    return Answer(status=200, body=json.dumps({"version": version}), milliseconds=1)


ILL = Answer(status=503, body="nothing is live", milliseconds=1)
SILENT = Answer(status=0, body="timed out", milliseconds=5000, late=True)
AWAY = Answer(status=0, body="ConnectionRefusedError", milliseconds=0)
ODD = Answer(status=200, body="[" * 100_000, milliseconds=1)


@pytest.mark.parametrize(
    ("answers", "version", "words"),
    [
        pytest.param([of("1.1.0")] * 3, "1.1.0", "users are on 1.1.0", id="one-release"),
        pytest.param(
            [of("1.1.0"), of("1.0.0"), of("1.1.0")], None, "users get answers of 1.0.0 and of 1.1.0", id="two-releases"
        ),
        pytest.param(
            [of("1.1.0"), ILL, of("1.1.0")], None, "users get answers of 1.1.0, and others of no release", id="some-ill"
        ),
        pytest.param([ILL] * 3, None, "the live URL answers with 503", id="ill"),
        pytest.param([SILENT] * 3, None, "the live URL is silent", id="silent"),
        pytest.param([AWAY] * 3, None, "the live URL cannot be reached from here", id="not-reached"),
        pytest.param([ODD] * 3, None, "the live URL answers with 200", id="not-readable"),
    ],
)
def test_the_words_are_those_of_the_answers(answers: list[Answer], version: str | None, words: str) -> None:
    seen = seen_in(answers)
    assert (seen.version, seen.words) == (version, words)


def test_what_an_answer_says_of_itself_is_bounded_and_printable() -> None:
    seen = seen_in([of("1.0.0\x1b[2J" + "9" * 10_000)] * 3)
    assert seen.words.isprintable()
    assert len(seen.words) < 1000
