"""EC2 instances are SSH hosts on loopback addresses of their own: booted, stopped and ended by API calls.

What a call asks of an instance that is not in a state for it is refused, as on AWS, where moto would do it.
"""

import functools
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.utils import filter_iam_instance_profiles

from local.hooks.parts import Function, Parts
from local.hooks.replacing import replace
from local.servers.machine import Machine

log = logging.getLogger(__name__)


def install_instances(installed: ExitStack, parts: Parts) -> None:
    """Hook moto's instances until `installed` is closed."""
    replace(installed, Instance, "__init__", _addressed(parts))
    replace(installed, NetworkInterface, "check_auto_public_ip", _publicly_itself)
    replace(installed, InstanceBackend, "run_instances", _booting(parts))
    replace(installed, Instance, "start", _starting(parts))
    replace(installed, Instance, "stop", _stopping(parts))
    replace(installed, Instance, "reboot", _rebooting(parts))
    replace(installed, Instance, "terminate", _terminating(parts))


def machine_of(instance: Any) -> Machine:
    """The size that its type and its volumes give it."""
    known = INSTANCE_TYPES.get(instance.instance_type, {})
    volumes = [instance.ec2_backend.volumes[device.volume_id] for _, device in instance.get_block_device_mapping]
    default = Machine()
    return Machine(
        type=instance.instance_type,
        vcpus=known.get("VCpuInfo", {}).get("DefaultVCpus", default.vcpus),
        memory_mib=known.get("MemoryInfo", {}).get("SizeInMiB", default.memory_mib),
        disk_gib=sum(int(volume.size) for volume in volumes) or default.disk_gib,
    )


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
                address, role = instance.private_ip_address, instance.local_role
                parts.servers.boot(instance.id, address, user_data, role, machine_of(instance))
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


def _starting(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def start(instance: Any, *args: Any, **kwargs: Any) -> Any:
            _require(instance, ("stopped", "running"), "started")
            before = original(instance, *args, **kwargs)
            if before.name == "stopped":
                parts.servers.start(instance.id, machine_of(instance))
            return before

        return start

    return wrap


def _stopping(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def stop(instance: Any, *args: Any, **kwargs: Any) -> Any:
            _require(instance, ("stopped", "running"), "stopped")
            before = original(instance, *args, **kwargs)
            if before.name == "running":
                parts.servers.stop(instance.id)
            return before

        return stop

    return wrap


def _rebooting(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def reboot(instance: Any) -> None:
            _require(instance, ("running",), "rebooted")
            original(instance)
            parts.servers.reboot(instance.id)

        return reboot

    return wrap


def _require(instance: Any, states: tuple[str, ...], what: str) -> None:
    if instance.state not in states:
        message = f"The instance '{instance.id}' is not in a state from which it can be {what}."
        raise EC2ClientError("IncorrectInstanceState", message)


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
