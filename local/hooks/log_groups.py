"""Log groups whose key changes, for which moto 5.2.5 has no call."""

from contextlib import ExitStack
from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse

from local.hooks.replacing import add


def install_log_groups(installed: ExitStack) -> None:
    """Hook moto's logs until ``installed`` is closed."""
    add(installed, LogsResponse, "associate_kms_key", _associate)
    add(installed, LogsResponse, "disassociate_kms_key", _disassociate)


def _associate(response: Any) -> str:
    _asked_group(response).kms_key_id = response._get_param("kmsKeyId")
    return ""


def _disassociate(response: Any) -> str:
    _asked_group(response).kms_key_id = None
    return ""


def _asked_group(response: Any) -> Any:
    group = response.logs_backend.groups.get(response._get_param("logGroupName"))
    if group is None:
        raise ResourceNotFoundException()
    return group
