"""Publishing: what the manifest says, where it is from, and what contradicts itself."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from release.process.errors import Refused, WrongUsage
from release.process.signature import sign_document
from release.records.artifacts.manifest import (
    Evidence,
    Manifest,
    Provenance,
    checked_provenance,
    manifest_document,
    parse_manifest,
)
from release.records.artifacts.provenance import provenance
from release.records.artifacts.schema import Schema
from release.verbs.publish import Publication, parsed_evidence, parsed_schema, publish
from release.verbs.show import show_release, show_text
from tests.release.deploying import CALL
from tests.release.records.artifacts.repository import git
from tests.release.world import STAGELINE, World, build_artifact

COMMIT = "3f1c9b0e6a5d4c7b8a9f0e1d2c3b4a5968778695"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the tag v1.0.0."""
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(folder, "tag", "--annotate", "--message", "m", "v1.0.0")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "second")
    return folder


def published(path: Path, **more: Any) -> Manifest:
    values = {"version": "1.0.0", "tag": None, "notes": "", "repository": path.parent, **more}
    return publish(CALL, Publication(path=path, **values))[0]


def artifact(folder: Path, **said: Any) -> Path:
    files = {"release.json": json.dumps(said)} if said else {}
    return build_artifact(folder / "app.tar.gz", files)


def test_the_manifest_says_all_that_was_said(world: World, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<passed/>")
    said = Provenance(builder="make", source="https://example.com/shop", run="https://ci.example.com/7")
    manifest = published(
        artifact(tmp_path),
        commit=COMMIT,
        schema=Schema(version=3, oldest=2),
        provenance=said,
        evidence=(("tests", report),),
    )
    assert world.dev.releases.get("1.0.0") == manifest
    assert (manifest.commit, manifest.schema, manifest.provenance) == (COMMIT, Schema(version=3, oldest=2), said)
    assert manifest.evidence == (Evidence(name="tests", digest=hashlib.sha256(b"<passed/>").hexdigest()),)


def test_the_build_says_it_by_itself(world: World, tmp_path: Path) -> None:
    path = artifact(tmp_path, version="1.0.0", commit=COMMIT, schema={"version": 3, "oldest": 0})
    manifest = published(path)
    assert (manifest.commit, manifest.schema) == (COMMIT, Schema(version=3, oldest=0))


CONTRADICTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "version": ({"version": "1.0.1"}, {}, r"says version 1\.0\.1, and it is published with 1\.0\.0"),
    "commit": ({"commit": COMMIT}, {"commit": "0" * 40}, f"says commit {COMMIT}"),
    "schema": ({"schema": {"version": 3, "oldest": 2}}, {"schema": Schema(version=3, oldest=1)}, "says schema 3"),
}


