"""Load balancers forward real requests, and target health is what they measured."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from local.balancers import Balancers, Doors
from local.balancers.access_log import LogPlace, log_folder, log_place
from local.errors import CloudError
from local.hooks.certificates import certificate_of
from local.hooks.instances import instance_address
from local.hooks.parts import Function, Parts
from local.hooks.replacing import replace


def install_load_balancers(installed: ExitStack, parts: Parts) -> None:
    """Hook moto's load balancers until `installed` is closed."""
    balancers = parts.balancers
    replace(installed, ELBv2Backend, "create_load_balancer", _listening(parts))
    replace(installed, ELBv2Backend, "delete_load_balancer", _unlistening(parts))
    replace(installed, ELBv2Backend, "modify_load_balancer_attributes", _checked_log)
    replace(installed, ELBv2Backend, "create_listener", _new_listener(balancers))
    replace(installed, ELBv2Backend, "modify_listener", _changed_listener(balancers))
    replace(installed, ELBv2Backend, "delete_listener", _removed_listener(balancers))
    replace(installed, ELBv2Backend, "add_listener_certificates", _known_certificates)
    replace(installed, ELBv2Backend, "deregister_targets", _those_that_are_there)
    replace(installed, ELBv2Backend, "describe_target_health", _with_draining(balancers))
    replace(installed, FakeTargetGroup, "health_for", _measured(balancers))


# --- load balancers


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
            _refuse_protected(backend, arn)
            original(backend, arn)
            with _as_api_errors():
                address = parts.balancers.remove(arn)
            if address:
                parts.balancer_addresses.give_back(address)

        return delete_load_balancer

    return wrap


def _refuse_protected(backend: Any, arn: str) -> None:
    load_balancer = backend.load_balancers.get(arn)
    if load_balancer and load_balancer.attrs.get("deletion_protection.enabled") == "true":
        raise ELBClientError(
            "OperationNotPermitted",
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
        )


def _checked_log(original: Function) -> Function:
    """AWS writes a test file when an access log is switched on, and refuses a bucket where it cannot."""

    @functools.wraps(original)
    def modify_load_balancer_attributes(backend: Any, arn: str, attrs: Mapping[str, str]) -> Any:
        known = backend.load_balancers.get(arn)
        place = log_place({**known.attrs, **attrs}) if known else None
        if place and place != log_place(known.attrs):
            _write_test_file(backend, arn, place)
        return original(backend, arn, attrs)

    return modify_load_balancer_attributes


def _write_test_file(backend: Any, arn: str, place: LogPlace) -> None:
    key = f"{log_folder(arn, place.prefix)}/ELBAccessLogTestFile"
    try:
        store_object(backend, place.bucket, key, f"Enable AccessLog for ELB: {arn}\n".encode())
    except CloudError as error:
        raise ELBClientError(
            "InvalidConfigurationRequest",
            f"Access Denied for bucket: {place.bucket}. Please check S3bucket permission",
        ) from error


# --- listeners


def _new_listener(balancers: Balancers) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_listener(backend: Any, *args: Any, **kwargs: Any) -> Any:
            certificate = kwargs.get("certificate")
            if kwargs.get("protocol") == "HTTPS" and not certificate:
                raise ELBClientError("ValidationError", "A certificate must be specified for HTTPS listeners")
            _refuse_unknown(backend, [certificate] if certificate else [])
            _refuse_second(backend, kwargs.get("load_balancer_arn"), kwargs.get("port"))
            listener = original(backend, *args, **kwargs)
            try:
                balancers.refresh(listener.load_balancer_arn)
            except CloudError as error:
                backend.load_balancers[listener.load_balancer_arn].listeners.pop(listener.arn)
                raise _api_error(error) from error
            return listener

        return create_listener

    return wrap


def _changed_listener(balancers: Balancers) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def modify_listener(
            backend: Any, arn: str, port: str | None = None, protocol: str | None = None, *args: Any, **kwargs: Any
        ) -> Any:
            known = backend.describe_listeners(load_balancer_arn=None, listener_arns=[arn])[0]
            _refuse_second(backend, known.load_balancer_arn, port, but=arn)
            before = known.port, known.protocol
            listener = original(backend, arn, port, protocol, *args, **kwargs)
            try:
                balancers.refresh(listener.load_balancer_arn)
            except CloudError as error:
                listener.port, listener.protocol = before
                raise _api_error(error) from error
            return listener

        return modify_listener

    return wrap


