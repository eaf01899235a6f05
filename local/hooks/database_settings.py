"""Settings of databases that moto 5.2.5 takes and forgets: performance insights, and parameters that are reset."""

import functools
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from local.hooks.replacing import add, replace

KEPT = {
    "enable_performance_insights": "performance_insights_enabled",
    "performance_insights_kms_key_id": "performance_insights_kms_key_id",
    "performance_insights_retention_period": "performance_insights_retention_period",
}
"""Parameters of a call, and the names under which a description tells them."""


def install_database_settings(installed: ExitStack) -> None:
    """Hook moto's RDS until ``installed`` is closed."""
    replace(installed, RDSBackend, "create_db_instance", _keeping)
    replace(installed, RDSBackend, "modify_db_instance", _keeping_changes)
    add(installed, RDSResponse, "reset_db_parameter_group", _reset)


def _keep(instance: Any, settings: Mapping[str, Any]) -> None:
    for parameter, name in KEPT.items():
        if settings.get(parameter) is not None:
            setattr(instance, name, settings[parameter])


def _keeping(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def create_db_instance(backend: Any, db_kwargs: dict[str, Any]) -> Any:
        instance = original(backend, db_kwargs)
        _keep(instance, db_kwargs)
        return instance

    return create_db_instance


def _keeping_changes(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def modify_db_instance(backend: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
        instance = original(backend, db_instance_identifier, db_kwargs)
        _keep(instance, db_kwargs)
        return instance

    return modify_db_instance


def _reset(response: Any) -> ActionResult:
    """Take the named parameters, or all, back to what the engine has."""
    name = response.params["DBParameterGroupName"]
    group = response.backend.modify_db_parameter_group(name, [])
    named = [parameter["ParameterName"] for parameter in response.params.get("Parameters", [])]
    for parameter in list(group.parameters) if response.params.get("ResetAllParameters") else named:
        group.parameters.pop(parameter, None)
    return ActionResult({"DBParameterGroupName": name})
