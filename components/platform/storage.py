"""Storage: the artifact bucket, the backup bucket and the key that signs manifests and verdicts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws.kms.alias import Alias
from pulumi_aws.kms.key import Key
from pulumi_aws.s3.bucket import Bucket
from pulumi_aws.s3.bucket_object_lock_configuration import (
    BucketObjectLockConfiguration,
    BucketObjectLockConfigurationRuleArgs,
    BucketObjectLockConfigurationRuleDefaultRetentionArgs,
)
from pulumi_aws.s3.bucket_versioning import BucketVersioning, BucketVersioningVersioningConfigurationArgs

from components.keys import DELETION_DAYS
from components.platform.buckets import Statement, deny_plain_http, encrypt, guard
from settings import model
from settings.names import Names

RETENTION_DAYS = 30
"""How long Object Lock keeps an artifact or a backup where the setting asks for a lock."""


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """In a protected environment what holds history cannot be destroyed."""

    names: Names
    storage: model.Storage
    protected: bool


class Storage(pulumi.ComponentResource):
    """Two private, versioned, encrypted buckets and an asymmetric key that never leaves KMS."""

    artifact_bucket: Output[str]
    backup_bucket: Output[str]
    signing_key_arn: Output[str]

    def __init__(self, name: str, args: StorageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("stageline:platform:Storage", name, {}, opts)
        self._prefix, self._args, self._child = name, args, ResourceOptions(parent=self)
        # What holds history must not go by accident: `pulumi destroy` refuses it in a protected environment.
        self._kept = ResourceOptions(parent=self, protect=args.protected)

        names = args.names
        artifacts = self._make_bucket("artifacts", names.artifact_bucket)
        backups = self._make_bucket("backups", names.backup_bucket)
        self._guard("artifacts", artifacts, artifact_statements(names.artifact_bucket, args.storage.readable_by))
        self._guard("backups", backups, [deny_plain_http(names.backup_bucket), deny_overwriting(names.backup_bucket)])

        self.artifact_bucket = artifacts.bucket
        self.backup_bucket = backups.bucket
        self.signing_key_arn = self._make_signing_key().arn
        self.register_outputs(
            {
                "artifact_bucket": self.artifact_bucket,
                "backup_bucket": self.backup_bucket,
                "signing_key_arn": self.signing_key_arn,
            }
        )

    def _make_bucket(self, part: str, bucket_name: str) -> Bucket:
        bucket = Bucket(
            f"{self._prefix}-{part}",
            bucket=bucket_name,
            force_destroy=self._args.storage.force_destroy,
            object_lock_enabled=True,  # always: turning it on later would replace the bucket; the rule is the setting
            opts=self._kept,
        )
        versioning = self._keep_versions(part, bucket)
        encrypt(f"{self._prefix}-{part}", bucket, self._child)
        if self._args.storage.object_lock != "none":
            self._lock(part, bucket, versioning)
        return bucket

    def _keep_versions(self, part: str, bucket: Bucket) -> BucketVersioning:
        return BucketVersioning(
            f"{self._prefix}-{part}",
            bucket=bucket.id,
            versioning_configuration=BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._child,
        )

    def _lock(self, part: str, bucket: Bucket, versioning: BucketVersioning) -> None:
        """Keep every new object for a time, even from an administrator. S3 asks for versioning first."""
        retention = BucketObjectLockConfigurationRuleDefaultRetentionArgs(
            mode=self._args.storage.object_lock.upper(), days=RETENTION_DAYS
        )
        BucketObjectLockConfiguration(
            f"{self._prefix}-{part}",
            bucket=bucket.id,
            rule=BucketObjectLockConfigurationRuleArgs(default_retention=retention),
            opts=ResourceOptions(parent=self, depends_on=[versioning]),
        )

    def _guard(self, part: str, bucket: Bucket, statements: Sequence[Statement]) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        guard(f"{self._prefix}-{part}", bucket, policy, self._child)

    def _make_signing_key(self) -> Key:
        key = Key(
            f"{self._prefix}-signing",
            description="Signs release manifests and verdicts of this environment",
            customer_master_key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            deletion_window_in_days=DELETION_DAYS,  # what it signed can be verified until then
            opts=self._kept,
        )
        Alias(
            f"{self._prefix}-signing",
            name=self._args.names.signing_alias,
            target_key_id=key.key_id,
            opts=self._child,
        )
        return key


def artifact_statements(bucket: str, readable_by: Sequence[str]) -> list[Statement]:
    """The artifact bucket's policy: encrypted transport, nothing overwritten, readers by name."""
    statements = [deny_plain_http(bucket), deny_overwriting(bucket)]
    return [*statements, allow_reading(bucket, readable_by)] if readable_by else statements


def deny_overwriting(bucket: str) -> Statement:
    """Refuse writes without `If-None-Match`: the bytes of a version, and a deployment's backup, never change.

    The parts of a multipart upload do not create an object and cannot carry the header, so they are exempt.
    """
    return {
        "Sid": "DenyOverwriting",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {
            "Null": {"s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        },
    }


def allow_reading(bucket: str, accounts: Sequence[str]) -> Statement:
    """Let other accounts read artifacts: where the next environment is in an account of its own."""
    return {
        "Sid": "AllowReading",
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
