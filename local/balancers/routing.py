"""Which action a listener takes for a request: pure, over moto's rules and actions.

A listener's rules are judged by priority, the default rule last; the first whose conditions all hold decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any, Protocol


class Rule(Protocol):
    """What is read of moto's rules."""

    @property
    def conditions(self) -> list[dict[str, Any]]: ...
    @property
    def priority(self) -> Any: ...
    @property
    def actions(self) -> list[Any]: ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """What conditions look at. Header names are in lower case; a header may be there several times."""

    method: str
    host: str
    path: str
    source: str
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class WeightedGroup:
    """A target group that a forward action names, with its share of the requests."""

    arn: str
    weight: int


def chosen_rule(rules: Iterable[Rule], request: Request) -> Rule:
    """The first rule that matches; the default rule always does."""
    ordered = sorted(rules, key=_order)
    return next(rule for rule in ordered if all(_holds(condition, request) for condition in rule.conditions))


def final_action(rule: Rule) -> dict[str, Any]:
    """The last action of a rule (those before it only authenticate)."""
    return dict(rule.actions[-1].data)


def group_arns(listeners: Iterable[Any]) -> set[str]:
    """The target groups that some rule of moto's `listeners` can forward to."""
    return {
        group.arn
        for listener in listeners
        for rule in list(listener.rules.values())
        for action in rule.actions
        for group in target_groups(action.data)
    }


def target_groups(action: Mapping[str, Any]) -> tuple[WeightedGroup, ...]:
    """The target groups of a forward action; none of any other."""
    if action.get("Type") != "forward":
        return ()
    groups = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    return tuple(WeightedGroup(arn=group["TargetGroupArn"], weight=int(group.get("Weight", 1))) for group in groups)


def _order(rule: Rule) -> tuple[bool, int]:
    is_default = rule.priority == "default"
    return is_default, 0 if is_default else int(rule.priority)


def _holds(condition: Mapping[str, Any], request: Request) -> bool:
    match condition["Field"]:
        case "path-pattern":
            return _matches_any(request.path, _values(condition, "PathPatternConfig"))
        case "host-header":
            return _matches_any(request.host.lower(), [v.lower() for v in _values(condition, "HostHeaderConfig")])
        case "http-request-method":
            return request.method in _values(condition, "HttpRequestMethodConfig")
        case "http-header":
            return _header_holds(condition, request)
        case "query-string":
            return any(_query_holds(value, request) for value in _values(condition, "QueryStringConfig"))
        case "source-ip":
            return any(ip_address(request.source) in ip_network(v) for v in _values(condition, "SourceIpConfig"))
    return False


def _values(condition: Mapping[str, Any], config: str) -> list[Any]:
    return list(condition.get(config, {}).get("Values") or condition.get("Values") or [])


def _matches_any(text: str, patterns: Iterable[str]) -> bool:
    """AWS's patterns know `*` and `?` only; square brackets are ordinary characters."""
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)


def _header_holds(condition: Mapping[str, Any], request: Request) -> bool:
    """AWS compares a header's values without regard to case; an absent header never matches."""
    name = condition["HttpHeaderConfig"]["HttpHeaderName"].lower()
    patterns = [value.lower() for value in _values(condition, "HttpHeaderConfig")]
    return any(_matches_any(content.lower(), patterns) for key, content in request.headers if key == name)


def _query_holds(value: Mapping[str, str], request: Request) -> bool:
    """AWS compares keys and values of a query without regard to case."""
    return any(
        _matches_any(content.lower(), [value["Value"].lower()])
        for key, content in request.query
        if "Key" not in value or _matches_any(key.lower(), [value["Key"].lower()])
    )
