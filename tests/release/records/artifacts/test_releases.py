"""Releases in a bucket: written once, found only when signed, copied without passing through this machine."""

import hashlib
import json
from dataclasses import replace

import pytest

from release.doors.aws.parts import Parts
from release.process.errors import Refused
from release.records.artifacts.archive import inspect_artifact
from release.records.artifacts.manifest import Check, Verdict, manifest_key
from tests.release.world import World, build_artifact

PART = 5 * 1024**2  # the least that S3 takes
VERDICT = {"environment": "dev", "deployment": "dev-1", "outcome": "passed", "at": "2026-11-20T12:00:00+00:00"}


def test_row_06_the_same_release_published_again_is_nothing_to_do(world: World) -> None:
    manifest = world.publish("1.0.0")
    artifact = inspect_artifact(world.folder / "app-1.0.0.tar.gz")
    assert world.dev.releases.publish(artifact, manifest) is False


def test_row_06_the_same_version_with_other_bytes_is_refused(world: World) -> None:
    world.publish("1.0.0")
    with pytest.raises(Refused, match=r"1\.0\.0 is already published to dev with other bytes"):
        world.publish("1.0.0", content="changed")


def test_a_version_that_was_never_published_is_refused_with_the_known_ones(world: World) -> None:
    world.publish("1.0.0")
    with pytest.raises(Refused, match=r"9\.9\.9 was never published to dev.*1\.0\.0"):
        world.dev.releases.get("9.9.9")


def test_the_versions_that_are_named_are_the_newest(world: World) -> None:
    for version in ("1.9.0", "1.10.0", "1.10.0-rc.1", "1.2.0", "1.11.0", "1.8.0"):
        world.publish(version)
    bucket = world.dev.settings.names.artifact_bucket
    world.dev.session.client("s3").put_object(Bucket=bucket, Key="releases/9\x1b[2J.json", Body=b"{}")
    with pytest.raises(Refused, match=r"there: 1\.11\.0, 1\.10\.0, 1\.10\.0-rc\.1, 1\.9\.0, 1\.8\.0$"):
        world.dev.releases.get("9.9.9")


def rewritten(signed: bytes, document: bytes) -> bytes:
    """Another document, as its text, in the envelope of the one that was signed."""
    return b'{"document":%b,"envelope":%b}' % (document, json.dumps(json.loads(signed)["envelope"]).encode())


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'{"a":NaN}', id="no-number"),
        pytest.param(b'{"a":1e999}', id="endless-number"),
        pytest.param(b'{"a":%b}' % (b"9" * 5000), id="huge-number"),
        pytest.param(b'{"a":"\\ud800"}', id="half-a-sign"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="nested"),
        pytest.param(b"[" * 900 + b"]" * 900, id="nested-just-so"),
        pytest.param(b"[1]", id="a-list"),
        pytest.param(b'"text"', id="a-text"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"version":"1.0.0","version":"2.0.0"}', id="a-key-twice"),
        pytest.param(b"{", id="no-json"),
        pytest.param(b'{"a":"\xff"}', id="no-text"),
    ],
)
def test_whatever_lies_in_the_place_of_a_manifest_is_refused_by_its_key(world: World, document: bytes) -> None:
    world.publish("1.0.0")
    bucket, key = world.dev.settings.names.artifact_bucket, manifest_key("1.0.0")
    s3 = world.dev.session.client("s3")
    signed = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=rewritten(signed, document))
    with pytest.raises(Refused, match=r"the manifest releases/1\.0\.0\.json signed by dev is not a signed document"):
        world.dev.releases.find("1.0.0")


