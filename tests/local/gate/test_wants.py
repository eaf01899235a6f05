"""What IAM is asked for: its own names of calls, and what a request says it touches."""

import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from local.gate.calls import Call
from local.gate.wants import Want, wants

HERE = "eu-central-1:123456789012"
LEDGER = f"arn:aws:dynamodb:{HERE}:table/ledger"


def asked(name: str, body: dict[str, Any] | None = None, path: str = "/") -> list[Want]:
    """What a call wants, and that moto can still read it."""
    service, operation = name.split(":")
    sent = json.dumps(body or {}).encode()
    environ = EnvironBuilder(method="POST", path=path, data=sent).get_environ()
    found = wants(Call(service=service, operation=operation, shape="json"), environ, HERE)
    assert environ["wsgi.input"].read() == sent
    return found


@pytest.mark.parametrize(
    ("name", "action"),
    [
        pytest.param("rds:CreateDBSnapshot", "rds:CreateDBSnapshot", id="the call's own name"),
        pytest.param("elbv2:ModifyListener", "elasticloadbalancing:ModifyListener", id="a service of another name"),
        pytest.param("s3:HeadObject", "s3:GetObject", id="looking is reading"),
        pytest.param("s3:UploadPart", "s3:PutObject", id="a part is an object"),
        pytest.param("s3:ListObjectsV2", "s3:ListBucket", id="listing"),
    ],
)
def test_a_call_is_asked_for_under_the_name_that_iam_has(name: str, action: str) -> None:
    assert [want.action for want in asked(name)] == [action]


@pytest.mark.parametrize(
    ("name", "body", "path", "resource"),
    [
        pytest.param("s3:GetObject", None, "/bucket/a/key", "arn:aws:s3:::bucket/a/key", id="object"),
        pytest.param("s3:ListObjectsV2", None, "/bucket", "arn:aws:s3:::bucket", id="bucket"),
        pytest.param("dynamodb:Query", {"TableName": "ledger"}, "/", LEDGER, id="table"),
        pytest.param("secretsmanager:GetSecretValue", {"SecretId": "a/b"}, "/",
                     f"arn:aws:secretsmanager:{HERE}:secret:a/b-AbCdEf", id="secret"),
        pytest.param("secretsmanager:GetSecretValue", {"SecretId": "arn:of:it"}, "/", "arn:of:it", id="secret's ARN"),
        pytest.param("ssm:GetParameter", {"Name": "/a/b"}, "/", f"arn:aws:ssm:{HERE}:parameter/a/b", id="parameter"),
        pytest.param("kms:Sign", {"KeyId": "alias/a"}, "/", "", id="not known"),
        pytest.param("ssm:DescribeParameters", {}, "/", "", id="nothing named"),
    ],
)  # fmt: skip
def test_a_resource_is_told_by_what_the_request_names(
    name: str, body: dict[str, Any] | None, path: str, resource: str
) -> None:
    assert [want.resource for want in asked(name, body, path)] == [resource]


def test_a_transaction_is_asked_for_write_by_write() -> None:
    items = [{"ConditionCheck": {"TableName": "ledger"}}, {"Put": {"TableName": "ledger"}}]
    assert asked("dynamodb:TransactWriteItems", {"TransactItems": items}) == [
        Want(action="dynamodb:ConditionCheckItem", resource=LEDGER),
        Want(action="dynamodb:PutItem", resource=LEDGER),
    ]


def test_a_body_that_is_no_json_names_nothing() -> None:
    environ = EnvironBuilder(method="POST", data=b"not json").get_environ()
    call = Call(service="dynamodb", operation="Query", shape="json")
    assert wants(call, environ, HERE) == [Want(action="dynamodb:Query")]
