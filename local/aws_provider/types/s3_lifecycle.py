"""What becomes of objects with time."""

from typing import Any

from local.aws_provider.calls import or_nothing
from local.aws_provider.model import Change, Description, Input, ResourceType, Updating
from local.aws_provider.session import Api
from local.aws_provider.translation import request_for

EVERY_OBJECT = {"Prefix": ""}


def create_lifecycle(api: Api, request: Description) -> Description:
    api.client.put_bucket_lifecycle_configuration(**request)
    return request


def read_lifecycle(api: Api, bucket: str) -> Description:
    found = api.client.get_bucket_lifecycle_configuration(Bucket=bucket)
    return {"Bucket": bucket, "LifecycleConfiguration": {"Rules": found["Rules"]}}


def put_lifecycle(api: Api, bucket: str, change: Change) -> None:
    api.client.put_bucket_lifecycle_configuration(**request_for(LIFECYCLE.inputs, change.new))


def with_filter(rule: Description) -> Description:
    """Say which objects a rule is for, as S3 demands: without a filter it is for all."""
    return {**rule, "Filter": rule.get("Filter") or EVERY_OBJECT}


def same_filter(one: Any, other: Any) -> bool:
    """Compare filters: an empty one is as good as none."""
    return bool((one or None) == (other or None))


def to_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def from_tags(tags: list[dict[str, str]]) -> dict[str, str] | None:
    return {tag["Key"]: tag["Value"] for tag in tags} or None


CRITERIA = {
    "prefix": Input("Prefix", from_aws=or_nothing),
    "objectSizeGreaterThan": Input("ObjectSizeGreaterThan"),
    "objectSizeLessThan": Input("ObjectSizeLessThan"),
}

FILTER = {
    **CRITERIA,
    "tag": Input("Tag", fields={"key": Input("Key", required=True), "value": Input("Value", required=True)}),
    "and": Input("And", fields={**CRITERIA, "tags": Input("Tags", to_aws=to_tags, from_aws=from_tags)}),
}

KEPT_VERSIONS = {
    "noncurrentDays": Input("NoncurrentDays", required=True),
    "newerNoncurrentVersions": Input("NewerNoncurrentVersions"),
}

RULE = {
    "id": Input("ID", required=True),
    "status": Input("Status", required=True),
    "filter": Input("Filter", fields=FILTER, same=same_filter, conflicts=(tuple(FILTER),)),
    "expiration": Input(
        "Expiration",
        fields={
            "days": Input("Days"),
            "expiredObjectDeleteMarker": Input("ExpiredObjectDeleteMarker", from_aws=or_nothing),
        },
        conflicts=(("days", "expiredObjectDeleteMarker"),),
    ),
    "transitions": Input(
        "Transitions",
        many=True,
        from_aws=or_nothing,
        fields={"days": Input("Days", required=True), "storageClass": Input("StorageClass", required=True)},
    ),
    "noncurrentVersionExpiration": Input("NoncurrentVersionExpiration", fields=KEPT_VERSIONS),
    "noncurrentVersionTransitions": Input(
        "NoncurrentVersionTransitions",
        many=True,
        from_aws=or_nothing,
        fields={**KEPT_VERSIONS, "storageClass": Input("StorageClass", required=True)},
    ),
    "abortIncompleteMultipartUpload": Input(
        "AbortIncompleteMultipartUpload",
        fields={"daysAfterInitiation": Input("DaysAfterInitiation", required=True)},
    ),
}

LIFECYCLE = ResourceType(
    token="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    service="s3",
    identity="Bucket",
    inputs={
        "bucket": Input("Bucket", required=True, replaces=True),
        "rules": Input("LifecycleConfiguration.Rules", required=True, many=True, fields=RULE, to_aws=with_filter),
    },
    create=create_lifecycle,
    read=read_lifecycle,
    delete=lambda api, bucket, old: api.client.delete_bucket_lifecycle(Bucket=bucket),
    updates=[Updating(inputs=("rules",), run=put_lifecycle)],
    alone_by=("bucket",),
)

ENTRIES = (LIFECYCLE,)