def _removed_listener(balancers: Balancers) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_listener(backend: Any, *args: Any, **kwargs: Any) -> Any:
            listener = original(backend, *args, **kwargs)
            with _as_api_errors():
                balancers.refresh(listener.load_balancer_arn)
            return listener

        return delete_listener

    return wrap


def _refuse_second(backend: Any, load_balancer_arn: str | None, port: Any, but: str | None = None) -> None:
    """moto looks for the port among ARNs and never finds it."""
    load_balancer = backend.load_balancers.get(load_balancer_arn)
    others = [one for one in load_balancer.listeners.values() if one.arn != but] if load_balancer else []
    if any(str(one.port) == str(port) for one in others):
        raise ELBClientError("DuplicateListener", "A listener with the specified port already exists.")


def _known_certificates(original: Function) -> Function:
    @functools.wraps(original)
    def add_listener_certificates(backend: Any, arn: str, certificates: list[dict[str, Any]]) -> Any:
        _refuse_unknown(backend, [each["CertificateArn"] for each in certificates])
        return original(backend, arn, certificates)

    return add_listener_certificates


def _refuse_unknown(backend: Any, certificates: list[str]) -> None:
    for arn in certificates:
        if certificate_of(backend, arn) is None:
            raise ELBClientError("CertificateNotFound", f"Certificate '{arn}' not found")


# --- target health


def _those_that_are_there(original: Function) -> Function:
    """On AWS a target that is not registered is taken out by doing nothing; moto refuses the whole call."""

    @functools.wraps(original)
    def deregister_targets(backend: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        group = backend.target_groups.get(target_group_arn)
        there = [one for one in instances if group is None or one["Id"] in group.targets]
        original(backend, target_group_arn, there)

    return deregister_targets


def _with_draining(balancers: Balancers) -> Callable[[Function], Function]:
    """Without being asked for single targets, AWS tells the registered ones and those that are draining."""

    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def describe_target_health(backend: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> Any:
            registered = original(backend, target_group_arn, targets)
            if targets:
                return registered
            group = backend.target_groups[target_group_arn]
            left = [*group.deregistered_targets.values(), *group.terminated_targets.values()]
            told = [
                group.health_for(target, backend.ec2_backend) for target in left if target["Id"] not in group.targets
            ]
            return registered + [health for health in told if health.status == "draining"]

        return describe_target_health

    return wrap


def _measured(balancers: Balancers) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def health_for(group: Any, target: dict[str, Any], ec2_backend: Any) -> Any:
            assumed = original(group, target, ec2_backend)
            if assumed.reason == "Target.InvalidState":
                return assumed
            known = _known(group, target["Id"]) or {"Port": assumed.port}
            with _as_api_errors():
                health = balancers.health(group.arn, target["Id"], int(known["Port"]))
            if target["Id"] not in group.targets and health.state != "draining":
                return _told(assumed, "unused", "Target.NotRegistered", "Target is not registered to the target group")
            return _told(assumed, health.state, health.reason, health.description)

        return health_for

    return wrap


def _known(group: Any, target_id: str) -> Any:
    places = (group.targets, group.deregistered_targets, group.terminated_targets)
    return next((place[target_id] for place in places if target_id in place), None)


def _told(assumed: Any, state: str, reason: str | None, description: str | None) -> FakeHealthStatus:
    return FakeHealthStatus(assumed.instance_id, assumed.port, assumed.health_check_port, state, reason, description)


# --- doors and errors


def store_object(elbv2_backend: Any, bucket: str, key: str, content: bytes) -> None:
    """Put an object into a bucket of any account. Raises `CloudError` when there is no such bucket."""
    backend = s3_backends[elbv2_backend.account_id][elbv2_backend.partition]
    try:
        backend.put_object(bucket, key, content)
    except MissingBucket as error:
        raise CloudError(f"there is no bucket {bucket}: create it, or switch the access log off") from error


DOORS = Doors(address_of=instance_address, certificate_of=certificate_of, store=store_object)


@contextmanager
def _as_api_errors() -> Iterator[None]:
    try:
        yield
    except CloudError as error:
        raise _api_error(error) from error


def _api_error(error: CloudError) -> ELBClientError:
    return ELBClientError("InvalidConfigurationRequest", str(error))
