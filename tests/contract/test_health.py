"""The version that an answer of /health states, and what an answer means."""

import pytest

from contract.health import stated_version, verdict


@pytest.mark.parametrize(
    ("body", "version"),
    [
        pytest.param(b'{"version": "1.0.0"}', "1.0.0", id="bytes"),
        pytest.param('{"version": "1.0.0"}', "1.0.0", id="text"),
        pytest.param('{"version": "1.0.0\\n"}', "1.0.0", id="with-the-end-of-its-line"),
        pytest.param('{"version": 1}', None, id="a-number"),
        pytest.param('{"state": "well"}', None, id="none"),
        pytest.param("[1]", None, id="no-object"),
        pytest.param(b"\xff", None, id="no-text"),
        pytest.param("[" * 900_000, None, id="nested"),
    ],
)
def test_only_a_text_in_an_object_is_a_version(body: bytes | str, version: str | None) -> None:
    assert stated_version(body) == version


@pytest.mark.parametrize(
    ("status", "version", "expected"),
    [
        (None, None, "starting"),
        (503, None, "starting"),
        (503, "1.0.0", "starting"),
        (500, "1.0.0", "failing"),
        (404, None, "failing"),
        (302, None, "failing"),
        (200, "1.0.0", "healthy"),
        (200, "1.0.1", "wrong"),
        (200, None, "wrong"),
    ],
)
def test_an_answer_is_judged(status: int | None, version: str | None, expected: str) -> None:
    assert verdict(status, version, "1.0.0") == expected
