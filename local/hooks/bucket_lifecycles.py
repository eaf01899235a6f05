"""Lifecycles of buckets, told as they were put: moto 5.2.5 forgets filters by size and how many versions are kept.

They are told with the header that says from which size on objects move to another class of storage: the published
`aws` plugin waits for it after each change.
"""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import xmltodict  # type: ignore[import-untyped]  # a part of moto's
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from local.hooks.replacing import replace

SIZES = {"x-amz-transition-default-minimum-object-size": "all_storage_classes_128K"}  # AWS's default


def install_bucket_lifecycles(installed: ExitStack) -> None:
    """Hook moto's S3 until ``installed`` is closed."""
    replace(installed, S3Backend, "put_bucket_lifecycle", _remembered)
    replace(installed, S3Response, "get_bucket_lifecycle", _told)


def _remembered(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def put_bucket_lifecycle(backend: Any, bucket_name: str, rules: list[dict[str, Any]]) -> None:
        original(backend, bucket_name, rules)
        backend.get_bucket(bucket_name).local_lifecycle = rules

    return put_bucket_lifecycle


def _told(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def get_bucket_lifecycle(response: Any) -> Any:
        answer = original(response)
        rules = getattr(response.backend.get_bucket(response.bucket_name), "local_lifecycle", None)
        return (200, {**SIZES}, xmltodict.unparse({"LifecycleConfiguration": {"Rule": rules}})) if rules else answer

    return get_bucket_lifecycle
