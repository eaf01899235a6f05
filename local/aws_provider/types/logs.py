"""Log groups."""

from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Tagging, Updating
from local.aws_provider.session import Api

FOR_EVER = 0
"""How many days logs are kept where nothing is said."""


def create_group(api: Api, request: Description) -> Description:
    api.client.create_log_group(**request)
    return request


def read_group(api: Api, name: str) -> Description | None:
    pages = api.client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    found = [group for page in pages for group in page["logGroups"] if group["logGroupName"] == name]
    if not found:
        return None
    arn = found[0]["arn"].removesuffix(":*")
    return {**found[0], "retentionInDays": found[0].get("retentionInDays", FOR_EVER), "arn": arn}


def set_retention(api: Api, name: str, change: Change) -> None:
    days = change.new["retentionInDays"]
    if days == FOR_EVER:
        api.client.delete_retention_policy(logGroupName=name)
    else:
        api.client.put_retention_policy(logGroupName=name, retentionInDays=days)


def set_key(api: Api, name: str, change: Change) -> None:
    key = change.new.get("kmsKeyId")
    if key:
        api.client.associate_kms_key(logGroupName=name, kmsKeyId=key)
    else:
        api.client.disassociate_kms_key(logGroupName=name)


def delete_group(api: Api, name: str, old: Properties) -> None:
    if not old.get("skipDestroy"):
        api.client.delete_log_group(logGroupName=name)


def group_arn(api: Api, name: str) -> str:
    return api.arn("logs", f"log-group:{name}")


GROUP_TAGS = Tagging(
    request=lambda tags: {"tags": dict(tags)},
    read=lambda api, group: api.client.list_tags_for_resource(resourceArn=group["arn"])["tags"],
    set=lambda api, name, tags: api.client.tag_resource(resourceArn=group_arn(api, name), tags=dict(tags)),
    remove=lambda api, name, keys: api.client.untag_resource(resourceArn=group_arn(api, name), tagKeys=list(keys)),
)

LOG_GROUP = ResourceType(
    token="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    identity="logGroupName",
    inputs={
        "name": Input("logGroupName", replaces=True),
        "retentionInDays": Input("retentionInDays", default=FOR_EVER, later=True),
        "kmsKeyId": Input("kmsKeyId"),
        "skipDestroy": Input(only_here=True, default=False),
    },
    outputs={"arn": "arn"},
    create=create_group,
    read=read_group,
    delete=delete_group,
    updates=[
        Updating(inputs=("retentionInDays",), run=set_retention),
        Updating(inputs=("kmsKeyId",), run=set_key),
    ],
    tagging=GROUP_TAGS,
    autoname=Autoname(longest=512),
)

ENTRIES = (LOG_GROUP,)
