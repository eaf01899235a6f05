"""Where moto's listeners are mended: what AWS refuses is refused, and a target group knows who uses it.

A listener here does the same with every request: nobody declares rules, so to make one is refused.
"""

import functools
from contextlib import ExitStack
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeAction

from local.hooks.parts import Function
from local.hooks.replacing import replace


def install_listeners(installed: ExitStack) -> None:
    """Hook moto's listeners until `installed` is closed."""
    replace(installed, ELBv2Backend, "create_rule", _refused)
    replace(installed, ELBv2Backend, "modify_listener", _checked_actions)
    for name in ("create_listener", "modify_listener", "delete_listener"):
        replace(installed, ELBv2Backend, name, _noting_use)


def _refused(original: Function) -> Function:
    @functools.wraps(original)
    def create_rule(*args: Any, **kwargs: Any) -> Any:
        raise ELBClientError(
            "ValidationError", "the local cloud knows no rules of listeners: give the listener default actions"
        )

    return create_rule


def _checked_actions(original: Function) -> Function:
    """moto checks the actions of a new listener only."""

    @functools.wraps(original)
    def modify_listener(
        backend: Any,
        arn: str,
        port: Any = None,
        protocol: Any = None,
        ssl_policy: Any = None,
        certificates: Any = None,
        actions: Any = None,
    ) -> Any:
        backend._validate_actions([FakeAction(dict(action)) for action in actions or []])
        return original(backend, arn, port, protocol, ssl_policy, certificates or [], actions or [])

    return modify_listener


def _noting_use(original: Function) -> Function:
    """Tell each target group which load balancers use it now; moto only ever adds."""

    @functools.wraps(original)
    def changed(backend: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(backend, *args, **kwargs)
        finally:
            for group in backend.target_groups.values():
                group.load_balancer_arns = [
                    balancer.arn for balancer in backend.load_balancers.values() if _uses(backend, balancer, group.arn)
                ]

    return changed


def _uses(backend: Any, balancer: Any, group_arn: str) -> bool:
    actions = [action for listener in balancer.listeners.values() for action in listener.default_actions]
    return any(group_arn in backend._get_target_group_arns_from(action_data=action.data) for action in actions)
