"""Where moto's models meet real things: instances are booted, load balancers listen, databases hold rows.

`install` assigns functions on moto's classes, so it holds for all accounts and regions; closing what it returns
takes them off again. Each hook runs moto's own code first (it checks the request) and then does the real thing; if
that fails, the API call fails with its words and moto forgets what it had made.

What a real thing is known by is kept on moto's model, under a name of ours: `local_address` on an RDS instance,
`local_copy` on a snapshot.
"""

import functools
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.utils import filter_iam_instance_profiles
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, MasterUserSecret, RDSBackend

from local.addresses import AddressPool
from local.balancer import Balancers
from local.bucket_policies import install_bucket_policies
from local.copies import install_copies
from local.databases import Databases, Master, refuse_engine
from local.errors import CloudError
from local.images import install_images
from local.replacing import replace
from local.subnet_groups import install_subnet_groups

log = logging.getLogger(__name__)

Function = Callable[..., Any]

UNSUPPORTED_DATABASE_CALLS = {
    "create_db_cluster": "clusters",
    "create_db_instance_read_replica": "read replicas",
    "restore_db_instance_to_point_in_time": "restoring to a point in time (it keeps no transaction log)",
}

_restored_from: ContextVar[str | None] = ContextVar("restored_from", default=None)


class ServerHosts(Protocol):
    """What is used of `local.servers.Servers`."""

    def boot(self, instance_id: str, address: str, user_data: str, role: str | None) -> None: ...
    def start(self, instance_id: str) -> None: ...
    def stop(self, instance_id: str) -> None: ...
    def terminate(self, instance_id: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The real things behind moto."""

    servers: ServerHosts
    server_addresses: AddressPool
    balancers: Balancers
    balancer_addresses: AddressPool
    databases: Databases


def install(parts: Parts) -> ExitStack:
    """Put all hooks on."""
    installed = ExitStack()
    install_images(installed)
    install_bucket_policies(installed)
    install_copies(installed)
    install_subnet_groups(installed)
    _hook_instances(installed, parts)
    _hook_load_balancers(installed, parts)
    _hook_databases(installed, parts)
    return installed


def instance_address(elbv2_backend: Any, target_id: str) -> str | None:
    """The address of a target: an instance's while it runs, or the target itself if it is an address."""
    if not target_id.startswith("i-"):
        return target_id
    instance = elbv2_backend.ec2_backend.get_instance_by_id(target_id)
    return instance.private_ip_address if instance and instance.state == "running" else None


# Instances

def _hook_instances(installed: ExitStack, parts: Parts) -> None:
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


# Load balancers

def _hook_load_balancers(installed: ExitStack, parts: Parts) -> None:
    replace(installed, ELBv2Backend, "create_load_balancer", _listening(parts))
    replace(installed, ELBv2Backend, "delete_load_balancer", _unlistening(parts))
    replace(installed, ELBv2Backend, "create_listener", _new_listener(parts))
    replace(installed, ELBv2Backend, "modify_listener", _changed_listener(parts))
    replace(installed, ELBv2Backend, "delete_listener", _removed_listener(parts))
    replace(installed, FakeTargetGroup, "health_for", _measured(parts))


def _listening(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_load_balancer(backend: Any, *args: Any, **kwargs: Any) -> Any:
            load_balancer = original(backend, *args, **kwargs)
            load_balancer.dns_name = parts.balancer_addresses.take()
            parts.balancers.add(backend, load_balancer, load_balancer.dns_name)
            return load_balancer

        return create_load_balancer

    return wrap


def _unlistening(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_load_balancer(backend: Any, arn: str) -> None:
            original(backend, arn)
            if address := parts.balancers.remove(arn):
                parts.balancer_addresses.give_back(address)

        return delete_load_balancer

    return wrap


def _new_listener(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_listener(backend: Any, *args: Any, **kwargs: Any) -> Any:
            _refuse_tls(kwargs.get("protocol"))
            _refuse_second(backend, kwargs.get("load_balancer_arn"), kwargs.get("port"))
            listener = original(backend, *args, **kwargs)
            try:
                parts.balancers.refresh(listener.load_balancer_arn)
            except CloudError as error:
                backend.load_balancers[listener.load_balancer_arn].listeners.pop(listener.arn)
                raise ELBClientError("InvalidConfigurationRequest", str(error)) from error
            return listener

        return create_listener

    return wrap


def _changed_listener(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def modify_listener(backend: Any, arn: str, port: str | None = None, protocol: str | None = None,
                            *args: Any, **kwargs: Any) -> Any:
            _refuse_tls(protocol)
            before = backend.describe_listeners(load_balancer_arn=None, listener_arns=[arn])[0].port
            listener = original(backend, arn, port, protocol, *args, **kwargs)
            try:
                parts.balancers.refresh(listener.load_balancer_arn)
            except CloudError as error:
                listener.port = before
                raise ELBClientError("InvalidConfigurationRequest", str(error)) from error
            return listener

        return modify_listener

    return wrap


def _removed_listener(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_listener(backend: Any, *args: Any, **kwargs: Any) -> Any:
            listener = original(backend, *args, **kwargs)
            parts.balancers.refresh(listener.load_balancer_arn)
            return listener

        return delete_listener

    return wrap


def _refuse_tls(protocol: str | None) -> None:
    if protocol == "HTTPS":
        raise ELBClientError("UnsupportedProtocol", "the local cloud's load balancers speak HTTP only: set"
                             " load_balancer.certificate to null in the local stack file")


def _refuse_second(backend: Any, load_balancer_arn: str | None, port: Any) -> None:
    """moto looks for the port among ARNs and never finds it."""
    load_balancer = backend.load_balancers.get(load_balancer_arn)
    if load_balancer and any(str(one.port) == str(port) for one in load_balancer.listeners.values()):
        raise ELBClientError("DuplicateListener", "A listener with the specified port already exists.")


def _measured(parts: Parts) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def health_for(group: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
            assumed = original(group, target, ec2_backend)
            if assumed.status != "healthy":
                return assumed
            health = parts.balancers.health(group.arn, target["Id"], int(assumed.port))
            status = "unused" if health.reason == "Target.NotInUse" else health.state
            return FakeHealthStatus(assumed.instance_id, assumed.port, assumed.health_check_port, status,
                                    health.reason, health.description)

        return health_for

    return wrap


# Databases

def _hook_databases(installed: ExitStack, parts: Parts) -> None:
    databases = parts.databases
    replace(installed, MasterUserSecret, "_generate_secret_string", _with_its_own_password)
    replace(installed, DBInstance, "address", _real_address)
    replace(installed, RDSBackend, "create_db_instance", _with_cluster(databases))
    replace(installed, RDSBackend, "restore_db_instance_from_db_snapshot", _from_snapshot)
    replace(installed, RDSBackend, "modify_db_instance", _with_new_password(databases))
    replace(installed, RDSBackend, "delete_db_instance", _without_cluster(databases))
    replace(installed, RDSBackend, "stop_db_instance", _after_database_change(databases.stop))
    replace(installed, RDSBackend, "start_db_instance", _after_database_change(databases.start))
    replace(installed, RDSBackend, "create_db_snapshot", _with_copy(databases))
    replace(installed, RDSBackend, "copy_db_snapshot", _with_second_copy(databases))
    replace(installed, RDSBackend, "delete_db_snapshot", _without_copy(databases))
    for name, what in UNSUPPORTED_DATABASE_CALLS.items():
        replace(installed, RDSBackend, name, _unsupported(what))


def _with_its_own_password(original: Function) -> Function:
    @functools.wraps(original)
    def generate_secret_string(secret: Any) -> str:
        instance = secret.resource
        instance.master_user_password = secrets.token_urlsafe(24)
        return json.dumps({"username": instance.master_username, "password": instance._master_user_password})

    return generate_secret_string


def _real_address(original: Any) -> Any:
    def address(instance: Any) -> str:
        return str(vars(instance).get("local_address") or original.fget(instance))

    return property(address)


def _with_cluster(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_db_instance(backend: Any, db_kwargs: dict[str, Any]) -> Any:
            with _as_rds_error():
                refuse_engine(str(db_kwargs.get("engine")))
            instance = original(backend, db_kwargs)
            try:
                with _as_rds_error():
                    instance.local_address = _filled(databases, instance)
            except RDSClientError:
                del backend.databases[instance.db_instance_identifier]
                raise
            return instance

        return create_db_instance

    return wrap


def _filled(databases: Databases, instance: Any) -> str:
    """Start the instance's cluster, empty or from the snapshot being restored."""
    snapshot = _restored_from.get()
    if snapshot:
        return databases.restore(snapshot, port=int(instance.port), master=_master(instance))
    return databases.create(port=int(instance.port), master=_master(instance), name=instance.db_name)


def _from_snapshot(original: Function) -> Function:
    @functools.wraps(original)
    def restore(backend: Any, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        name = from_snapshot_id.rpartition(":snapshot:")[2]
        snapshot = backend.database_snapshots.get(name)
        before = _restored_from.set(getattr(snapshot, "local_copy", None))
        try:
            return original(backend, from_snapshot_id, overrides)
        finally:
            _restored_from.reset(before)

    return restore


def _with_new_password(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def modify_db_instance(backend: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
            before = backend.describe_db_instances(db_instance_identifier)[0]._master_user_password
            instance = original(backend, db_instance_identifier, db_kwargs)
            if instance._master_user_password != before:
                with _as_rds_error():
                    databases.set_password(instance.local_address, _master(instance))
            return instance

        return modify_db_instance

    return wrap


def _without_cluster(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_db_instance(backend: Any, *args: Any, **kwargs: Any) -> Any:
            instance = original(backend, *args, **kwargs)
            databases.delete(instance.local_address)
            return instance

        return delete_db_instance

    return wrap


def _after_database_change(change: Callable[[str], None]) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def changed(backend: Any, *args: Any, **kwargs: Any) -> Any:
            instance = original(backend, *args, **kwargs)
            with _as_rds_error():
                change(instance.local_address)
            return instance

        return changed

    return wrap


def _with_copy(databases: Databases) -> Callable[[Function], Function]:
    """An automated snapshot is taken while the instance is being made: there is nothing to copy yet."""
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_db_snapshot(backend: Any, *args: Any, **kwargs: Any) -> Any:
            snapshot = original(backend, *args, **kwargs)
            address = vars(snapshot.database).get("local_address")
            try:
                with _as_rds_error():
                    snapshot.local_copy = databases.snapshot(address) if address else None
            except RDSClientError:
                del backend.database_snapshots[snapshot.db_snapshot_identifier]
                raise
            return snapshot

        return create_db_snapshot

    return wrap


def _with_second_copy(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def copy_db_snapshot(backend: Any, source_db_snapshot_identifier: str, *args: Any, **kwargs: Any) -> Any:
            source = backend.get_db_snapshot(source_db_snapshot_identifier)
            snapshot = original(backend, source_db_snapshot_identifier, *args, **kwargs)
            with _as_rds_error():
                snapshot.local_copy = databases.copy_snapshot(source.local_copy) if source.local_copy else None
            return snapshot

        return copy_db_snapshot

    return wrap


def _without_copy(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_db_snapshot(backend: Any, *args: Any, **kwargs: Any) -> Any:
            snapshot = original(backend, *args, **kwargs)
            if snapshot.local_copy:
                databases.delete_snapshot(snapshot.local_copy)
            return snapshot

        return delete_db_snapshot

    return wrap


def _unsupported(what: str) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def refuse(backend: Any, *args: Any, **kwargs: Any) -> Any:
            raise RDSClientError("InvalidParameterCombination", f"the local cloud has no {what}: use instances and"
                                 " their snapshots")

        return refuse

    return wrap


def _master(instance: Any) -> Master:
    return Master(user=instance.master_username, password=instance._master_user_password)


@contextmanager
def _as_rds_error() -> Iterator[None]:
    """What goes wrong with a real database is the API call's error."""
    try:
        yield
    except CloudError as error:
        raise RDSClientError("InvalidParameterValue", str(error)) from error
