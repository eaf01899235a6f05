"""Secrets, their values, and who may read them."""

import base64
from typing import Any

from local.aws_provider.calls import or_nothing, same_json, same_last_part, same_members, tags_by
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api

CURRENT = "AWSCURRENT"


# --- Secret: its id is its ARN


def read_secret(api: Api, arn: str) -> Description | None:
    secret = dict(api.client.describe_secret(SecretId=arn))
    if secret.get("DeletedDate"):
        return None
    return {**secret, "Policy": policy_of(api, arn)}


def policy_of(api: Api, arn: str) -> str | None:
    found = api.client.get_resource_policy(SecretId=arn).get("ResourcePolicy")
    return str(found) if found else None


def change_secret(api: Api, arn: str, change: Change) -> None:
    """Change what describes it; an empty text takes the description, or the key of one's own, away."""
    api.client.update_secret(
        SecretId=arn,
        Description=change.new.get("description", ""),
        KmsKeyId=change.new.get("kmsKeyId", ""),
    )


def put_policy(api: Api, arn: str, change: Change) -> None:
    api.client.put_resource_policy(SecretId=arn, ResourcePolicy=change.new["policy"])


def delete_secret(api: Api, arn: str, old: Properties) -> None:
    days = old.get("recoveryWindowInDays", 30)
    how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    api.client.delete_secret(SecretId=arn, **how)


SECRET = ResourceType(
    token="aws:secretsmanager/secret:Secret",
    service="secretsmanager",
    identity="ARN",
    inputs={
        "name": Input("Name", replaces=True),
        "description": Input("Description"),
        "kmsKeyId": Input("KmsKeyId", same=same_last_part, from_aws=or_nothing),
        "policy": Input("Policy", computed=True, later=True, same=same_json),
        "recoveryWindowInDays": Input(only_here=True, default=30),
    },
    outputs={"arn": "ARN"},
    create=lambda api, request: dict(api.client.create_secret(**request)),
    read=read_secret,
    delete=delete_secret,
    updates=[
        Updating(inputs=("description", "kmsKeyId"), run=change_secret),
        Updating(inputs=("policy",), run=put_policy),
    ],
    tagging=tags_by("tag_resource", "untag_resource", "SecretId"),
    autoname=Autoname(longest=512),
)


# --- SecretVersion: its id is "<secret>|<version>", as `pulumi import` takes it


def put_value(api: Api, request: Description) -> Description:
    version = api.client.put_secret_value(**request)
    return {"Id": f"{request['SecretId']}|{version['VersionId']}"}


def read_version(api: Api, version_id: str) -> Description | None:
    secret, version = version_id.split("|")
    if read_secret(api, secret) is None:
        return None
    value = dict(api.client.get_secret_value(SecretId=secret, VersionId=version))
    return {**value, "SecretId": secret, "Id": version_id} if value.get("VersionStages") else None


def move_stages(api: Api, version_id: str, change: Change) -> None:
    """Take stages from the versions that have them, and give up those that are not wanted any more."""
    secret, version = version_id.split("|")
    old, new = set(change.old.get("versionStages") or ()), set(change.new["versionStages"])
    holders = api.client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    for stage in sorted(new - old):
        holder = [each for each, stages in holders.items() if stage in stages]
        source = {"RemoveFromVersionId": holder[0]} if holder else {}
        api.client.update_secret_version_stage(SecretId=secret, VersionStage=stage, MoveToVersionId=version, **source)
    give_up(api, version_id, old - new)


def give_up(api: Api, version_id: str, stages: set[str]) -> None:
    secret, version = version_id.split("|")
    for stage in sorted(stages - {CURRENT}):
        api.client.update_secret_version_stage(SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)


def forget_version(api: Api, version_id: str, old: Properties) -> None:
    """Take its stages from it: AWS deletes a version without any, and keeps the current one with its secret."""
    version = read_version(api, version_id)
    give_up(api, version_id, set(version["VersionStages"]) if version else set())


def from_base64(text: str) -> bytes:
    return base64.b64decode(text)


def to_base64(value: Any) -> str:
    return base64.b64encode(value).decode()


SECRET_VERSION = ResourceType(
    token="aws:secretsmanager/secretVersion:SecretVersion",
    service="secretsmanager",
    identity="Id",
    inputs={
        "secretId": Input("SecretId", required=True, replaces=True),
        "secretString": Input("SecretString", secret=True, replaces=True),
        "secretBinary": Input("SecretBinary", secret=True, replaces=True, to_aws=from_base64, from_aws=to_base64),
        "versionStages": Input("VersionStages", computed=True, same=same_members),
    },
    exactly_one=(("secretString", "secretBinary"),),
    outputs={"arn": "ARN", "secretArn": "ARN", "versionId": "VersionId"},
    create=put_value,
    read=read_version,
    delete=forget_version,
    updates=[Updating(inputs=("versionStages",), run=move_stages)],
)


# --- SecretPolicy: its id is the ARN of the secret


def create_policy(api: Api, request: Description) -> Description:
    api.client.put_resource_policy(**request)
    return request


def read_policy(api: Api, arn: str) -> Description | None:
    if read_secret(api, arn) is None:
        return None
    policy = policy_of(api, arn)
    return {"SecretId": arn, "ResourcePolicy": policy} if policy else None


def put_secret_policy(api: Api, arn: str, change: Change) -> None:
    api.client.put_resource_policy(
        SecretId=arn, ResourcePolicy=change.new["policy"], BlockPublicPolicy=change.new["blockPublicPolicy"]
    )


SECRET_POLICY = ResourceType(
    token="aws:secretsmanager/secretPolicy:SecretPolicy",
    service="secretsmanager",
    identity="SecretId",
    inputs={
        "secretArn": Input("SecretId", required=True, replaces=True),
        "policy": Input("ResourcePolicy", required=True, same=same_json),
        "blockPublicPolicy": Input("BlockPublicPolicy", default=False, never_read=True),
    },
    create=create_policy,
    read=read_policy,
    delete=lambda api, arn, old: api.client.delete_resource_policy(SecretId=arn),
    updates=[Updating(inputs=("policy", "blockPublicPolicy"), run=put_secret_policy)],
    alone_by=("secretArn",),
)

ENTRIES = (SECRET, SECRET_VERSION, SECRET_POLICY)
