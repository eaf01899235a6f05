"""Policies of their own, and roles that they are attached to."""

from local.aws_provider.calls import as_json, creates, or_nothing, same_json, tags_by
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api

VERSIONS = 5
"""How many versions of a policy IAM keeps."""


# --- Policy: its id is its ARN


def read_policy(api: Api, arn: str) -> Description:
    policy = api.client.get_policy(PolicyArn=arn)["Policy"]
    version = api.client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return {**policy, "PolicyDocument": as_json(version["Document"])}


def add_version(api: Api, arn: str, change: Change) -> None:
    """Make a new version the one that counts, dropping the oldest where there is no room."""
    old = old_versions(api, arn)
    if len(old) + 1 >= VERSIONS:
        api.client.delete_policy_version(PolicyArn=arn, VersionId=old[0])
    api.client.create_policy_version(PolicyArn=arn, PolicyDocument=change.new["policy"], SetAsDefault=True)


def old_versions(api: Api, arn: str) -> list[str]:
    """List the versions that do not count any more, the oldest first."""
    versions = api.client.list_policy_versions(PolicyArn=arn)["Versions"]
    return sorted(
        (each["VersionId"] for each in versions if not each["IsDefaultVersion"]),
        key=lambda version: int(version.removeprefix("v")),
    )


def delete_policy(api: Api, arn: str, old: Properties) -> None:
    for version in old_versions(api, arn):
        api.client.delete_policy_version(PolicyArn=arn, VersionId=version)
    api.client.delete_policy(PolicyArn=arn)


POLICY = ResourceType(
    token="aws:iam/policy:Policy",
    service="iam",
    global_service=True,
    identity="Arn",
    inputs={
        "name": Input("PolicyName", replaces=True),
        "path": Input("Path", default="/", replaces=True),
        "description": Input("Description", replaces=True, from_aws=or_nothing),
        "policy": Input("PolicyDocument", required=True, same=same_json),
    },
    outputs={"arn": "Arn", "policyId": "PolicyId"},
    create=creates("create_policy", "Policy"),
    read=read_policy,
    delete=delete_policy,
    updates=[Updating(inputs=("policy",), run=add_version)],
    tagging=tags_by("tag_policy", "untag_policy", "PolicyArn"),
    autoname=Autoname(longest=128),
)


# --- RolePolicyAttachment: its id is "<role>/<policy>", as `pulumi import` takes it


def attach(api: Api, request: Description) -> Description:
    api.client.attach_role_policy(**request)
    return {"Id": f"{request['RoleName']}/{request['PolicyArn']}"}


def parts_of(attachment_id: str) -> Description:
    role, arn = attachment_id.split("/", 1)
    return {"RoleName": role, "PolicyArn": arn}


def read_attachment(api: Api, attachment_id: str) -> Description | None:
    parts = parts_of(attachment_id)
    pages = api.client.get_paginator("list_attached_role_policies").paginate(RoleName=parts["RoleName"])
    attached = {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}
    return {**parts, "Id": attachment_id} if parts["PolicyArn"] in attached else None


ROLE_POLICY_ATTACHMENT = ResourceType(
    token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    global_service=True,
    identity="Id",
    inputs={
        "role": Input("RoleName", required=True, replaces=True),
        "policyArn": Input("PolicyArn", required=True, replaces=True),
    },
    create=attach,
    read=read_attachment,
    delete=lambda api, attachment_id, old: api.client.detach_role_policy(**parts_of(attachment_id)),
    alone_by=("role", "policyArn"),
)

ENTRIES = (POLICY, ROLE_POLICY_ATTACHMENT)
