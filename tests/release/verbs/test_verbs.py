"""The verbs that need no deployment, on moto's AWS: what they show, and what they refuse before anything changes."""

import io
import os
from pathlib import Path

import pytest

from release.deployment.executor import Order, deploy
from release.errors import Refused
from release.output import Progress
from release.verbs.promote import Route, passed_over, promote
from release.verbs.publish import Publication, publish
from release.verbs.rollback import rollback
from release.verbs.show import show_release, show_text
from release.verbs.status import status, status_text
from tests.release.world import OPS, ROOT, World, build_artifact


def silent() -> Progress:
    return Progress(io.StringIO())


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pulumi that writes down that it was called: a refusal must not get so far."""
    program, called = tmp_path / "bin" / "pulumi", tmp_path / "called"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {called}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return called


def put(world: World, version: str) -> None:
    manifest = world.publish(version)
    order = Order(kind="promotion", manifest=manifest, head=world.dev.ledger.head(), gates=())
    deploy(world.dev, order, OPS, silent())


def publication(path: Path, version: str, tag: str | None = None) -> Publication:
    return Publication(path=path, version=version, tag=tag, notes="", repository=path.parent)


def test_publishing_signs_a_manifest_with_the_artifacts_digest_and_checks(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    manifest, new = publish(ROOT, publication(path, "1.0.0"), ci="", progress=silent())
    assert new
    assert world.dev.releases.get("1.0.0") == manifest
    assert [check.name for check in manifest.checks] == ["projects"]


def test_publishing_it_again_is_nothing_to_do(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    first, _ = publish(ROOT, publication(path, "1.0.0"), ci="", progress=silent())
    again, new = publish(ROOT, publication(path, "1.0.0"), ci="", progress=silent())
    assert (again.digest, new) == (first.digest, False)


def test_a_tag_that_names_another_version_is_refused(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    with pytest.raises(Refused, match=r"tag v2\.0\.0 does not name version 1\.0\.0"):
        publish(ROOT, publication(path, "1.0.0", tag="v2.0.0"), ci="", progress=silent())


@pytest.mark.parametrize(
    ("version", "source", "why"),
    [
        pytest.param("9.9.9", None, r"9\.9\.9 was never published to dev", id="never-published"),
        pytest.param("1.1.0", None, r"1\.1\.0 must be live in dev: 1\.0\.0 is live there", id="not-live-upstream"),
        pytest.param("1.0.0", "qa", r"never published to qa", id="from-itself"),
    ],
)
def test_a_promotion_that_is_refused_changes_nothing(
    world: World, pulumi: Path, version: str, source: str | None, why: str
) -> None:
    put(world, "1.0.0")
    world.publish("1.1.0")
    before = world.qa.ledger.head()
    with pytest.raises(Refused, match=why):
        promote(ROOT, version, Route(source=source, target="qa"), ci="", progress=silent())
    assert world.qa.ledger.head() == before
    assert not pulumi.exists()


def test_what_is_live_already_is_not_promoted_again(world: World, pulumi: Path) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match=r"1\.0\.0 is live in dev since"):
        promote(ROOT, "1.0.0", Route(source=None, target="dev"), ci="", progress=silent())
    assert not pulumi.exists()


def test_row_13_the_first_release_has_nothing_to_go_back_to(world: World, pulumi: Path) -> None:
    put(world, "1.0.0")
    with pytest.raises(Refused, match="dev has no earlier verified release to go back to"):
        rollback(ROOT, "dev", version=None, ci="", progress=silent())


def test_a_release_that_was_never_live_here_is_no_way_back(world: World, pulumi: Path) -> None:
    put(world, "1.0.0")
    world.publish("0.9.0")
    with pytest.raises(Refused, match=r"0\.9\.0 must have been live and verified in dev before"):
        rollback(ROOT, "dev", version="0.9.0", ci="", progress=silent())
    assert not pulumi.exists()


def test_status_shows_every_environment_also_those_without_a_ledger(world: World) -> None:
    put(world, "1.0.0")
    report = status(ROOT, None)
    assert [(entry["environment"], entry["initialised"]) for entry in report["environments"]] == [
        ("dev", True),
        ("qa", True),
        ("staging", False),
        ("prod", False),
    ]
    dev, qa, staging, _ = status_text(report).splitlines()[1:]
    assert dev.split()[:2] == ["dev", "1.0.0"]
    assert "nothing" in qa
    assert "not initialised" in staging


def test_show_says_where_a_release_was_verified_and_is_live(world: World) -> None:
    put(world, "1.0.0")
    put(world, "1.1.0")
    report = show_release(ROOT, "1.0.0")
    assert [(word["environment"], word["live"], bool(word["verified"])) for word in report["environments"]] == [
        ("dev", False, True)
    ]
    assert "sha256" in show_text(report)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("staging", (), id="the-one-before"),
        pytest.param("qa", ("staging",), id="one-skipped"),
        pytest.param("dev", ("staging", "qa"), id="two-skipped"),
        pytest.param("prod", (), id="itself"),
        pytest.param("nowhere", (), id="none-of-them"),
    ],
)
def test_a_hotfix_passes_over_what_lies_between(source: str, expected: tuple[str, ...]) -> None:
    assert passed_over(ROOT, Route(source=source, target="prod", hotfix="rows are lost")) == expected
