"""Copies between buckets, as S3 does them."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.hooks.copies import install_copies
from tests.aws_clients import aws_client

RULE = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
SOURCE = {"Bucket": "source", "Key": "key"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(), ExitStack() as installed:
        install_copies(installed)
        client = aws_client("s3", "us-east-1")
        client.create_bucket(Bucket="source")
        client.put_object(Bucket="source", Key="key", Body=b"new")
        client.create_bucket(Bucket="target", ObjectLockEnabledForBucket=True)
        client.put_object_lock_configuration(Bucket="target", ObjectLockConfiguration=RULE)
        yield client


def test_a_copy_into_a_locked_bucket_needs_no_checksum_header(s3: Any) -> None:
    s3.copy_object(Bucket="target", Key="key", CopySource=SOURCE)
    assert s3.get_object(Bucket="target", Key="key")["Body"].read() == b"new"


def test_a_copy_that_must_not_overwrite_is_refused_where_the_key_exists(s3: Any) -> None:
    s3.copy_object(Bucket="target", Key="key", CopySource=SOURCE, IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.copy_object(Bucket="target", Key="key", CopySource=SOURCE, IfNoneMatch="*")
