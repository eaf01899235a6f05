"""Buckets; what else S3 keeps about a bucket are resources of their own, with the bucket's name as id."""

from collections.abc import Mapping, Sequence

from botocore.exceptions import ClientError

from local.aws_provider.calls import from_pairs, or_nothing, pairs, same_json
from local.aws_provider.errors import is_missing
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Tagging, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for

DELETE_AT_ONCE = 1000
"""How many objects S3 deletes in one call."""


# --- Bucket


def create_bucket(api: Api, request: Description) -> Description:
    if api.region != "us-east-1":
        request = {**request, "CreateBucketConfiguration": {"LocationConstraint": api.region}}
    api.client.create_bucket(**request)
    return {"Bucket": request["Bucket"]}


def read_bucket(api: Api, bucket: str) -> Description:
    api.client.head_bucket(Bucket=bucket)
    return {
        "Bucket": bucket,
        "ObjectLockEnabledForBucket": read_object_lock(api, bucket) is not None,
        "Arn": f"arn:aws:s3:::{bucket}",
        "Region": api.region,
        "DomainName": f"{bucket}.s3.amazonaws.com",
        "RegionalDomainName": f"{bucket}.s3.{api.region}.amazonaws.com",
    }


def delete_bucket(api: Api, bucket: str, old: Properties) -> None:
    if old.get("forceDestroy"):
        empty_bucket(api, bucket)
    api.client.delete_bucket(Bucket=bucket)


def empty_bucket(api: Api, bucket: str) -> None:
    """Delete every version of every object; what is under a lock stays, and then so does the bucket."""
    for page in api.client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for each in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        for start in range(0, len(objects), DELETE_AT_ONCE):
            api.client.delete_objects(
                Bucket=bucket, Delete={"Objects": objects[start : start + DELETE_AT_ONCE], "Quiet": True}
            )


def bucket_tags(api: Api, bucket: str) -> dict[str, str]:
    try:
        return from_pairs(api.client.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as error:
        if is_missing(error):
            return {}
        raise


def set_bucket_tags(api: Api, bucket: str, tags: Mapping[str, str]) -> None:
    """Add tags; S3 only replaces all of them at once."""
    wanted = {**bucket_tags(api, bucket), **tags}
    api.client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs(wanted)})


def remove_bucket_tags(api: Api, bucket: str, keys: Sequence[str]) -> None:
    wanted = {key: value for key, value in bucket_tags(api, bucket).items() if key not in keys}
    api.client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs(wanted)})


BUCKET = ResourceType(
    token="aws:s3/bucket:Bucket",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", replaces=True),
        "objectLockEnabled": Input("ObjectLockEnabledForBucket", default=False, replaces=True),
        "forceDestroy": Input(only_here=True, default=False),
    },
    outputs={
        "arn": "Arn",
        "bucketRegion": "Region",
        "bucketDomainName": "DomainName",
        "bucketRegionalDomainName": "RegionalDomainName",
    },
    create=create_bucket,
    read=read_bucket,
    delete=delete_bucket,
    tagging=Tagging(
        request=None,
        read=lambda api, description: bucket_tags(api, description["Bucket"]),
        set=set_bucket_tags,
        remove=remove_bucket_tags,
    ),
    autoname=Autoname(input="bucket", longest=63, lower_case=True),
)


# --- BucketVersioning


def put_versioning(api: Api, bucket: str, change: Change) -> None:
    api.client.put_bucket_versioning(**request_for(VERSIONING.inputs, change.new))


def create_versioning(api: Api, request: Description) -> Description:
    api.client.put_bucket_versioning(**request)
    return request


def read_versioning(api: Api, bucket: str) -> Description | None:
    found = api.client.get_bucket_versioning(Bucket=bucket)
    return {"Bucket": bucket, "VersioningConfiguration": found} if found.get("Status") else None


def suspend_versioning(api: Api, bucket: str, old: Properties) -> None:
    """Suspend it: S3 cannot take it away. A bucket with an object lock keeps it, as S3 demands."""
    if read_object_lock(api, bucket) is None:
        api.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


VERSIONING = ResourceType(
    token="aws:s3/bucketVersioning:BucketVersioning",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        "versioningConfiguration": Input(
            "VersioningConfiguration",
            required=True,
            fields={
                "status": Input("Status", required=True),
                "mfaDelete": Input("MFADelete", computed=True),
            },
        ),
    },
    create=create_versioning,
    read=read_versioning,
    delete=suspend_versioning,
    updates=[Updating(inputs=("versioningConfiguration",), run=put_versioning)],
    alone_by=("bucket",),
)


# --- BucketPublicAccessBlock


def create_access_block(api: Api, request: Description) -> Description:
    api.client.put_public_access_block(**request)
    return request


def read_access_block(api: Api, bucket: str) -> Description:
    return {"Bucket": bucket, **api.client.get_public_access_block(Bucket=bucket)}


