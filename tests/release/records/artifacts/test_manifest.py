"""Versions and smoke checks from outside, before they become keys and requests."""

from typing import Any

import pytest

from release.process.errors import Refused, WrongUsage
from release.records.artifacts.manifest import checked_version, parse_checks


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
def test_row_16_anything_else_is_wrong_usage(version: str) -> None:
    with pytest.raises(WrongUsage, match="is not a version"):
        checked_version(version)


def check(**changes: object) -> dict[str, object]:
    return {"checks": [{"name": "a", "path": "/", **changes}]}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param([], "must be", id="no-object"),
        pytest.param({"checks": [], "more": 1}, "must be", id="another-key"),
        pytest.param({"checks": [{"name": "a"}]}, "0.path: Field required", id="no-path"),
        pytest.param(check(path="http://elsewhere/"), "does not begin with /", id="elsewhere"),
        pytest.param(check(path="/ HTTP/1.1\r\nHost: x"), "not printable", id="header-injection"),
        pytest.param(check(name=""), "'' has a name that is not a line", id="no-name"),
        pytest.param(check(name="a\n  yes"), r"'a\\n yes' has a name that is not a line", id="a-name-of-two-lines"),
        pytest.param(check(name="a\x1b[2J"), "has a name that is not a line", id="a-name-with-escapes"),
        pytest.param(check(name="n" * 201), "is not a line of 1 to 200 characters", id="an-endless-name"),
        pytest.param(check(verb="POST"), "0.verb", id="unknown-key"),
        pytest.param(check(method="DELETE"), "0.method", id="unknown-method"),
        pytest.param(check(headers=["Accept"]), "0.headers", id="headers-as-list"),
        pytest.param(check(headers={"X-A": "b\r\nHost: x"}), "'X-A' with what is not printable", id="header-value"),
        pytest.param(check(headers={"X A": "b"}), "may not send a header 'X A'", id="header-name"),
        pytest.param(check(headers={"Host": "elsewhere"}), "may not send a header 'Host'", id="another-host"),
        pytest.param(check(headers={"content-length": "1"}), "'content-length'", id="framing"),
        pytest.param(check(body="x"), "is a GET and has a body", id="body-of-a-get"),
        pytest.param(check(method="HEAD", contains="x"), "whose answer has no body", id="body-of-a-head"),
        pytest.param(check(status=7), "expects the status 7", id="no-status"),
        pytest.param(check(max_ms=0), "max_ms 0: 1 to 60000", id="no-time"),
        pytest.param(check(max_ms=60001), "max_ms 60001: 1 to 60000", id="longer-than-any-balancer-waits"),
        pytest.param({"checks": [{"name": "a", "path": "/"}] * 2}, "'a' stands twice", id="same-name"),
    ],
)
def test_smoke_checks_that_cannot_be_meant_are_refused(value: Any, fault: str) -> None:
    with pytest.raises(Refused, match=fault):
        parse_checks(value)


def test_every_check_that_is_wrong_is_named_with_its_file() -> None:
    with pytest.raises(Refused, match=r"checks\.json: 'a' .*status 7.*; 'b' is a GET and has a body"):
        parse_checks(
            {"checks": [{"name": "a", "path": "/", "status": 7}, {"name": "b", "path": "/", "body": "x"}]},
            "checks.json",
        )


def test_a_check_may_send_headers_and_a_body() -> None:
    sent = check(method="POST", headers={"Content-Type": "application/json"}, body='{"name": ""}', status=400)
    (parsed,) = parse_checks(sent)
    assert (parsed.method, parsed.headers, parsed.body, parsed.status, parsed.repeatable) == (
        "POST",
        {"Content-Type": "application/json"},
        '{"name": ""}',
        400,
        False,
    )
