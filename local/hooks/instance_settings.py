"""Settings of instances that moto 5.2.5 forgets or cannot change: monitoring, protection, the profile, and that a
private server has no public address.
"""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.iam_instance_profile import IamInstanceProfileAssociationBackend
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.monitoring import Monitoring

from local.hooks.replacing import replace


def install_instance_settings(installed: ExitStack) -> None:
    """Hook moto's EC2 until ``installed`` is closed."""
    replace(installed, InstanceResponse, "run_instances", _protected)
    replace(installed, IamInstanceProfileAssociationBackend, "replace_iam_instance_profile_association", _taken_over)
    replace(installed, NetworkInterface, "association", _none_where_empty)
    replace(installed, Monitoring, "monitor_instances", _switching("enabled"))
    replace(installed, Monitoring, "unmonitor_instances", _switching("disabled"))


def _protected(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run_instances(response: Any) -> Any:
        answer = original(response)
        for instance in answer.result.instances:
            instance.disable_api_termination = bool(response._get_param("DisableApiTermination"))
        return answer

    return run_instances


def _taken_over(original: Callable[..., Any]) -> Callable[..., Any]:
    """The instance has the profile of its association, as its description tells."""

    @functools.wraps(original)
    def replace_association(backend: Any, *args: Any, **kwargs: Any) -> Any:
        association = original(backend, *args, **kwargs)
        association.instance.iam_instance_profile = association.iam_instance_profile
        return association

    return replace_association


def _none_where_empty(original: Any) -> Any:
    """moto tells an empty association of an interface without a public address, and AWS none. The published `aws`
    plugin takes any for a public address, and would replace the server.
    """

    def association(interface: Any) -> dict[str, Any] | None:
        return original.fget(interface) or None

    return property(association)


def _switching(state: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def switch(response: Any) -> ActionResult:
        ids = response._get_param("InstanceIds", [])
        for instance_id in ids:
            response.ec2_backend.get_instance(instance_id).monitoring_state = state
        monitorings = [{"InstanceId": each, "Monitoring": {"State": state}} for each in ids]
        return ActionResult({"InstanceMonitorings": monitorings})

    return lambda original: switch
