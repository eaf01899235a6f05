"""Subnet groups of databases, which moto 5.2.5 forgets when they are modified."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.rds.models import RDSBackend

from local.hooks.replacing import replace


def install_subnet_groups(installed: ExitStack) -> None:
    """Hook moto's RDS until ``installed`` is closed."""
    replace(installed, RDSBackend, "modify_db_subnet_group", _kept)


def _kept(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def modify_db_subnet_group(backend: Any, name: str, *arguments: Any) -> Any:
        group = original(backend, name, *arguments)
        backend.subnet_groups[name] = group
        return group

    return modify_db_subnet_group
