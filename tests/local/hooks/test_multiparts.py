"""Multipart uploads, as S3 does them."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.hooks.multiparts import install_multiparts
from tests.aws_clients import aws_client

PART = 5 * 1024**2
PLACE = {"Bucket": "bucket", "Key": "key"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(), ExitStack() as installed:
        install_multiparts(installed)
        client = aws_client("s3", "us-east-1")
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="source", Body=b"0123456789")
        yield client


def begun(s3: Any) -> dict[str, str]:
    upload = s3.create_multipart_upload(**PLACE, ChecksumAlgorithm="SHA256")
    return {**PLACE, "UploadId": upload["UploadId"]}


def checksum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_a_copied_part_has_its_bytes_and_tells_their_checksum(s3: Any) -> None:
    upload = begun(s3)
    part = s3.upload_part_copy(
        **upload, PartNumber=1, CopySource={"Bucket": "bucket", "Key": "source"}, CopySourceRange="bytes=2-4"
    )["CopyPartResult"]
    assert part["ChecksumSHA256"] == checksum(b"234")
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object(**PLACE)["Body"].read() == b"234"


def test_a_part_that_is_all_of_an_object_is_copied(s3: Any) -> None:
    part = s3.upload_part_copy(**begun(s3), PartNumber=1, CopySource={"Bucket": "bucket", "Key": "source"})
    assert part["CopyPartResult"]["ChecksumSHA256"] == checksum(b"0123456789")


def test_the_whole_is_named_by_the_checksums_of_its_parts_and_their_number(s3: Any) -> None:
    upload, pieces = begun(s3), [b"a" * PART, b"b"]
    tags = [
        s3.upload_part(**upload, PartNumber=number, Body=piece, ChecksumAlgorithm="SHA256")["ETag"]
        for number, piece in enumerate(pieces, start=1)
    ]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    over = checksum(b"".join(hashlib.sha256(piece).digest() for piece in pieces))
    for ask in (s3.head_object, s3.get_object):
        assert ask(**PLACE, ChecksumMode="ENABLED")["ChecksumSHA256"] == f"{over}-2"


def test_an_upload_that_is_gone_is_no_upload(s3: Any) -> None:
    upload = begun(s3)
    s3.abort_multipart_upload(**upload)
    calls: tuple[Callable[[], object], ...] = (
        lambda: s3.upload_part(**upload, PartNumber=1, Body=b"x"),
        lambda: s3.upload_part_copy(**upload, PartNumber=1, CopySource={"Bucket": "bucket", "Key": "source"}),
        lambda: s3.complete_multipart_upload(
            **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}]}
        ),
    )
    for call in calls:
        with pytest.raises(ClientError, match="NoSuchUpload"):
            call()