@pytest.mark.parametrize(("said", "given", "why"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_contradicts_the_build_is_refused_before_anything_is_stored(
    world: World, tmp_path: Path, said: dict[str, Any], given: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        published(artifact(tmp_path, **said), **given)
    bucket = world.dev.settings.names.artifact_bucket
    assert "Contents" not in world.dev.session.client("s3").list_objects_v2(Bucket=bucket)


def test_the_recorded_commit_is_the_one_that_the_tag_leads_to(world: World, tmp_path: Path, repository: Path) -> None:
    manifest = published(artifact(tmp_path), tag="v1.0.0", repository=repository)
    assert (manifest.tag, manifest.commit) == ("v1.0.0", git(repository, "rev-parse", "HEAD~1"))


def test_a_tag_at_another_commit_than_the_build_is_refused(world: World, tmp_path: Path, repository: Path) -> None:
    with pytest.raises(Refused, match=r"release\.json in the artifact says commit"):
        published(artifact(tmp_path, commit=git(repository, "rev-parse", "HEAD")), tag="v1.0.0", repository=repository)


def test_a_tag_at_another_commit_than_the_given_one_is_refused(world: World, tmp_path: Path, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    with pytest.raises(Refused, match=rf"tag v1\.0\.0 leads to [0-9a-f]+, not to {head}"):
        published(artifact(tmp_path), tag="v1.0.0", commit=head, repository=repository)


def test_a_release_published_again_stays_what_was_signed(world: World, tmp_path: Path) -> None:
    path = artifact(tmp_path)
    first = published(path, notes="first")
    assert published(path, notes="second") == first


def test_evidence_that_is_not_there_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no file 'gone' for the evidence tests"):
        published(artifact(tmp_path), evidence=(("tests", tmp_path / "gone"),))


@pytest.mark.parametrize("name", ["", "Tests", "../x", "-x", "a b", "x" * 64])
def test_names_of_evidence_are_plain(world: World, tmp_path: Path, name: str) -> None:
    path = artifact(tmp_path)
    with pytest.raises(WrongUsage, match="is no name of evidence"):
        published(path, evidence=((name, path),))


def test_one_name_means_one_piece_of_evidence(world: World, tmp_path: Path) -> None:
    path = artifact(tmp_path)
    with pytest.raises(WrongUsage, match="the evidence tests is given twice"):
        published(path, evidence=(("tests", path), ("tests", path)))


def test_provenance_is_lines_of_text(world: World, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="the builder is not a line of at most 500 characters"):
        published(artifact(tmp_path), provenance=Provenance(builder="a\nb", source="", run=""))


@pytest.mark.parametrize(
    ("text", "schema"),
    [("3", Schema(version=3, oldest=3)), ("3:2", Schema(version=3, oldest=2)), ("3:0", Schema(version=3, oldest=0))],
)
def test_a_schema_is_stated_by_its_number_and_the_oldest(text: str, schema: Schema) -> None:
    assert parsed_schema(text) == schema


@pytest.mark.parametrize("text", ["", "x", ":3", "3:4", "0", "-1", "3:2:1", "1e3", "\u0663", "9" * 99])
def test_no_other_text_states_a_schema(text: str) -> None:
    with pytest.raises(WrongUsage):
        parsed_schema(text)


@pytest.mark.parametrize("text", ["tests", "=file", "tests="])
def test_evidence_is_a_name_and_a_file(text: str) -> None:
    with pytest.raises(WrongUsage, match="is no evidence; give a name and a file"):
        parsed_evidence((text,))


def test_a_file_of_evidence_may_have_any_name() -> None:
    assert parsed_evidence(("tests=a=b.xml",)) == (("tests", Path("a=b.xml")),)


GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octo/shop",
    "GITHUB_WORKFLOW_REF": "octo/shop/.github/workflows/release.yml@refs/tags/v1.0.0",
}


def test_github_says_what_built_it_from_what() -> None:
    found = provenance(GITHUB, builder=None, source=None, run="https://github.com/octo/shop/actions/runs/7")
    assert (found.builder, found.source) == (GITHUB["GITHUB_WORKFLOW_REF"], "https://github.com/octo/shop")
    assert found.run.endswith("/7")


def test_what_github_says_is_a_line_without_a_login() -> None:
    odd = {"GITHUB_SERVER_URL": "https://bot:s3cret@git.hub", "GITHUB_WORKFLOW_REF": "x\udcfc\n" + "y" * 9_000}
    found = provenance({**GITHUB, **odd}, builder=None, source=None, run="")
    assert (found.source, found.builder[:9], len(found.builder)) == ("https://git.hub/octo/shop", r"x\udcfc y", 500)
    assert checked_provenance(found) == found


def test_options_go_before_what_github_says() -> None:
    found = provenance(GITHUB, builder="make", source="", run="")
    assert found == Provenance(builder="make", source="", run="")


def test_outside_ci_nothing_is_said(world: World, tmp_path: Path) -> None:
    nothing = provenance({}, builder=None, source=None, run="")
    assert published(artifact(tmp_path), provenance=nothing).provenance is None


def test_a_manifest_that_was_signed_before_it_could_say_more_still_counts(world: World) -> None:
    manifest = world.publish("1.0.0")
    document = manifest_document(manifest)
    for later in ("schema", "provenance", "evidence", "parts"):
        del document[later]
    key = world.dev.releases._key
    signed = sign_document(document, kind="manifest", environment="dev", key_name=key.alias, sign=key.sign)
    bucket = world.dev.settings.names.artifact_bucket
    world.dev.session.client("s3").put_object(Bucket=bucket, Key="releases/1.0.0.json", Body=signed)
    assert world.dev.releases.get("1.0.0") == manifest


def test_a_manifest_is_what_was_written() -> None:
    whole = Manifest(
        project="p",
        version="1.0.0",
        digest="0" * 64,
        size=1,
        file_name="x",
        commit=None,
        tag=None,
        checks=(),
        notes="",
        published_at="",
        published_by="",
        schema=Schema(version=3, oldest=2),
        provenance=Provenance(builder="b", source="s", run="r"),
        evidence=(Evidence(name="tests", digest="0" * 64),),
    )
    assert parse_manifest(json.loads(json.dumps(manifest_document(whole)))) == whole


def test_show_tells_schema_provenance_and_evidence(world: World, tmp_path: Path) -> None:
    path = artifact(tmp_path)
    published(
        path,
        schema=Schema(version=3, oldest=2),
        provenance=Provenance(builder="make", source="https://example.com/shop", run=""),
        evidence=(("tests", path),),
    )
    text = show_text(show_release(STAGELINE, "1.0.0"))
    assert "  schema     3, for releases from schema 2 on\n" in text
    assert "  built by   make, https://example.com/shop\n" in text
    assert f"  evidence   tests sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}" in text


def test_show_tells_that_nothing_was_stated(world: World, tmp_path: Path) -> None:
    published(artifact(tmp_path))
    text = show_text(show_release(STAGELINE, "1.0.0"))
    assert "  schema     not stated\n" in text
    assert "built by" not in text


def publication(path: Path, version: str, tag: str | None = None) -> Publication:
    return Publication(path=path, version=version, tag=tag, notes="", repository=path.parent)


def test_publishing_signs_a_manifest_with_the_artifacts_digest_and_checks(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    manifest, new = publish(CALL, publication(path, "1.0.0"))
    assert new
    assert world.dev.releases.get("1.0.0") == manifest
    assert [check.name for check in manifest.checks] == ["projects"]


def test_publishing_it_again_is_nothing_to_do(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    first, _ = publish(CALL, publication(path, "1.0.0"))
    again, new = publish(CALL, publication(path, "1.0.0"))
    assert (again.digest, new) == (first.digest, False)


def test_a_tag_that_names_another_version_is_refused(world: World, tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    with pytest.raises(Refused, match=r"tag v2\.0\.0 does not name version 1\.0\.0"):
        publish(CALL, publication(path, "1.0.0", tag="v2.0.0"))
