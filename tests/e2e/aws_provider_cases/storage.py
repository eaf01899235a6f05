"""Buckets, keys and parameters."""

from tests.e2e.aws_provider_cases.case import RETAGGED, TAGS, Case, policy


def bucket_policy(sid: str) -> str:
    """Make a policy of the bucket under test."""
    return policy(
        {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "${bucket.arn}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def key_policy(sid: str) -> str:
    """Make a policy of a key: the account may do everything."""
    who = {"AWS": "arn:aws:iam::123456789012:root"}
    return policy({"Sid": sid, "Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*"})


STORAGE = {
    "bucket": Case(
        type="aws:s3/bucket:Bucket",
        inputs={"objectLockEnabled": True, "forceDestroy": True, "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"bucket": "another-name-for-the-bucket"},
        drift=lambda clients, bucket: clients("s3").delete_bucket_tagging(Bucket=bucket["id"]),
        reads=("arn", "bucketRegionalDomainName"),
    ),
    "plain-bucket": Case(
        type="aws:s3/bucket:Bucket", inputs={"bucket": "a-plain-bucket", "forceDestroy": True}, reads=("arn",)
    ),
    "versioning": Case(
        type="aws:s3/bucketVersioning:BucketVersioning",
        inputs={"bucket": "${plain-bucket.bucket}", "versioningConfiguration": {"status": "Enabled"}},
        update={"versioningConfiguration": {"status": "Suspended"}},
        replacement={"bucket": "${bucket.bucket}", "versioningConfiguration": {"status": "Enabled"}},
        drift=lambda clients, versioning: clients("s3").put_bucket_versioning(
            Bucket=versioning["id"], VersioningConfiguration={"Status": "Enabled"}
        ),
    ),
    "access-block": Case(
        type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        inputs={"bucket": "${plain-bucket.bucket}", "blockPublicAcls": True},
        update={
            "blockPublicAcls": False,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        replacement={"bucket": "${bucket.bucket}"},
        drift=lambda clients, block: clients("s3").delete_public_access_block(Bucket=block["id"]),
    ),
    "encryption": Case(
        type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        inputs={
            "bucket": "${plain-bucket.bucket}",
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        update={
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "${key.arn}"},
                    "bucketKeyEnabled": True,
                }
            ]
        },
        replacement={"bucket": "${bucket.bucket}"},
        drift=lambda clients, encryption: clients("s3").put_bucket_encryption(
            Bucket=encryption["id"],
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
    ),
    "bucket-policy": Case(
        type="aws:s3/bucketPolicy:BucketPolicy",
        inputs={"bucket": "${bucket.bucket}", "policy": bucket_policy("One")},
        update={"policy": bucket_policy("Two")},
        replacement={"bucket": "${plain-bucket.bucket}"},
        drift=lambda clients, attached: clients("s3").put_bucket_policy(
            Bucket=attached["id"], Policy=attached["policy"].replace("Two", "ByHand")
        ),
    ),
    "object-lock": Case(
        type="aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        inputs={"bucket": "${bucket.bucket}", "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 1}}},
        update={"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 2}}},
        replacement={"bucket": "${bucket.bucket}"},  # which is another bucket by then
        drift=lambda clients, lock: clients("s3").put_object_lock_configuration(
            Bucket=lock["id"],
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 9}},
            },
        ),
    ),
    "lifecycle": Case(
        type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        inputs={
            "bucket": "${plain-bucket.bucket}",
            "rules": [
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "noncurrentVersionExpiration": {"noncurrentDays": 90, "newerNoncurrentVersions": 5},
                },
                {
                    "id": "uploads",
                    "status": "Enabled",
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
            ],
        },
        update={
            "rules": [
                {
                    "id": "logs",
                    "status": "Disabled",
                    "filter": {"prefix": "logs/"},
                    "expiration": {"days": 400},
                    "transitions": [
                        {"days": 30, "storageClass": "STANDARD_IA"},
                        {"days": 90, "storageClass": "GLACIER"},
                    ],
                },
                {
                    "id": "versions",
                    "status": "Enabled",
                    "filter": {"and": {"prefix": "a/", "tags": {"keep": "no", "case": "one"}}},
                    "expiration": {"expiredObjectDeleteMarker": True},
                    "noncurrentVersionTransitions": [{"noncurrentDays": 30, "storageClass": "GLACIER"}],
                },
                {
                    "id": "tagged",
                    "status": "Enabled",
                    "filter": {"tag": {"key": "keep", "value": "no"}},
                    "expiration": {"days": 1},
                },
                {
                    "id": "large",
                    "status": "Enabled",
                    "filter": {"objectSizeGreaterThan": 500},
                    "expiration": {"days": 1},
                },
                {"id": "all", "status": "Disabled", "filter": {}, "expiration": {"days": 1000}},
            ]
        },
        replacement={"bucket": "${bucket.bucket}"},
        drift=lambda clients, lifecycle: clients("s3").delete_bucket_lifecycle(Bucket=lifecycle["id"]),
    ),
    "key": Case(
        type="aws:kms/key:Key",
        inputs={"description": "under test", "enableKeyRotation": True, "deletionWindowInDays": 7, "tags": TAGS},
        update={"description": "changed", "enableKeyRotation": False, "isEnabled": False, "tags": RETAGGED},
        drift=lambda clients, key: clients("kms").update_key_description(KeyId=key["id"], Description="by hand"),
        reads=("arn", "keyId", "policy"),
    ),
    "signing-key": Case(
        type="aws:kms/key:Key",
        inputs={"keyUsage": "SIGN_VERIFY", "customerMasterKeySpec": "ECC_NIST_P256", "deletionWindowInDays": 7},
        replacement={"customerMasterKeySpec": "ECC_NIST_P384"},
    ),
    "alias": Case(
        type="aws:kms/alias:Alias",
        inputs={"name": "alias/under-test", "targetKeyId": "${key.keyId}"},
        update={"targetKeyId": "${signing-key.keyId}"},
        replacement={"name": "alias/renamed"},
        drift=lambda clients, alias: clients("kms").delete_alias(AliasName=alias["id"]),
        reads=("arn", "targetKeyArn"),
    ),
    "parameter": Case(
        type="aws:ssm/parameter:Parameter",
        inputs={"name": "/case/database", "type": "String", "value": "one", "description": "of a case", "tags": TAGS},
        update={"value": "two", "description": "changed", "tags": RETAGGED},
        replacement={"name": "/case/other"},
        drift=lambda clients, parameter: clients("ssm").put_parameter(
            Name=parameter["id"], Value="by hand", Type="String", Overwrite=True
        ),
        reads=("arn", "version"),
    ),
    "rotating-key": Case(
        type="aws:kms/key:Key",
        inputs={
            "multiRegion": True,
            "policy": key_policy("One"),
            "enableKeyRotation": True,
            "rotationPeriodInDays": 180,
            "deletionWindowInDays": 7,
        },
        update={"policy": key_policy("Two"), "rotationPeriodInDays": 90},
    ),
    "secret-parameter": Case(
        type="aws:ssm/parameter:Parameter",
        inputs={
            "name": "/case/secret",
            "type": "SecureString",
            "value": "one",
            "keyId": "${key.keyId}",
            "dataType": "text",
            "tier": "Advanced",
            "allowedPattern": "[a-z]+",
        },
        update={"keyId": "${rotating-key.keyId}", "allowedPattern": "[a-z]*"},
    ),
    "changing-parameter": Case(
        type="aws:ssm/parameter:Parameter",
        inputs={"name": "/case/list", "type": "String", "value": "one", "tier": "Standard"},
        update={"type": "StringList", "value": "one,two", "tier": "Advanced", "overwrite": True},
    ),
}