@pytest.mark.parametrize(
    "envelope",
    [
        b"null",
        b"{}",
        b'{"payload":1,"signatures":[]}',
        b'{"payload":"!","signatures":[{"sig":"AA=="}]}',
        b'{"payload":"\xc3\xb6"}',
    ],
    ids=["null", "empty", "no-payload", "no-base64", "no-ascii"],
)
def test_whatever_lies_in_the_place_of_an_envelope_is_refused(world: World, envelope: bytes) -> None:
    manifest = world.publish("1.0.0")
    bucket, key = world.dev.settings.names.artifact_bucket, "verdicts/1.0.0/dev-1.json"
    body = b'{"document":{},"envelope":%b}' % envelope
    world.dev.session.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    with pytest.raises(Refused, match=r"the verdict verdicts/1\.0\.0/dev-1\.json signed by dev is not a signed"):
        world.dev.releases.verdict(manifest, "dev-1")


def test_checks_that_could_not_have_been_published_are_not_adopted(world: World) -> None:
    manifest = replace(world.publish("1.0.0"), checks=(Check(name="a", path="/", headers={"Host": "elsewhere"}),))
    with pytest.raises(Refused, match=r"the manifest of 1\.0\.0: 'a' may not send a header 'Host'"):
        world.qa.releases.adopt(manifest, world.dev.releases)
    assert world.qa.releases.find("1.0.0") is None


def test_row_05_a_manifest_that_was_changed_in_the_bucket_is_refused(world: World) -> None:
    world.publish("1.0.0")
    bucket, key = world.dev.settings.names.artifact_bucket, manifest_key("1.0.0")
    s3 = world.dev.session.client("s3")
    signed = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    signed["document"]["digest"] = "0" * 64
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(signed).encode())
    with pytest.raises(Refused, match="does not match its signature"):
        world.dev.releases.get("1.0.0")


def test_a_manifest_moved_from_another_environment_is_refused(world: World) -> None:
    world.publish("1.0.0")
    key = manifest_key("1.0.0")
    s3 = world.dev.session.client("s3")
    s3.copy_object(
        Bucket=world.qa.settings.names.artifact_bucket,
        Key=key,
        CopySource={"Bucket": world.dev.settings.names.artifact_bucket, "Key": key},
    )
    with pytest.raises(Refused, match="signature of another key"):
        world.qa.releases.get("1.0.0")


def test_a_manifest_under_another_version_is_refused(world: World) -> None:
    world.publish("1.0.0")
    bucket = world.dev.settings.names.artifact_bucket
    source = {"Bucket": bucket, "Key": manifest_key("1.0.0")}
    world.dev.session.client("s3").copy_object(Bucket=bucket, Key=manifest_key("2.0.0"), CopySource=source)
    with pytest.raises(Refused, match=r"the manifest of 2\.0\.0 is of 1\.0\.0"):
        world.dev.releases.get("2.0.0")


def test_an_adopted_release_has_the_same_bytes_and_this_environments_signature(world: World) -> None:
    manifest = world.publish("1.0.0")
    world.qa.releases.adopt(manifest, world.dev.releases)
    assert world.qa.releases.get("1.0.0") == manifest
    s3, key = world.dev.session.client("s3"), manifest.artifact_key
    bodies = [
        s3.get_object(Bucket=environment.settings.names.artifact_bucket, Key=key)["Body"].read()
        for environment in (world.dev, world.qa)
    ]
    assert bodies[0] == bodies[1] == (world.folder / "app-1.0.0.tar.gz").read_bytes()


@pytest.mark.moto
def test_an_artifact_of_any_size_is_published_and_adopted_in_parts(world: World) -> None:
    path = build_artifact(world.folder / "large.tar.gz", {"data": "".join(map(str, range(3_000_000)))})
    artifact = inspect_artifact(path, one_request=PART, part=PART)
    assert artifact.parts is not None
    small = world.publish("0.9.0")
    manifest = replace(
        small, version="1.0.0", digest=artifact.digest, size=artifact.size, parts=artifact.parts, file_name=path.name
    )
    assert world.dev.releases.publish(artifact, manifest)
    world.qa.releases.adopt(world.dev.releases.get("1.0.0"), world.dev.releases)
    world.qa.releases.refuse_other_bytes(manifest)
    copied = world.qa.session.client("s3").get_object(
        Bucket=world.qa.settings.names.artifact_bucket, Key=manifest.artifact_key
    )
    assert hashlib.sha256(copied["Body"].read()).hexdigest() == manifest.digest


