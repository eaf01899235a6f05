"""Bucket policies judged with their conditions, without which moto would deny all that one of them denies.

The conditions in use are evaluated as S3 does: whether a request carries ``If-None-Match``, whether it creates an
object, and whether it came over TLS. The last one is always answered yes, because this cloud has no TLS to offer.
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from flask import has_request_context, request
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from local.hooks.replacing import replace

log = logging.getLogger(__name__)

Context = Mapping[str, str]


def install_bucket_policies(installed: ExitStack) -> None:
    """Hook moto's buckets until ``installed`` is closed."""
    replace(installed, FakeBucket, "get_permission", _with_conditions)


def applicable(policy: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The policy with those statements only whose conditions hold in ``context``, without their conditions."""
    statements = policy["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    kept = [statement for statement in listed if holds(statement.get("Condition", {}), context)]
    return {**policy, "Statement": [{**statement, "Condition": {}} for statement in kept]}


def holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether every part of a statement's condition holds; one that cannot be judged does not."""
    return all(
        _part_holds(operator, key, expected, context)
        for operator, parts in condition.items()
        for key, expected in parts.items()
    )


def _part_holds(operator: str, key: str, expected: Any, context: Context) -> bool:
    allowed = [str(value) for value in (expected if isinstance(expected, list) else [expected])]
    if operator == "Null":
        return ("true" if key not in context else "false") in allowed
    if operator in ("Bool", "StringEquals"):
        return context.get(key) in allowed
    log.warning("a bucket policy uses %s on %s, which is not judged here", operator, key)
    return False


def _with_conditions(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_permission(bucket: Any, action: str, resource: str) -> Any:
        if bucket.policy is None:
            return PermissionResult.NEUTRAL
        policy = applicable(json.loads(bucket.policy), request_context())
        if not policy["Statement"]:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)

    return get_permission


def request_context() -> dict[str, str]:
    """What conditions are judged by, of the request at hand."""
    context = {"aws:SecureTransport": "true"}
    if not has_request_context():
        return context
    makes_none = "partNumber" in request.args or "uploads" in request.args  # a part, or the beginning of an upload
    context["s3:ObjectCreationOperation"] = "false" if makes_none else "true"
    if given := request.headers.get("If-None-Match"):
        context["s3:if-none-match"] = given
    return context
