"""Roles, their policies, and the profiles that give them to instances."""

from local.aws_provider.calls import as_json, creates, or_nothing, same_json, same_members, tags_by
from local.aws_provider.model import Autoname, Change, Description, Input, Properties, ResourceType, Updating
from local.aws_provider.session import Api

# --- Role


def read_role(api: Api, name: str) -> Description:
    role = dict(api.client.get_role(RoleName=name)["Role"])
    return {
        **role,
        "AssumeRolePolicyDocument": as_json(role["AssumeRolePolicyDocument"]),
        "PermissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "CreateDate": role["CreateDate"].isoformat(),
        "ManagedPolicyArns": attached_policies(api, name),
    }


def attached_policies(api: Api, name: str) -> list[str]:
    found = api.client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return [policy["PolicyArn"] for policy in found]


def set_trust(api: Api, name: str, change: Change) -> None:
    api.client.update_assume_role_policy(RoleName=name, PolicyDocument=change.new["assumeRolePolicy"])


def set_role(api: Api, name: str, change: Change) -> None:
    api.client.update_role(
        RoleName=name,
        Description=change.new.get("description", ""),
        MaxSessionDuration=change.new["maxSessionDuration"],
    )


def set_boundary(api: Api, name: str, change: Change) -> None:
    boundary = change.new.get("permissionsBoundary")
    if boundary:
        api.client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    else:
        api.client.delete_role_permissions_boundary(RoleName=name)


def attach_policies(api: Api, name: str, change: Change) -> None:
    current, wanted = set(attached_policies(api, name)), set(change.new.get("managedPolicyArns") or ())
    for arn in sorted(current - wanted):
        api.client.detach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in sorted(wanted - current):
        api.client.attach_role_policy(RoleName=name, PolicyArn=arn)


def delete_role(api: Api, name: str, old: Properties) -> None:
    # AWS deletes no role that still has policies attached, and these came with the role.
    for arn in attached_policies(api, name):
        api.client.detach_role_policy(RoleName=name, PolicyArn=arn)
    api.client.delete_role(RoleName=name)


ROLE = ResourceType(
    token="aws:iam/role:Role",
    service="iam",
    global_service=True,
    identity="RoleName",
    inputs={
        "name": Input("RoleName", replaces=True),
        "path": Input("Path", default="/", replaces=True),
        "assumeRolePolicy": Input("AssumeRolePolicyDocument", required=True, same=same_json),
        "description": Input("Description", from_aws=or_nothing),
        "maxSessionDuration": Input("MaxSessionDuration", default=3600),
        "permissionsBoundary": Input("PermissionsBoundary"),
        "managedPolicyArns": Input("ManagedPolicyArns", computed=True, later=True, same=same_members),
        "forceDetachPolicies": Input(only_here=True, default=False),
    },
    outputs={"arn": "Arn", "createDate": "CreateDate", "uniqueId": "RoleId"},
    create=creates("create_role", "Role"),
    read=read_role,
    delete=delete_role,
    updates=[
        Updating(inputs=("assumeRolePolicy",), run=set_trust),
        Updating(inputs=("description", "maxSessionDuration"), run=set_role),
        Updating(inputs=("permissionsBoundary",), run=set_boundary),
        Updating(inputs=("managedPolicyArns",), run=attach_policies),
    ],
    tagging=tags_by("tag_role", "untag_role", "RoleName"),
    autoname=Autoname(longest=64),
)


# --- RolePolicy: its id is "<role>:<name>"


def create_role_policy(api: Api, request: Description) -> Description:
    api.client.put_role_policy(**request)
    return {"Id": f"{request['RoleName']}:{request['PolicyName']}"}


def read_role_policy(api: Api, policy_id: str) -> Description:
    role, name = policy_id.split(":", 1)
    found = api.client.get_role_policy(RoleName=role, PolicyName=name)
    return {**found, "Id": policy_id, "PolicyDocument": as_json(found["PolicyDocument"])}


def put_role_policy(api: Api, policy_id: str, change: Change) -> None:
    role, name = policy_id.split(":", 1)
    api.client.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=change.new["policy"])


def delete_role_policy(api: Api, policy_id: str, old: Properties) -> None:
    role, name = policy_id.split(":", 1)
    api.client.delete_role_policy(RoleName=role, PolicyName=name)


ROLE_POLICY = ResourceType(
    token="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    global_service=True,
    identity="Id",
    inputs={
        "name": Input("PolicyName", replaces=True),
        "role": Input("RoleName", required=True, replaces=True),
        "policy": Input("PolicyDocument", required=True, same=same_json),
    },
    create=create_role_policy,
    read=read_role_policy,
    delete=delete_role_policy,
    updates=[Updating(inputs=("policy",), run=put_role_policy)],
    autoname=Autoname(longest=128),
    alone_by=("role", "name"),
)


# --- InstanceProfile


def read_profile(api: Api, name: str) -> Description:
    profile = dict(api.client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"])
    roles = [role["RoleName"] for role in profile.get("Roles", [])]
    return {**profile, "Role": roles[0] if roles else None, "CreateDate": profile["CreateDate"].isoformat()}


def set_role_of_profile(api: Api, name: str, change: Change) -> None:
    current = read_profile(api, name)["Role"]
    if current:
        api.client.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=current)
    if change.new.get("role"):
        api.client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=change.new["role"])


def delete_profile(api: Api, name: str, old: Properties) -> None:
    set_role_of_profile(api, name, Change(old=old, new={}))
    api.client.delete_instance_profile(InstanceProfileName=name)


INSTANCE_PROFILE = ResourceType(
    token="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    global_service=True,
    identity="InstanceProfileName",
    inputs={
        "name": Input("InstanceProfileName", replaces=True),
        "path": Input("Path", default="/", replaces=True),
        "role": Input("Role", later=True),
    },
    outputs={"arn": "Arn", "createDate": "CreateDate", "uniqueId": "InstanceProfileId"},
    create=creates("create_instance_profile", "InstanceProfile"),
    read=read_profile,
    delete=delete_profile,
    updates=[Updating(inputs=("role",), run=set_role_of_profile)],
    tagging=tags_by("tag_instance_profile", "untag_instance_profile", "InstanceProfileName"),
    autoname=Autoname(longest=128),
)

ENTRIES = (ROLE, ROLE_POLICY, INSTANCE_PROFILE)
