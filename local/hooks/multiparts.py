"""S3's multipart uploads as AWS does them, where moto does not.

moto tells no checksum of a copied part, and of a whole object only the value: AWS adds the number of parts. It answers
HTTP 500 for an upload that is gone, where AWS says ``NoSuchUpload``, and reads all of an object to copy a part of it.
"""

import base64
import functools
import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from local.hooks.replacing import replace


def install_multiparts(installed: ExitStack) -> None:
    """Hook moto's S3 until ``installed`` is closed."""
    for method in ("upload_part", "upload_part_copy", "complete_multipart_upload"):
        replace(installed, S3Backend, method, _refusing_what_is_gone)
    replace(installed, S3Backend, "complete_multipart_upload", _counting_parts)
    replace(installed, S3Backend, "upload_part_copy", _reading_the_part)
    replace(installed, S3Response, "upload_part_copy", _telling_checksum)


def _refusing_what_is_gone(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(
        backend: Any, bucket_name: str | None = None, multipart_id: str | None = None, *rest: Any, **more: Any
    ) -> Any:
        bucket = bucket_name or more.pop("dest_bucket_name")
        if multipart_id not in backend.get_bucket(bucket).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return original(backend, bucket, multipart_id, *rest, **more)

    return call


def _reading_the_part(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def copy(backend: Any, bucket: str, upload: str, number: int, **source: Any) -> Any:
        if source["start_byte"] is None:
            return original(backend, bucket, upload, number, **source)
        key = backend.get_object(source["src_bucket_name"], source["src_key_name"], source["src_version_id"])
        start, end = source["start_byte"], source["end_byte"]
        with key.lock:
            key._value_buffer.seek(start)
            part = key._value_buffer.read(end - start + 1)
        return backend.get_bucket(bucket).multiparts[upload].set_part(number, part)

    return copy


def _counting_parts(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def complete(backend: Any, *args: Any, **kwargs: Any) -> Any:
        key = original(backend, *args, **kwargs)
        if key is not None and key.checksum_type == "COMPOSITE":
            key.checksum_value = f"{key.checksum_value}-{key.checksum_parts}"
            key.checksum_type = None  # moto adds the number where it knows the type, and to some answers only
        return key

    return complete


def _telling_checksum(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def copy(response: Any) -> Any:
        status, headers, body = original(response)
        upload = response.backend.get_bucket(response.bucket_name).multiparts[response._get_param("uploadId")]
        if status != 200 or upload.metadata.get("x-amz-checksum-algorithm") != "SHA256":
            return status, headers, body
        key = upload.parts[response._get_int_param("partNumber")]
        told = {
            "LastModified": key.last_modified_ISO8601,
            "ETag": key.etag,
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(key.value).digest()).decode(),
        }
        _, _, body = response.serialized(ActionResult({"CopyPartResult": told}))
        return status, {**headers, "content-length": str(len(body))}, body

    return copy
