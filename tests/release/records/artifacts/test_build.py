"""What a build says of itself, and that it is not overruled."""

import pytest

from release.process.errors import Refused, WrongUsage
from release.records.artifacts.build import Build, agreed, parse_build
from release.records.artifacts.schema import Schema

COMMIT = "3f1c9b0e6a5d4c7b8a9f0e1d2c3b4a5968778695"


def test_everything_that_is_said_is_read() -> None:
    said = {"version": "1.4.0", "commit": COMMIT, "schema": {"version": 3, "oldest": 2}}
    assert parse_build(said) == Build(version="1.4.0", commit=COMMIT, schema=Schema(version=3, oldest=2))


def test_nothing_has_to_be_said() -> None:
    assert parse_build({}) == Build()


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param([], "must be an object", id="no-object"),
        pytest.param({"builder": "x"}, "keys than commit, format, migrate, schema, start, version", id="another-key"),
        pytest.param({"version": 1}, "version must be a text", id="version-is-no-text"),
        pytest.param({"format": 2}, "another format than 1", id="a-later-format"),
        pytest.param({"format": True}, "another format than 1", id="a-format-that-is-true"),
        pytest.param({"start": "a && b"}, "start holds &&, which only a shell", id="start-for-a-shell"),
        pytest.param({"migrate": None}, "migrate is neither a text nor a list", id="migrate-is-nothing"),
        pytest.param({"commit": "HEAD"}, "commit must be a whole commit id", id="commit-is-a-name"),
        pytest.param({"commit": 7}, "commit must be a whole commit id", id="commit-is-a-number"),
        pytest.param({"schema": 3}, "the release.json is not valid", id="schema-is-a-number"),
        pytest.param({"schema": {"version": 3}}, "oldest: Field required", id="no-oldest"),
        pytest.param({"schema": {"version": True, "oldest": 0}}, "valid integer", id="schema-is-true"),
        pytest.param({"schema": {"version": 3, "oldest": 4}}, "a number from 0 to 3", id="oldest-is-newer"),
    ],
)
def test_what_cannot_be_meant_is_refused(value: object, fault: str) -> None:
    with pytest.raises(Refused, match=fault):
        parse_build(value)


def test_a_version_that_is_none_is_wrong() -> None:
    with pytest.raises(WrongUsage, match="is not a version"):
        parse_build({"version": "latest"})


@pytest.mark.parametrize(("built", "given"), [("a", None), (None, "a"), ("a", "a")])
def test_one_word_is_enough_and_two_have_to_agree(built: str | None, given: str | None) -> None:
    assert agreed("it", built, given) == "a"


def test_two_words_that_differ_are_refused_with_both() -> None:
    with pytest.raises(Refused, match=r"says schema 3 \(oldest 2\), and it is published with 4 \(oldest 2\)"):
        agreed("schema", Schema(version=3, oldest=2), Schema(version=4, oldest=2))