def put_access_block(api: Api, bucket: str, change: Change) -> None:
    api.client.put_public_access_block(**request_for(ACCESS_BLOCK.inputs, change.new))


def delete_access_block(api: Api, bucket: str, old: Properties) -> None:
    if not old.get("skipDestroy"):
        api.client.delete_public_access_block(Bucket=bucket)


BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

ACCESS_BLOCK = ResourceType(
    token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        **{
            name: Input(f"PublicAccessBlockConfiguration.{name[0].upper()}{name[1:]}", default=False) for name in BLOCKS
        },
        "skipDestroy": Input(only_here=True, default=False),
    },
    create=create_access_block,
    read=read_access_block,
    delete=delete_access_block,
    updates=[Updating(inputs=BLOCKS, run=put_access_block)],
    alone_by=("bucket",),
)


# --- BucketServerSideEncryptionConfiguration


def create_encryption(api: Api, request: Description) -> Description:
    api.client.put_bucket_encryption(**request)
    return request


def read_encryption(api: Api, bucket: str) -> Description:
    return {"Bucket": bucket, **api.client.get_bucket_encryption(Bucket=bucket)}


def put_encryption(api: Api, bucket: str, change: Change) -> None:
    api.client.put_bucket_encryption(**request_for(ENCRYPTION.inputs, change.new))


ENCRYPTION = ResourceType(
    token="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        "rules": Input(
            "ServerSideEncryptionConfiguration.Rules",
            required=True,
            many=True,
            fields={
                "applyServerSideEncryptionByDefault": Input(
                    "ApplyServerSideEncryptionByDefault",
                    fields={
                        "sseAlgorithm": Input("SSEAlgorithm", required=True),
                        "kmsMasterKeyId": Input("KMSMasterKeyID"),
                    },
                ),
                "bucketKeyEnabled": Input("BucketKeyEnabled", computed=True),
            },
        ),
    },
    create=create_encryption,
    read=read_encryption,
    delete=lambda api, bucket, old: api.client.delete_bucket_encryption(Bucket=bucket),
    updates=[Updating(inputs=("rules",), run=put_encryption)],
    alone_by=("bucket",),
)


# --- BucketPolicy


def create_policy(api: Api, request: Description) -> Description:
    api.client.put_bucket_policy(**request)
    return request


def read_policy(api: Api, bucket: str) -> Description:
    return {"Bucket": bucket, **api.client.get_bucket_policy(Bucket=bucket)}


def put_policy(api: Api, bucket: str, change: Change) -> None:
    api.client.put_bucket_policy(Bucket=bucket, Policy=change.new["policy"])


POLICY = ResourceType(
    token="aws:s3/bucketPolicy:BucketPolicy",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        "policy": Input("Policy", required=True, same=same_json),
    },
    create=create_policy,
    read=read_policy,
    delete=lambda api, bucket, old: api.client.delete_bucket_policy(Bucket=bucket),
    updates=[Updating(inputs=("policy",), run=put_policy)],
    alone_by=("bucket",),
)


# --- BucketObjectLockConfiguration


def create_object_lock(api: Api, request: Description) -> Description:
    api.client.put_object_lock_configuration(**request)
    return request


def read_object_lock(api: Api, bucket: str) -> Description | None:
    try:
        found = api.client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return {"Bucket": bucket, "ObjectLockConfiguration": found} if found.get("ObjectLockEnabled") else None


def put_object_lock(api: Api, bucket: str, change: Change) -> None:
    api.client.put_object_lock_configuration(**request_for(OBJECT_LOCK.inputs, change.new))


def delete_object_lock(api: Api, bucket: str, old: Properties) -> None:
    """Take away the default retention; the lock itself stays with the bucket for good."""
    api.client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def duration(place: str) -> Input:
    """Make the input for one of the two ways to say how long; zero stands for the one that was not used."""
    return Input(place, from_aws=or_nothing)


OBJECT_LOCK = ResourceType(
    token="aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        "objectLockEnabled": Input("ObjectLockConfiguration.ObjectLockEnabled", default="Enabled", replaces=True),
        "rule": Input(
            "ObjectLockConfiguration.Rule",
            fields={
                "defaultRetention": Input(
                    "DefaultRetention",
                    required=True,
                    fields={"mode": Input("Mode"), "days": duration("Days"), "years": duration("Years")},
                    exactly_one=(("days", "years"),),
                )
            },
        ),
    },
    create=create_object_lock,
    read=read_object_lock,
    delete=delete_object_lock,
    updates=[Updating(inputs=("rule",), run=put_object_lock)],
    alone_by=("bucket",),
)

ENTRIES = (BUCKET, VERSIONING, ACCESS_BLOCK, ENCRYPTION, POLICY, OBJECT_LOCK)
