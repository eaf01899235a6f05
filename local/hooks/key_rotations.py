"""How often keys rotate, which moto 5.2.5 forgets."""

import functools
import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.kms.responses import KmsResponse

from local.hooks.replacing import replace

USUAL_DAYS = 365


def install_key_rotations(installed: ExitStack) -> None:
    """Hook moto's KMS until ``installed`` is closed."""
    replace(installed, KmsResponse, "enable_key_rotation", _kept)
    replace(installed, KmsResponse, "get_key_rotation_status", _told)


def _kept(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def enable_key_rotation(response: Any) -> Any:
        answer = original(response)
        _key(response).local_rotation_days = response._get_param("RotationPeriodInDays") or USUAL_DAYS
        return answer

    return enable_key_rotation


def _told(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def get_key_rotation_status(response: Any) -> str:
        answer = json.loads(original(response))
        days = vars(_key(response)).get("local_rotation_days", USUAL_DAYS)
        return json.dumps({**answer, "RotationPeriodInDays": days} if answer["KeyRotationEnabled"] else answer)

    return get_key_rotation_status


def _key(response: Any) -> Any:
    return response.kms_backend.keys[response.kms_backend.get_key_id(response._get_param("KeyId"))]
