"""Storage: buckets that keep what they hold, and a key that only signs."""

import json
from typing import Any

import pytest

from components.recording import Declared, Recording
from settings.model import Storage
from tests.components.recording import record, settings_of

ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"


def policy(recording: Recording, part: str) -> dict[str, Any]:
    """A bucket's policy, statement by name."""
    declared = recording.one("aws:s3/bucketPolicy:BucketPolicy", f"env-storage-{part}")
    return {one["Sid"]: one for one in json.loads(declared.inputs["policy"])["Statement"]}


def own(recording: Recording, type: str) -> list[Declared]:
    """What of this type belongs to the storage."""
    return [one for one in recording.of(type) if one.name.startswith("env-storage-")]


def test_buckets_have_the_names_that_release_derives() -> None:
    settings = settings_of("prod")
    buckets = own(record(settings), "aws:s3/bucket:Bucket")
    assert [bucket.inputs["bucket"] for bucket in buckets] == [
        settings.names.artifact_bucket,
        settings.names.backup_bucket,
    ]


def test_every_bucket_keeps_versions_is_encrypted_and_closed_to_the_public() -> None:
    recording = record(settings_of("dev"))
    versioning = own(recording, "aws:s3/bucketVersioning:BucketVersioning")
    encryption = own(recording, ENCRYPTION)
    closed = own(recording, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    names = ["env-storage-artifacts", "env-storage-backups"]
    assert [one.name for one in versioning] == [one.name for one in encryption] == names
    assert [one.inputs["versioningConfiguration"] for one in versioning] == [{"status": "Enabled"}] * 2
    assert [{k: v for k, v in one.inputs.items() if k != "bucket"} for one in closed] == [
        {
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        }
    ] * 2


@pytest.mark.parametrize("part", ["artifacts", "backups"])
def test_a_bucket_refuses_what_is_not_encrypted_on_its_way(part: str) -> None:
    statement = policy(record(settings_of("dev")), part)["DenyPlainHttp"]
    bucket = f"arn:aws:s3:::stageline-dev-{part}-123456789012-eu-central-1"
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [bucket, f"{bucket}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("part", ["artifacts", "backups"])
def test_an_artifact_and_a_backup_are_written_once_and_parts_of_an_upload_are_exempt(part: str) -> None:
    statement = policy(record(settings_of("dev")), part)["DenyOverwriting"]
    assert statement["Resource"] == f"arn:aws:s3:::stageline-dev-{part}-123456789012-eu-central-1/*"
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:PutObject")
    assert statement["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }


def test_nobody_else_reads_artifacts_unless_the_setting_says_so() -> None:
    assert set(policy(record(settings_of("dev")), "artifacts")) == {"DenyPlainHttp", "DenyOverwriting"}


def test_accounts_that_the_setting_names_may_read_artifacts_and_nothing_more() -> None:
    storage = Storage(object_lock="none", readable_by=("210987654321",), force_destroy=False)
    recording = record(settings_of("dev", storage=storage))
    statement = policy(recording, "artifacts")["AllowReading"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::210987654321:root"]}
    assert statement["Action"] == "s3:GetObject"
    assert "AllowReading" not in policy(recording, "backups")


@pytest.mark.parametrize(
    ("environment", "modes"),
    [("dev", []), ("staging", ["GOVERNANCE", "GOVERNANCE"]), ("prod", ["COMPLIANCE", "COMPLIANCE"])],
)
def test_object_lock_is_always_possible_and_its_rule_is_the_setting(environment: str, modes: list[str]) -> None:
    recording = record(settings_of(environment))
    buckets = own(recording, "aws:s3/bucket:Bucket")
    assert [lock.inputs["rule"]["defaultRetention"]["mode"] for lock in recording.of(LOCK)] == modes
    assert [bucket.inputs["objectLockEnabled"] for bucket in buckets] == [True, True]


def test_the_signing_key_signs_on_the_curve_that_clients_verify_and_has_its_derived_alias() -> None:
    recording = record(settings_of("dev"))
    [key] = own(recording, "aws:kms/key:Key")
    alias = recording.one("aws:kms/alias:Alias", "env-storage-signing")
    assert (key.inputs["customerMasterKeySpec"], key.inputs["keyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert alias.inputs == {"name": "alias/stageline-dev-signing", "targetKeyId": "env-storage-signing-key"}
