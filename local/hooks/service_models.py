"""What moto knows of a service's API: read once, also when several requests are the first to need it.

moto keeps what it read, but looks before it reads: four environments that came up at once left four copies of EC2's
model behind, its largest. And to know the regions of a service it read one more by a session of its own.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from threading import Lock
from typing import Any

from moto.core import utils
from moto.core.base_backend import AccountSpecificBackend

from local.hooks.replacing import replace
from local.service_models import new_session

LOCK = Lock()


def install_service_models(installed: ExitStack) -> None:
    """Read each model once until ``installed`` is closed."""
    replace(installed, utils, "_load_service_model", _once)
    replace(installed, AccountSpecificBackend, "get_session", lambda _: cache(new_session))


def _once(original: Callable[[str, str], dict[str, Any]]) -> Callable[[str, str], dict[str, Any]]:
    kept = cache(original)

    def load(service_name: str, model_name: str) -> dict[str, Any]:
        with LOCK:
            return kept(service_name, model_name)

    return load
