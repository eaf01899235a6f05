"""Roles can be assumed when they exist; moto 5.2.5 hands out sessions of any."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.core.exceptions import AccessDeniedError
from moto.iam.models import iam_backends
from moto.sts.responses import TokenResponse

from local.hooks.replacing import replace


def install_roles(installed: ExitStack) -> None:
    """Hook moto's STS until `installed` is closed."""
    replace(installed, TokenResponse, "assume_role", _existing)


def _existing(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def assume_role(request: Any) -> Any:
        role = request._get_param("RoleArn")
        if not _exists(role, request.partition):
            _, caller, _ = request.backend.get_caller_identity(request.get_access_key(), request.region)
            raise AccessDeniedError(caller, f"sts:AssumeRole on resource: {role}")
        return original(request)

    return assume_role


def _exists(arn: str, partition: str) -> bool:
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    if account not in iam_backends:
        return False
    return any(role.arn == arn for role in iam_backends[account][partition].roles.values())
