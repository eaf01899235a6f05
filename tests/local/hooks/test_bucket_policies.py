"""Which statements of a bucket policy apply to a request."""

from typing import Any

import pytest
from flask import Flask

from local.hooks.bucket_policies import applicable, holds, request_context

WRITE_ONCE = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}
TLS = {"aws:SecureTransport": "true"}


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        pytest.param({}, {}, True, id="no-condition"),
        pytest.param(TLS_ONLY, TLS, False, id="over-tls"),
        pytest.param(TLS_ONLY, {"aws:SecureTransport": "false"}, True, id="without-tls"),
        pytest.param(WRITE_ONCE, {"s3:ObjectCreationOperation": "true"}, True, id="overwriting-write"),
        pytest.param(
            WRITE_ONCE, {"s3:ObjectCreationOperation": "true", "s3:if-none-match": "*"}, False, id="write-once"
        ),
        pytest.param(WRITE_ONCE, {"s3:ObjectCreationOperation": "false"}, False, id="multipart-part"),
        pytest.param({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {}, False, id="not-judged"),
        pytest.param({"StringEquals": {"a": ["x", "y"]}}, {"a": "y"}, True, id="one-of-several"),
    ],
)
def test_a_condition_holds_when_every_part_does(
    condition: dict[str, Any], context: dict[str, str], expected: bool
) -> None:
    assert holds(condition, context) is expected


def test_only_statements_that_apply_are_left() -> None:
    policy = {"Version": "1", "Statement": [{"Sid": "tls", "Condition": TLS_ONLY}, {"Sid": "read"}]}
    assert [statement["Sid"] for statement in applicable(policy, TLS)["Statement"]] == ["read"]


@pytest.mark.parametrize(
    ("method", "query", "creates"),
    [
        pytest.param("PUT", "", "true", id="put"),
        pytest.param("POST", "?uploads", "false", id="begin-of-multipart"),
        pytest.param("PUT", "?partNumber=1&uploadId=u", "false", id="part"),
        pytest.param("POST", "?uploadId=u", "true", id="end-of-multipart"),
    ],
)
def test_only_the_end_of_a_multipart_upload_creates_an_object(method: str, query: str, creates: str) -> None:
    with Flask("s3").test_request_context(f"/key{query}", method=method):
        assert request_context()["s3:ObjectCreationOperation"] == creates
