"""Versions and smoke checks from outside, before they become keys and requests."""

import pytest

from release.errors import Refused, WrongUsage
from release.manifest import checked_version, parse_checks


@pytest.mark.parametrize("version", ["1.0.0", "0.0.1", "10.20.30-rc.1", "1.0.0-alpha"])
def test_semantic_versions_are_versions(version: str) -> None:
    assert checked_version(version) == version


@pytest.mark.parametrize(
    "version",
    [
        *("", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0+build", "-1.0.0", "latest", "1.0.0-" + "a" * 300),
        *("../1.0.0", "1.0.0/x", "1.0.0\n", "1.0.0\0", "$(id)", "\uff11.0.0"),
    ],
)
def test_anything_else_is_wrong_usage(version: str) -> None:
    """Row 16."""
    with pytest.raises(WrongUsage, match="is not a version"):
        checked_version(version)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param([], "must be", id="no-object"),
        pytest.param({"checks": [], "more": 1}, "must be", id="another-key"),
        pytest.param({"checks": [{"name": "a"}]}, "0.path: Field required", id="no-path"),
        pytest.param({"checks": [{"name": "a", "path": "http://elsewhere/"}]}, "must begin with /", id="elsewhere"),
        pytest.param({"checks": [{"name": "a", "path": "/ HTTP/1.1\r\nHost: x"}]}, "no spaces", id="header-injection"),
        pytest.param({"checks": [{"name": "a", "path": "/", "method": "POST"}]}, "0.method", id="unknown-key"),
    ],
)
def test_smoke_checks_that_cannot_be_meant_are_refused(value, fault: str) -> None:
    with pytest.raises(Refused, match=fault):
        parse_checks(value)
