"""Smoke checks from an artifact or from a file beside it, never from both."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from examples.build import pack
from release.process.errors import Refused
from release.records.artifacts.archive import MOST_TEXT_BYTES, inspect_artifact
from release.records.artifacts.manifest import Check
from release.records.artifacts.smoke import agreed_checks, read_checks
from release.verbs.publish import Publication, publish
from tests.release.deploying import CALL
from tests.release.world import World, build_artifact

PAGE = {"checks": [{"name": "page", "path": "/", "method": "HEAD", "headers": {"Accept": "text/html"}}]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "checks.json"
    file.write_text(json.dumps(PAGE))
    return file


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """An artifact that brings no checks."""
    path = tmp_path / "bare-1.0.0.tar.gz"
    path.write_bytes(pack({"bin/start": b"#!/bin/sh\n"}))
    return path


def test_without_a_file_the_artifacts_own_checks_hold(tmp_path: Path) -> None:
    artifact = inspect_artifact(build_artifact(tmp_path / "app.tar.gz", {}))
    assert [check.name for check in agreed_checks(artifact, None)] == ["projects"]


def test_a_file_gives_checks_to_an_artifact_that_brings_none(bare: Path, file: Path) -> None:
    (check,) = agreed_checks(inspect_artifact(bare), file)
    assert check == Check(name="page", path="/", method="HEAD", headers={"Accept": "text/html"})


def test_checks_from_both_are_a_contradiction(tmp_path: Path, file: Path) -> None:
    artifact = inspect_artifact(build_artifact(tmp_path / "app.tar.gz", {}))
    with pytest.raises(Refused, match=r"checks of its own, and checks\.json has others; leave out one"):
        agreed_checks(artifact, file)


def test_what_is_given_becomes_part_of_the_signed_manifest(world: World, bare: Path, file: Path) -> None:
    request = Publication(path=bare, version="1.0.0", tag=None, notes="", repository=bare.parent, smoke=file)
    publish(CALL, request)
    (check,) = world.dev.releases.get("1.0.0").checks
    assert (check.name, check.method, check.headers) == ("page", "HEAD", {"Accept": "text/html"})
    with pytest.raises(Refused):
        publish(CALL, replace(request, version="1.1.0", smoke=file.with_name("none")))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"{", "is not JSON", id="no-json"),
        pytest.param(b"\xff", "is not JSON", id="no-text"),
        pytest.param(b"[" * 60000, "is not JSON", id="a-tower"),
        pytest.param(b'{"checks": [1], "checks": []}', "the key 'checks' stands twice", id="a-key-twice"),
        pytest.param(b'{"checks": [{"name": "\\ud800", "path": "/"}]}', "is not JSON", id="half-a-sign"),
        pytest.param(b'{"checks": []}', "has no checks", id="empty"),
        pytest.param(b'{"checks": [{"name": "a", "path": "b"}]}', r"checks\.json: 'a' has a path", id="wrong-check"),
        pytest.param(b" " * (MOST_TEXT_BYTES + 1), "65537 bytes, 65536 are allowed", id="too-big"),
        pytest.param(None, "cannot be read: No such file", id="missing"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(file: Path, content: bytes | None, why: str) -> None:
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(Refused, match=why):
        read_checks(file)
