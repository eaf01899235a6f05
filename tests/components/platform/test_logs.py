"""Logs: who may write where, how long it stays, and who may use the key."""

import json
from typing import Any

import pytest

from tests.components.recording import record, settings_of

BUCKET = "env-logs-access-bucket"
KEY = "aws:kms/key:Key"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def statements(policy: str) -> dict[str, dict[str, Any]]:
    """A policy's statements by name."""
    return {one["Sid"]: one for one in json.loads(policy)["Statement"]}


def access_policy() -> dict[str, dict[str, Any]]:
    policy = record(settings_of("prod")).one("aws:s3/bucketPolicy:BucketPolicy", "env-logs-access")
    return statements(policy.inputs["policy"])


def test_load_balancers_of_this_account_may_write_access_logs_and_nobody_else_may_do_anything() -> None:
    delivery = access_policy()["AllowAccessLogs"]
    assert delivery["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert delivery["Action"] == "s3:PutObject"
    assert delivery["Resource"] == f"arn:aws:s3:::{BUCKET}/AWSLogs/123456789012/*"
    assert delivery["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert [one["Effect"] for one in access_policy().values()].count("Allow") == 1


def test_the_access_bucket_refuses_what_is_not_encrypted_on_its_way() -> None:
    refused = access_policy()["DenyPlainHttp"]
    assert refused["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]


def test_the_access_bucket_is_encrypted_with_the_only_key_that_a_balancer_can_use() -> None:
    [rule] = record(settings_of("prod")).one(ENCRYPTION, "env-logs-access").inputs["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}


def test_the_access_bucket_is_closed_to_the_public_before_it_has_a_policy() -> None:
    recording = record(settings_of("prod"))
    closed = recording.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "env-logs-access")
    policy = recording.one("aws:s3/bucketPolicy:BucketPolicy", "env-logs-access")
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [closed.inputs[switch] for switch in switches] == [True] * 4
    assert closed.urn in policy.after


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_old_access_logs_go_after_the_days_of_the_setting(environment: str) -> None:
    settings = settings_of(environment)
    days = settings.load_balancer.access_log_days
    [rule] = record(settings).one(LIFECYCLE, "env-logs-access").inputs["rules"]
    assert (rule["status"], rule["expiration"]) == ("Enabled", {"days": days})


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_servers_log_group_has_the_derived_name_and_the_days_of_the_setting(environment: str) -> None:
    settings = settings_of(environment)
    group = record(settings).one("aws:cloudwatch/logGroup:LogGroup", "env-logs-servers")
    assert group.inputs == {
        "name": f"/stageline/{environment}/servers",
        "retentionInDays": settings.monitoring.log_days,
        "kmsKeyId": "arn:of:env-logs-key",
    }


def test_the_key_is_used_by_log_groups_of_this_account_and_by_alarms_that_publish() -> None:
    key = record(settings_of("prod")).one(KEY, "env-logs-key")
    used = statements(key.inputs["policy"])
    assert key.inputs["enableKeyRotation"] is True
    assert used["AllowAccount"]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert used["AllowAlarms"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert used["AllowAlarms"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert used["AllowLogGroups"]["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    assert used["AllowLogGroups"]["Condition"] == {
        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-central-1:123456789012:log-group:*"}
    }
