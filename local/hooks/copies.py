"""S3's CopyObject as AWS does it, where moto does not: it writes once when asked to, and needs no checksum header.

moto ignores ``If-None-Match`` on a copy, and asks a copy into a bucket with Object Lock for the checksum header that
S3 asks of uploads only (a copy's checksum is S3's own).
"""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.s3.exceptions import PreconditionFailed
from moto.s3.responses import S3Response
from werkzeug.datastructures import Headers

from local.hooks.replacing import replace

CHECKSUM_HEADER = "x-amz-sdk-checksum-algorithm"


def install_copies(installed: ExitStack) -> None:
    """Hook moto's S3 until ``installed`` is closed."""
    replace(installed, S3Response, "_key_response_put", _without_checksum_header)
    replace(installed, S3Response, "copy_object", _written_once)


def _without_checksum_header(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def put(response: Any, *args: Any, **kwargs: Any) -> Any:
        if "x-amz-copy-source" in response.headers:
            response.headers = Headers([*response.headers.items(), (CHECKSUM_HEADER, "SHA256")])
        return original(response, *args, **kwargs)

    return put


def _written_once(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def copy_object(response: Any) -> Any:
        if response.headers.get("If-None-Match") == "*" and _exists(response):
            raise PreconditionFailed("If-None-Match")
        return original(response)

    return copy_object


def _exists(response: Any) -> bool:
    return response.backend.get_object(response.bucket_name, response.parse_key_name()) is not None
