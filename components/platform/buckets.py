"""Buckets: what every bucket of an environment has, whatever it holds."""

from typing import Any

from pulumi import Input, ResourceOptions
from pulumi_aws.s3.bucket import Bucket
from pulumi_aws.s3.bucket_policy import BucketPolicy
from pulumi_aws.s3.bucket_public_access_block import BucketPublicAccessBlock
from pulumi_aws.s3.bucket_server_side_encryption_configuration import (
    BucketServerSideEncryptionConfiguration,
    BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs,
    BucketServerSideEncryptionConfigurationRuleArgs,
)

Statement = dict[str, Any]


def encrypt(name: str, bucket: Bucket, opts: ResourceOptions) -> None:
    """Encrypt what the bucket holds, with S3's own keys."""
    by_default = BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs
    rule = BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=by_default(sse_algorithm="AES256")
    )
    BucketServerSideEncryptionConfiguration(name, bucket=bucket.id, rules=[rule], opts=opts)


def guard(name: str, bucket: Bucket, policy: Input[str], opts: ResourceOptions) -> BucketPolicy:
    """Close the bucket to the public, then set its policy: S3 refuses both at the same moment."""
    closed = BucketPublicAccessBlock(
        name,
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    after = ResourceOptions.merge(opts, ResourceOptions(depends_on=[closed]))
    return BucketPolicy(name, bucket=bucket.id, policy=policy, opts=after)


def deny_plain_http(bucket: str) -> Statement:
    """Refuse every request that is not encrypted on its way."""
    return {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