@pytest.mark.moto
def test_row_05_parts_of_other_bytes_are_found_by_what_s3_reports(world: World) -> None:
    manifest = replace(world.publish("1.0.0"), parts=Parts(size=PART, digest="0" * 64))
    world.dev.releases.refuse_other_bytes(manifest)
    bucket = world.dev.settings.names.artifact_bucket
    s3 = world.dev.session.client("s3")
    upload = {"Bucket": bucket, "Key": manifest.artifact_key}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ChecksumAlgorithm="SHA256")["UploadId"]
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"planted", ChecksumAlgorithm="SHA256")["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    with pytest.raises(Refused, match=r"the artifact of 1\.0\.0 has other bytes"):
        world.dev.releases.refuse_other_bytes(manifest)


def test_a_release_that_was_pruned_here_gets_its_bytes_from_where_they_are(world: World) -> None:
    manifest = world.publish("1.0.0")
    world.qa.releases.adopt(manifest, world.dev.releases)
    world.qa.releases.remove_bytes(manifest)
    world.qa.releases.adopt(manifest, world.dev.releases)
    world.qa.releases.refuse_other_bytes(manifest)


def test_row_14_a_pruned_artifact_is_found_before_anything_changes(world: World) -> None:
    manifest = world.publish("1.0.0")
    world.dev.session.client("s3").delete_object(
        Bucket=world.dev.settings.names.artifact_bucket, Key=manifest.artifact_key
    )
    with pytest.raises(Refused, match=r"the artifact of 1\.0\.0 is gone"):
        world.dev.releases.refuse_other_bytes(manifest)


def test_row_05_bytes_changed_in_the_bucket_are_found_by_what_s3_reports(world: World) -> None:
    manifest = world.publish("1.0.0")
    bucket = world.dev.settings.names.artifact_bucket
    world.dev.session.client("s3").put_object(
        Bucket=bucket, Key=manifest.artifact_key, Body=b"planted", ChecksumAlgorithm="SHA256"
    )
    with pytest.raises(Refused, match=r"the artifact of 1\.0\.0 has other bytes"):
        world.dev.releases.refuse_other_bytes(manifest)


def test_planted_bytes_under_a_digest_are_never_signed(world: World) -> None:
    manifest = world.publish("1.0.0")
    target = world.qa.settings.names.artifact_bucket
    world.qa.session.client("s3").put_object(
        Bucket=target, Key=manifest.artifact_key, Body=b"planted", ChecksumAlgorithm="SHA256"
    )
    with pytest.raises(Refused, match="has other bytes"):
        world.qa.releases.adopt(manifest, world.dev.releases)
    assert world.qa.releases.find("1.0.0") is None


def test_a_verdict_counts_for_its_bytes_only(world: World) -> None:
    manifest = world.publish("1.0.0")
    world.dev.releases.sign_verdict(Verdict(version="1.0.0", digest="0" * 64, **VERDICT))
    assert world.dev.releases.verdict(manifest, "dev-1") is None


def test_a_verdict_counts_for_its_deployment_only(world: World) -> None:
    manifest = world.publish("1.0.0")
    world.dev.releases.sign_verdict(Verdict(version="1.0.0", digest=manifest.digest, **VERDICT))
    assert world.dev.releases.verdict(manifest, "dev-2") is None


def test_a_verdict_is_read_back(world: World) -> None:
    manifest = world.publish("1.0.0")
    verdict = Verdict(version="1.0.0", digest=manifest.digest, **VERDICT)
    world.dev.releases.sign_verdict(verdict)
    assert world.dev.releases.verdict(manifest, "dev-1") == verdict
