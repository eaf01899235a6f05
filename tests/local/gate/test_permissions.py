"""How IAM decides: allowed by the caller's policies and the boundary, and denied by none."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from werkzeug.test import EnvironBuilder

from local.aws_api import ACCOUNT, create_user
from local.gate.callers import Caller, caller_of
from local.gate.calls import Call
from local.gate.permissions import Permissions, why_not
from local.gate.wants import Want

CI = "arn:aws:iam::123456789012:role/ci"
PUT = Want(action="s3:PutObject", resource="arn:aws:s3:::backups/a")
SNAPSHOT = Want(action="rds:DeleteDBSnapshot")
TRUST = {"Version": "2012-10-17", "Statement": []}


def document(effect: str, action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": [action], "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def caller(*policies: dict[str, Any], boundary: dict[str, Any] | None = None) -> Caller:
    return Caller(arn=f"{CI}/me", principal=CI, account=ACCOUNT, policies=policies, boundary=boundary)


ALL = document("Allow", "*")
PUTS = document("Allow", "s3:Put*", "arn:aws:s3:::backups/*")
NOT_CI: dict[str, Any] = {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": CI}}}
ONLY_CI: dict[str, Any] = {"Condition": {"ArnEquals": {"aws:PrincipalArn": CI}}}
TAGGED: dict[str, Any] = {"Condition": {"StringEquals": {"aws:ResourceTag/environment": "dev"}}}


@pytest.mark.parametrize(
    ("who", "want", "because"),
    [
        pytest.param(caller(PUTS), PUT, "", id="allowed"),
        pytest.param(caller(), PUT, "because no identity-based policy allows the s3:PutObject action", id="nothing"),
        pytest.param(caller(document("Allow", "s3:Put*", "arn:aws:s3:::other/*")), PUT,
                     "because no identity-based policy allows the s3:PutObject action", id="another resource"),
        pytest.param(caller(PUTS, document("Deny", "s3:PutObject", "arn:aws:s3:::backups/*")), PUT,
                     "with an explicit deny in an identity-based policy", id="denied"),
        pytest.param(caller(PUTS, document("Deny", "s3:PutObject", "arn:aws:s3:::other/*")), PUT, "",
                     id="denied on another resource"),
        pytest.param(caller(PUTS, boundary=document("Allow", "rds:*")), PUT,
                     "because no permissions boundary allows the s3:PutObject action", id="out of bounds"),
        pytest.param(caller(PUTS, boundary=ALL), PUT, "", id="within bounds"),
        pytest.param(caller(ALL, boundary={**ALL, "Statement": [*ALL["Statement"],
                                                                *document("Deny", "s3:*")["Statement"]]}), PUT,
                     "with an explicit deny in a permissions boundary", id="denied by the boundary"),
        pytest.param(caller(document("Allow", "rds:*", "arn:x")), SNAPSHOT, "", id="allowed somewhere"),
        pytest.param(caller(ALL, document("Deny", "rds:*", "arn:x")), SNAPSHOT, "", id="denied somewhere"),
        pytest.param(caller(ALL, document("Deny", "rds:*")), SNAPSHOT,
                     "with an explicit deny in an identity-based policy", id="denied everywhere"),
        pytest.param(caller(ALL, document("Deny", "rds:*", **NOT_CI)), SNAPSHOT, "", id="denied to all others"),
        pytest.param(caller(ALL, document("Deny", "rds:*", **ONLY_CI)), SNAPSHOT,
                     "with an explicit deny in an identity-based policy", id="denied to this one"),
        pytest.param(caller(ALL, document("Deny", "rds:*", **TAGGED)), SNAPSHOT, "", id="denied by a tag"),
        pytest.param(caller(document("Allow", "rds:*", **TAGGED)), SNAPSHOT, "", id="allowed by a tag"),
    ],
)  # fmt: skip
def test_what_stands_against_an_action(who: Caller, want: Want, because: str) -> None:
    assert why_not(who, want) == because


def put(permissions: Permissions, operation: str = "PutObject", service: str = "s3") -> str:
    call = Call(service=service, operation=operation, shape="s3", key_id="key", region="eu-central-1")
    return permissions.refusal(call, EnvironBuilder(path="/backups/a").get_environ())


def test_nobody_is_refused_until_permissions_are_enforced() -> None:
    permissions = Permissions(lambda _: caller())
    assert put(permissions) == ""
    permissions.enforced = True
    assert put(permissions) == (
        f"User: {CI}/me is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::backups/a "
        "because no identity-based policy allows the s3:PutObject action"
    )


def test_everybody_may_ask_who_they_are() -> None:
    permissions = Permissions(lambda _: caller())
    permissions.enforced = True
    assert put(permissions, "GetCallerIdentity", "sts") == ""


@pytest.fixture
def iam() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("iam", region_name="eu-central-1")


def test_the_cloud_s_own_user_may_do_everything(iam: Any) -> None:
    found = caller_of(create_user().id)
    assert found is not None
    assert (found.principal, why_not(found, PUT)) == (f"arn:aws:iam::{ACCOUNT}:user/ops", "")


def test_the_session_of_a_role_has_the_policies_of_the_role_and_its_boundary(iam: Any) -> None:
    bounds = iam.create_policy(PolicyName="bounds", PolicyDocument=json.dumps(ALL))["Policy"]["Arn"]
    attached = iam.create_policy(PolicyName="more", PolicyDocument=json.dumps(document("Allow", "kms:*")))["Policy"]
    role = iam.create_role(RoleName="ci", AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=bounds)
    iam.put_role_policy(RoleName="ci", PolicyName="own", PolicyDocument=json.dumps(PUTS))
    iam.attach_role_policy(RoleName="ci", PolicyArn=attached["Arn"])
    sts = boto3.client("sts", region_name="eu-central-1")
    session = sts.assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="me")["Credentials"]
    found = caller_of(session["AccessKeyId"])
    assert found is not None
    assert (found.principal, found.account) == (CI, ACCOUNT)
    assert found.policies == (PUTS, document("Allow", "kms:*"))
    assert found.boundary == ALL


def test_a_key_that_nobody_has_is_nobodys(iam: Any) -> None:
    assert caller_of("AKIAUNKNOWN") is None
