"""Keys and their names."""

from local.aws_provider.calls import same_json, same_last_part
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Tagging, Updating
from local.aws_provider.session import Api

# --- Key


def read_key(api: Api, key_id: str) -> Description | None:
    key = dict(api.client.describe_key(KeyId=key_id)["KeyMetadata"])
    if key["KeyState"] == "PendingDeletion":
        return None
    rotation = rotation_of(api, key)
    return {
        **key,
        "Policy": api.client.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"],
        "EnableKeyRotation": rotation.get("KeyRotationEnabled", False),
        "RotationPeriodInDays": rotation.get("RotationPeriodInDays"),
    }


def rotation_of(api: Api, key: Description) -> Description:
    """Tell how a key rotates; AWS refuses the question for keys that cannot."""
    if key["CustomerMasterKeySpec"] != "SYMMETRIC_DEFAULT":
        return {}
    return dict(api.client.get_key_rotation_status(KeyId=key["KeyId"]))


def set_rotation(api: Api, key_id: str, change: Change) -> None:
    if not change.new["enableKeyRotation"]:
        api.client.disable_key_rotation(KeyId=key_id)
        return
    days = change.new.get("rotationPeriodInDays")
    api.client.enable_key_rotation(KeyId=key_id, **({"RotationPeriodInDays": days} if days else {}))


def set_enabled(api: Api, key_id: str, change: Change) -> None:
    switch = api.client.enable_key if change.new["isEnabled"] else api.client.disable_key
    switch(KeyId=key_id)


def set_description(api: Api, key_id: str, change: Change) -> None:
    api.client.update_key_description(KeyId=key_id, Description=change.new["description"])


def set_policy(api: Api, key_id: str, change: Change) -> None:
    api.client.put_key_policy(
        KeyId=key_id,
        PolicyName="default",
        Policy=change.new["policy"],
        BypassPolicyLockoutSafetyCheck=change.new["bypassPolicyLockoutSafetyCheck"],
    )


def delete_key(api: Api, key_id: str, old: Properties) -> None:
    api.client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=old.get("deletionWindowInDays", 30))


KEY_TAGS = Tagging(
    request=lambda tags: {"Tags": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]},
    read=lambda api, key: {
        tag["TagKey"]: tag["TagValue"] for tag in api.client.list_resource_tags(KeyId=key["KeyId"])["Tags"]
    },
    set=lambda api, key_id, tags: api.client.tag_resource(
        KeyId=key_id, Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()]
    ),
    remove=lambda api, key_id, keys: api.client.untag_resource(KeyId=key_id, TagKeys=list(keys)),
)

KEY = ResourceType(
    token="aws:kms/key:Key",
    service="kms",
    identity="KeyId",
    inputs={
        "description": Input("Description", default="Managed by Pulumi"),
        "keyUsage": Input("KeyUsage", default="ENCRYPT_DECRYPT", replaces=True),
        "customerMasterKeySpec": Input("CustomerMasterKeySpec", default="SYMMETRIC_DEFAULT", replaces=True),
        "multiRegion": Input("MultiRegion", default=False, replaces=True),
        "policy": Input("Policy", computed=True, same=same_json),
        "isEnabled": Input("Enabled", default=True, later=True),
        "enableKeyRotation": Input("EnableKeyRotation", default=False, later=True),
        "rotationPeriodInDays": Input("RotationPeriodInDays", computed=True, later=True),
        "deletionWindowInDays": Input(only_here=True, default=30),
        "bypassPolicyLockoutSafetyCheck": Input(only_here=True, default=False),
    },
    outputs={"arn": "Arn", "keyId": "KeyId"},
    create=lambda api, request: dict(api.client.create_key(**request)["KeyMetadata"]),
    read=read_key,
    delete=delete_key,
    updates=[
        Updating(inputs=("description",), run=set_description),
        Updating(inputs=("policy",), run=set_policy),
        Updating(inputs=("isEnabled",), run=set_enabled),
        Updating(inputs=("enableKeyRotation", "rotationPeriodInDays"), run=set_rotation),
    ],
    tagging=KEY_TAGS,
)


# --- Alias


def create_alias(api: Api, request: Description) -> Description:
    api.client.create_alias(**request)
    return request


def read_alias(api: Api, name: str) -> Description | None:
    pages = api.client.get_paginator("list_aliases").paginate()
    found = [alias for page in pages for alias in page["Aliases"] if alias["AliasName"] == name]
    if not found or "TargetKeyId" not in found[0]:
        return None
    return {**found[0], "TargetKeyArn": api.arn("kms", f"key/{found[0]['TargetKeyId']}")}


def point_alias(api: Api, name: str, change: Change) -> None:
    api.client.update_alias(AliasName=name, TargetKeyId=change.new["targetKeyId"])


ALIAS = ResourceType(
    token="aws:kms/alias:Alias",
    service="kms",
    identity="AliasName",
    inputs={
        "name": Input("AliasName", replaces=True),
        "targetKeyId": Input("TargetKeyId", required=True, same=same_last_part),
    },
    outputs={"arn": "AliasArn", "targetKeyArn": "TargetKeyArn"},
    create=create_alias,
    read=read_alias,
    delete=lambda api, name, old: api.client.delete_alias(AliasName=name),
    updates=[Updating(inputs=("targetKeyId",), run=point_alias)],
    autoname=Autoname(prefix="alias/"),
    restless=("targetKeyArn",),
)

ENTRIES = (KEY, ALIAS)
