"""Roles, policies, and who may take them."""

from tests.e2e.aws_provider_cases.case import RETAGGED, TAGS, Case, policy, trust


def reading(resource: str) -> str:
    """Make a policy that lets somebody read objects."""
    return policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource})


IDENTITIES = {
    "role": Case(
        type="aws:iam/role:Role",
        inputs={"assumeRolePolicy": trust("ec2.amazonaws.com"), "description": "of a case", "tags": TAGS},
        update={
            "assumeRolePolicy": trust("lambda.amazonaws.com"),
            "description": None,
            "maxSessionDuration": 7200,
            "permissionsBoundary": "${policy.arn}",
            "tags": RETAGGED,
        },
        replacement={"path": "/case/"},
        drift=lambda clients, role: clients("iam").update_role(RoleName=role["id"], Description="by hand"),
        reads=("arn", "name", "uniqueId"),
    ),
    "role-policy": Case(
        type="aws:iam/rolePolicy:RolePolicy",
        inputs={
            "role": "${role.name}",
            "policy": policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}),
        },
        update={"policy": policy({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})},
        replacement={"name": "a-name-of-its-own"},
        drift=lambda clients, attached: clients("iam").delete_role_policy(
            RoleName=attached["role"], PolicyName=attached["name"]
        ),
    ),
    "bounded-role": Case(
        type="aws:iam/role:Role",
        inputs={
            "assumeRolePolicy": trust("ec2.amazonaws.com"),
            "permissionsBoundary": "${policy.arn}",
            "maxSessionDuration": 7200,
        },
        update={
            "permissionsBoundary": None,
            "maxSessionDuration": None,
            "managedPolicyArns": ["${policy.arn}"],
        },
    ),
    "policy": Case(
        type="aws:iam/policy:Policy",
        inputs={"policy": reading("*"), "description": "of a case", "tags": TAGS},
        update={"policy": reading("arn:aws:s3:::one/*"), "tags": RETAGGED},
        replacement={"path": "/case/"},
        drift=lambda clients, made: clients("iam").create_policy_version(
            PolicyArn=made["id"], PolicyDocument=reading("arn:aws:s3:::by-hand/*"), SetAsDefault=True
        ),
        reads=("arn", "name", "policyId"),
    ),
    "role-attachment": Case(
        type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        inputs={"role": "${role.name}", "policyArn": "${policy.arn}"},
        replacement={"role": "${bounded-role.name}"},
        drift=lambda clients, attachment: clients("iam").detach_role_policy(
            RoleName=attachment["role"], PolicyArn=attachment["policyArn"]
        ),
    ),
    "other-profile": Case(
        type="aws:iam/instanceProfile:InstanceProfile",
        inputs={"role": "${role.name}"},
        update={"role": "${bounded-role.name}"},
    ),
    "profile": Case(
        type="aws:iam/instanceProfile:InstanceProfile",
        inputs={"role": "${role.name}", "tags": TAGS},
        update={"tags": RETAGGED},
        replacement={"path": "/case/"},
        drift=lambda clients, profile: clients("iam").remove_role_from_instance_profile(
            InstanceProfileName=profile["id"], RoleName=profile["role"]
        ),
        reads=("arn", "name"),
    ),
}
