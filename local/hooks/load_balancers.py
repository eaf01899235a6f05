"""Load balancers forward real requests, and target health is what they measured."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup

from local.errors import CloudError
from local.hooks.parts import Function, Parts
from local.hooks.replacing import replace


def install_load_balancers(installed: ExitStack, parts: Parts) -> None:
    """Hook moto's load balancers until `installed` is closed."""
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
        def modify_listener(
            backend: Any, arn: str, port: str | None = None, protocol: str | None = None, *args: Any, **kwargs: Any
        ) -> Any:
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
        raise ELBClientError(
            "UnsupportedProtocol",
            "the local cloud's load balancers speak HTTP only: set"
            " load_balancer.certificate to null in the local stack file",
        )


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
            return FakeHealthStatus(
                assumed.instance_id, assumed.port, assumed.health_check_port, status, health.reason, health.description
            )

        return health_for

    return wrap
