"""What an answer of a release means."""

import pytest

from components.host.installer.health import Health, verdict


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
    assert verdict(Health(status, version), "1.0.0") == expected
