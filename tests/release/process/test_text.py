"""Whatever others say becomes one printable line, and whatever they call JSON one value or one error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.process.errors import MOST_HINT, MOST_MESSAGE, Broken, Interrupted
from release.process.text import MOST, bounded, json_text, listed, printable_lines, quoted, read_json, without_login

ANY = st.text(st.characters(exclude_categories=()))  # also halves of signs, controls, and what is no sign yet
LONG = st.builds(lambda text, times: text * times, ANY, st.integers(0, 3000))
DEEP = "[" * 200_000


def is_one_line(text: str) -> bool:
    return text.isprintable() and text.encode().decode() == text


@given(LONG, st.integers(1, 600))
def test_any_text_becomes_one_printable_line_that_is_not_too_long(text: str, most: int) -> None:
    line = bounded(text, most)
    assert is_one_line(line)
    assert len(line) <= most


@given(LONG, st.integers(1, 600))
def test_bounding_a_second_time_changes_nothing(text: str, most: int) -> None:
    line = bounded(text, most)
    assert bounded(line, most) == line


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), max_size=MOST))
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert bounded(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a\x1b[2Jb", r"a\x1b[2Jb", id="escape"),
        pytest.param("x\n  yes  no hold\r\n", "x yes no hold", id="line-ends"),
        pytest.param("a\u2028b\x85c", "a b c", id="line-ends-of-unicode"),
        pytest.param("abc\u202egnp.exe", r"abc\u202egnp.exe", id="right-to-left"),
        pytest.param("a\u200bb\u3164c\ufe0f", r"a\u200bb\u3164c\ufe0f", id="invisible"),
        pytest.param("\ud800", r"\ud800", id="half-a-sign"),
        pytest.param("\U000e0041", r"\U000e0041", id="a-tag"),
        pytest.param("Größe 平 ✓ 🙂", "Größe 平 ✓ 🙂", id="what-people-write"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_written_out(text: str, line: str) -> None:
    assert bounded(text) == line


@pytest.mark.parametrize(
    ("url", "line"),
    [
        pytest.param("https://ci/run/1?a=b@c&d=e#f", "https://ci/run/1?a=b@c&d=e#f", id="none"),
        pytest.param("https://bot:s3cret@ci:8443/run/1?id=7", "https://ci:8443/run/1?id=7", id="name-and-password"),
        pytest.param("HTTPS://s3cret@ci/run/1", "HTTPS://ci/run/1", id="a-token"),
        pytest.param("https://a:s3@cret@ci/run/1", "https://ci/run/1", id="with-an-@-in-it"),
        pytest.param("//bot:s3cret@ci/run", "//ci/run", id="without-a-scheme"),
        pytest.param("bot:s3cret@ci/run", "ci/run", id="without-slashes"),
        pytest.param(" \nhttps://bot:s3cret@ci/run", "https://ci/run", id="behind-white-space"),
        pytest.param("https://bot:s3\x1b\ncret@ci/run", "https://ci/run", id="with-signs-that-do-not-print"),
        pytest.param("https://ci/@me", "https://ci/@me", id="an-@-in-the-path"),
        pytest.param(f"https://{'x' * 9000}@ci", "https://ci", id="a-long-one"),
        pytest.param("http://ci/f\udcfc/1", r"http://ci/f\udcfc/1", id="not-utf-8"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_url_is_kept_without_its_login(url: str, line: str) -> None:
    assert without_login(url) == line


def test_a_text_that_is_cut_shows_it() -> None:
    assert bounded("x" * 501) == "x" * 499 + "…"
    assert bounded("\x1b" * 400, 10) == r"\x1b\x1b\…"


def test_a_quoted_text_cannot_end_its_quotes() -> None:
    assert quoted("1.0.0'; it is good") == '"1.0.0\'; it is good"'
    assert quoted("a\nb\x1b") == r"'a\nb\x1b'"
    assert quoted("x" * 900_000) == f"'{'x' * 79}…'"


@given(LONG)
def test_whatever_is_quoted_is_one_bounded_line(text: str) -> None:
    assert is_one_line(quoted(text))
    assert len(quoted(text)) <= MOST


def test_as_many_as_fit_are_listed_and_the_others_counted() -> None:
    assert listed(["one", "two"], 100) == "one; two"
    assert listed(["one", "two", "three", "four"], 8) == "one; two; and 2 more"
    assert listed([], 8) == ""


@given(st.lists(ANY, min_size=1))
def test_lines_of_ours_stay_lines_and_nothing_else_ends_one(texts: list[str]) -> None:
    cells = [bounded(text) for text in texts]
    shown = printable_lines("\n".join(cells))
    assert shown.split("\n") == cells
    assert all(is_one_line(line) for line in printable_lines("\n".join(texts)).split("\n"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY, lambda inner: st.lists(inner) | st.dictionaries(ANY, inner)
)


@given(VALUES)
def test_json_that_is_shown_is_the_value_and_prints(value: Any) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert all(is_one_line(line) for line in text.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "tru", '{"a": 1} {}', b"\xff\xfe\xfd", DEEP, '{"a":' * 100_000, "NaN", '{"a": -Infinity}', "1e999"),
        *('"\\ud800"', "9" * 5000, '{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 1}}'),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_json_that_cannot_be_meant_is_one_kind_of_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_json(text)


def test_a_key_that_stands_twice_is_named() -> None:
    with pytest.raises(ValueError, match="the key 'checks' stands twice"):
        read_json('{"checks": [1], "checks": []}')


@given(ANY)
def test_any_bytes_are_a_value_or_that_error(text: str) -> None:
    try:
        value = read_json(text.encode(errors="surrogatepass"))
    except ValueError:
        return
    assert json.loads(text) == value


@given(LONG, LONG, LONG)
def test_no_error_holds_more_than_a_line(message: str, hint: str, context: str) -> None:
    error = Broken(message, hint=hint)
    error.put_in_context(context)
    error.hint = hint + error.hint
    assert is_one_line(str(error))
    assert len(str(error)) <= MOST_MESSAGE + len("; ") + MOST_HINT <= 2000
    assert is_one_line(error.args[0])


def test_an_errors_context_is_told_first_and_its_hint_last() -> None:
    error = Broken("it broke", hint="mend it")
    error.put_in_context("1.0.0 is not live")
    assert str(error) == "1.0.0 is not live: it broke; mend it"
    assert str(Interrupted(15, "it was\nended")) == "it was ended"
