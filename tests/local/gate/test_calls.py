"""What a request calls is read from it in every protocol that AWS speaks, and counted."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from local.gate.calls import FORM, Call, CallCounts, calls_handler, recognise

SCOPE = "20261121/eu-central-1/{}/aws4_request"
LIST = Call(service="s3", operation="ListBuckets", shape="s3")


def request(service: str = "", method: str = "POST", path: str = "/", **more: Any) -> dict[str, Any]:
    headers = {"X-Amz-Date": "20261121T104500Z", **more.pop("headers", {})}
    if service:
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential=AKIA1/{SCOPE.format(service)}, SignedHeaders=host"
    return EnvironBuilder(method=method, path=path, headers=headers, **more).get_environ()


def form(action: str) -> dict[str, Any]:
    return {"data": f"Action={action}&Version=2016-11-15", "content_type": f"{FORM}; charset=utf-8"}


@pytest.mark.parametrize(
    ("environ", "name", "shape"),
    [
        pytest.param(
            request("dynamodb", headers={"X-Amz-Target": "DynamoDB_20120810.PutItem"}, data=b"{}"),
            "dynamodb:PutItem",
            "json",
            id="json",
        ),
        pytest.param(request("sts", **form("GetCallerIdentity")), "sts:GetCallerIdentity", "query", id="query"),
        pytest.param(
            request("sts", "GET", query_string="Action=GetCallerIdentity"),
            "sts:GetCallerIdentity",
            "query",
            id="query in the address",
        ),
        pytest.param(request("ec2", **form("RunInstances")), "ec2:RunInstances", "ec2", id="ec2"),
        pytest.param(
            request("elasticloadbalancing", **form("ModifyListener")), "elbv2:ModifyListener", "query", id="other name"
        ),
        pytest.param(
            request("monitoring", headers={"X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}),
            "cloudwatch:PutMetricData",
            "json",
            id="cloudwatch",
        ),
        pytest.param(request("s3", "GET"), "s3:ListBuckets", "s3", id="s3 buckets"),
        pytest.param(request("s3", "PUT", "/bucket/a/b%20c"), "s3:PutObject", "s3", id="s3 object"),
        pytest.param(
            request("s3", "PUT", "/b/key", headers={"x-amz-copy-source": "b/other"}),
            "s3:CopyObject",
            "s3",
            id="s3 copy",
        ),
        pytest.param(
            request("s3", "GET", "/bucket", query_string="list-type=2&prefix=Action"),
            "s3:ListObjectsV2",
            "s3",
            id="s3 list",
        ),
        pytest.param(
            request("s3", "PUT", "/bucket/key", **form("x")),
            "s3:PutObject",
            "s3",
            id="s3 object that looks like a form",
        ),
        pytest.param(
            request("", "GET", "/b/k", query_string={"X-Amz-Credential": f"AKIA1/{SCOPE.format('s3')}"}),
            "s3:GetObject",
            "s3",
            id="s3 presigned",
        ),
        pytest.param(request("lambda", "GET", "/functions"), "lambda:?", "json", id="unknown to this"),
    ],
)
def test_service_call_and_signer_are_read_from_a_request(environ: dict[str, Any], name: str, shape: str) -> None:
    call = recognise(environ)
    assert call is not None
    assert (call.name, call.shape, call.key_id) == (name, shape, "AKIA1")


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param(request(path="/moto-api/", method="GET"), id="a page of moto"),
        pytest.param(request(path="/bucket/key", method="GET"), id="anonymous s3"),
    ],
)
def test_what_need_not_be_signed_is_no_call(environ: dict[str, Any]) -> None:
    assert recognise(environ) is None


def test_an_unsigned_call_has_no_key() -> None:
    by_token = recognise(request(**form("AssumeRoleWithWebIdentity")))
    by_nobody = recognise(request(headers={"X-Amz-Target": "TrentService.ListKeys"}))
    assert by_token and (by_token.name, by_token.key_id) == ("sts:AssumeRoleWithWebIdentity", "")
    assert by_nobody and (by_nobody.operation, by_nobody.key_id) == ("ListKeys", "")


def test_the_body_of_a_form_can_be_read_again() -> None:
    environ = request("sts", **form("GetCallerIdentity"))
    recognise(environ)
    assert environ["wsgi.input"].read() == b"Action=GetCallerIdentity&Version=2016-11-15"


@pytest.mark.parametrize(
    ("given", "signed_at"),
    [("20261121T104500Z", datetime(2026, 11, 21, 10, 45, tzinfo=UTC)), ("yesterday", None)],
)
def test_when_it_was_signed_is_read_in_utc(given: str, signed_at: datetime | None) -> None:
    environ = request("sts", headers={"X-Amz-Date": given}, **form("GetCallerIdentity"))
    call = recognise(environ)
    assert call and call.signed_at == signed_at


def test_no_call_is_lost_or_counted_twice_between_resets() -> None:
    counts = CallCounts()
    with ThreadPoolExecutor(8) as pool:
        adding = [pool.submit(counts.add, LIST) for _ in range(200)]
        seen = [counts.take(reset=True).get("s3:ListBuckets", 0) for _ in range(20)]
        for one in adding:
            one.result()
    assert sum(seen) + counts.take(reset=False).get("s3:ListBuckets", 0) == 200


def test_the_control_request_answers_the_counts_and_resets_only_when_asked() -> None:
    counts = CallCounts()
    ask = calls_handler(counts)
    connection: Any = None  # counting needs none
    counts.add(LIST)
    counts.add(Call(service="ec2", operation="RunInstances", shape="ec2"))
    answers = [ask({"do": "calls", "reset": reset}, connection) for reset in (False, True, False)]
    counted = {"calls": {"ec2:RunInstances": 1, "s3:ListBuckets": 1}}
    assert answers == [counted, counted, {"calls": {}}]
