"""EC2 instances are SSH hosts on loopback addresses of their own: booted, stopped and ended by API calls."""

import functools
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.utils import filter_iam_instance_profiles

from local.hooks.parts import Function, Parts
from local.hooks.replacing import replace

log = logging.getLogger(__name__)


def install_instances(installed: ExitStack, parts: Parts) -> None:
    """Hook moto's instances until `installed` is closed."""
    replace(installed, Instance, "__init__", _addressed(parts))
    replace(installed, NetworkInterface, "check_auto_public_ip", _publicly_itself)
    replace(installed, InstanceBackend, "run_instances", _booting(parts))
    replace(installed, Instance, "start", _after_state_change(parts.servers.start, previous="stopped"))
    replace(installed, Instance, "stop", _after_state_change(parts.servers.stop, previous="running"))
    replace(installed, Instance, "terminate", _terminating(parts))


def _addressed(parts: Parts) -> Callable[[Function], Function]:
    """Give each new instance the loopback address that it will really have."""

    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def init(instance: Any, *args: Any, **kwargs: Any) -> None:
            original(instance, *args, **kwargs)
            address = parts.server_addresses.take()
            interface = instance.nics[0]
            interface.private_ip_address = address
            interface.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]
            interface.check_auto_public_ip()
            instance.local_role = _role(instance, kwargs)

        return init

    return wrap


def _publicly_itself(original: Function) -> Function:
    """A public address is the private one: there is one loopback network only."""

    @functools.wraps(original)
    def check_auto_public_ip(interface: Any) -> None:
        original(interface)
        if interface.public_ip:
            interface.public_ip = interface.private_ip_address

    return check_auto_public_ip


def _booting(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def run_instances(backend: Any, *args: Any, **kwargs: Any) -> Any:
            reservation = original(backend, *args, **kwargs)
            for instance in reservation.instances:
                user_data = instance.user_data.decode() if instance.user_data else ""
                parts.servers.boot(instance.id, instance.private_ip_address, user_data, instance.local_role)
            return reservation

        return run_instances

    return wrap


def _role(instance: Any, kwargs: dict[str, Any]) -> str | None:
    """The ARN of the role in the instance profile that the request names."""
    arn, name = kwargs.get("iam_instance_profile_arn"), kwargs.get("iam_instance_profile_name")
    if not arn and not name:
        return None
    backend = instance.ec2_backend
    profile = filter_iam_instance_profiles(backend.account_id, backend.partition, arn, name)
    return str(profile.roles[0].arn) if profile and profile.roles else None


def _after_state_change(change: Callable[[str], None], *, previous: str) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def changed(instance: Any, *args: Any, **kwargs: Any) -> Any:
            before = original(instance, *args, **kwargs)
            if before.name == previous:
                change(instance.id)
            return before

        return changed

    return wrap


def _terminating(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def terminate(instance: Any) -> Any:
            address = instance.private_ip_address
            before = original(instance)
            if before.name != "terminated":
                parts.servers.terminate(instance.id)
                parts.server_addresses.give_back(address)
            return before

        return terminate

    return wrap


def instance_address(elbv2_backend: Any, target_id: str) -> str | None:
    """The address of a target: an instance's while it runs, or the target itself if it is an address."""
    if not target_id.startswith("i-"):
        return target_id
    instance = elbv2_backend.ec2_backend.get_instance_by_id(target_id)
    return instance.private_ip_address if instance and instance.state == "running" else None
