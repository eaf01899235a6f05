"""Descriptions of secrets that are taken away, which moto 5.2.5 keeps."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.secretsmanager.models import SecretsManagerBackend

from local.hooks.replacing import replace


def install_secret_descriptions(installed: ExitStack) -> None:
    """Hook moto's Secrets Manager until ``installed`` is closed."""
    replace(installed, SecretsManagerBackend, "update_secret", _emptied)


def _emptied(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update_secret(backend: Any, secret_id: str, *args: Any, description: str | None = None, **kwargs: Any) -> Any:
        answer = original(backend, secret_id, *args, description=description, **kwargs)
        if description == "":
            backend.secrets[secret_id].description = None
        return answer

    return update_secret
