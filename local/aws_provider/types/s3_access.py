"""Whose the objects of a bucket are, and where its accesses are logged."""

from local.aws_provider.model import Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for

# --- BucketOwnershipControls


def create_ownership(api: Api, request: Description) -> Description:
    api.client.put_bucket_ownership_controls(**request)
    return request


def read_ownership(api: Api, bucket: str) -> Description:
    return {"Bucket": bucket, **api.client.get_bucket_ownership_controls(Bucket=bucket)}


def put_ownership(api: Api, bucket: str, change: Change) -> None:
    api.client.put_bucket_ownership_controls(**request_for(OWNERSHIP.inputs, change.new))


OWNERSHIP = ResourceType(
    token="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        "rule": Input(
            "OwnershipControls.Rules",
            required=True,
            fields={"objectOwnership": Input("ObjectOwnership", required=True)},
            to_aws=lambda rule: [rule],
            from_aws=lambda rules: rules[0],
        ),
    },
    create=create_ownership,
    read=read_ownership,
    delete=lambda api, bucket, old: api.client.delete_bucket_ownership_controls(Bucket=bucket),
    updates=[Updating(inputs=("rule",), run=put_ownership)],
    alone_by=("bucket",),
)


# --- BucketLogging


def create_logging(api: Api, request: Description) -> Description:
    api.client.put_bucket_logging(**request)
    return request


def read_logging(api: Api, bucket: str) -> Description | None:
    found = api.client.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
    return {"Bucket": bucket, "BucketLoggingStatus": {"LoggingEnabled": found}} if found else None


def put_logging(api: Api, bucket: str, change: Change) -> None:
    api.client.put_bucket_logging(**request_for(LOGGING.inputs, change.new))


def stop_logging(api: Api, bucket: str, old: Properties) -> None:
    api.client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


LOGGING = ResourceType(
    token="aws:s3/bucketLogging:BucketLogging",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        "targetBucket": Input("BucketLoggingStatus.LoggingEnabled.TargetBucket", required=True),
        "targetPrefix": Input("BucketLoggingStatus.LoggingEnabled.TargetPrefix", required=True),
    },
    create=create_logging,
    read=read_logging,
    delete=stop_logging,
    updates=[Updating(inputs=("targetBucket", "targetPrefix"), run=put_logging)],
    alone_by=("bucket",),
)

ENTRIES = (OWNERSHIP, LOGGING)
