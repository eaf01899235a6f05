"""Where moto's listeners and rules are mended: what AWS refuses is refused, and what it allows works."""

import functools
from contextlib import ExitStack
from typing import Any

from moto.elbv2.exceptions import ELBClientError, PriorityInUseError
from moto.elbv2.models import ELBv2Backend, FakeAction

from local.hooks.parts import Function
from local.hooks.replacing import replace


def install_rules(installed: ExitStack) -> None:
    """Hook moto's rules until `installed` is closed."""
    replace(installed, ELBv2Backend, "create_rule", _checked_priority)
    replace(installed, ELBv2Backend, "set_rule_priorities", _at_once)
    for name in ("modify_rule", "delete_rule"):
        replace(installed, ELBv2Backend, name, _keeping_default)
    replace(installed, ELBv2Backend, "modify_listener", _checked_actions)
    for name in ("create_listener", "modify_listener", "delete_listener", "create_rule", "modify_rule", "delete_rule"):
        replace(installed, ELBv2Backend, name, _noting_use)


def _checked_priority(original: Function) -> Function:
    """moto compares numbers with texts."""

    @functools.wraps(original)
    def create_rule(backend: Any, listener_arn: str, conditions: Any, priority: Any, *args: Any, **kwargs: Any) -> Any:
        listener = backend.describe_listeners(None, [listener_arn])[0]
        _refuse_used(listener, {int(priority)}, but=())
        return original(backend, listener_arn, conditions, int(priority), *args, **kwargs)

    return create_rule


def _at_once(original: Function) -> Function:
    """Rules may exchange their priorities: moto takes the one that another rule gives up in the same call for used."""

    @functools.wraps(original)
    def set_rule_priorities(backend: Any, rule_priorities: list[dict[str, Any]]) -> Any:
        arns = [each["RuleArn"] for each in rule_priorities]
        rules = backend.describe_rules(listener_arn=None, rule_arns=arns)
        for rule in rules:
            listener = backend.describe_listeners(None, [rule.listener_arn])[0]
            _refuse_used(listener, {int(each["Priority"]) for each in rule_priorities}, but=arns)
        before = [rule.priority for rule in rules]
        for number, rule in enumerate(rules):
            rule.priority = -1 - number
        try:
            return original(backend, [{**each, "Priority": int(each["Priority"])} for each in rule_priorities])
        except ELBClientError:
            for rule, priority in zip(rules, before, strict=True):
                rule.priority = priority
            raise

    return set_rule_priorities


def _refuse_used(listener: Any, priorities: set[int], *, but: Any) -> None:
    others = [rule for rule in listener.rules.values() if rule.priority != "default" and rule.arn not in but]
    if any(int(rule.priority) in priorities for rule in others):
        raise PriorityInUseError()


def _keeping_default(original: Function) -> Function:
    @functools.wraps(original)
    def changed(backend: Any, *args: Any, **kwargs: Any) -> Any:
        arn = kwargs.get("rule_arn") or kwargs.get("arn") or args[0]
        if any(rule.arn == arn for rule in _default_rules(backend)):
            raise ELBClientError("OperationNotPermitted", f"Default rule '{arn}' cannot be modified or deleted")
        return original(backend, *args, **kwargs)

    return changed


def _default_rules(backend: Any) -> list[Any]:
    listeners = (listener for balancer in backend.load_balancers.values() for listener in balancer.listeners.values())
    return [rule for listener in listeners for rule in listener.rules.values() if rule.is_default]


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
    rules = [rule for listener in balancer.listeners.values() for rule in listener.rules.values()]
    actions = [action for rule in rules for action in rule.actions]
    return any(group_arn in backend._get_target_group_arns_from(action_data=action.data) for action in actions)
