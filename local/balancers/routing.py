"""What a listener does with a request: pure, over moto's actions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class WeightedGroup:
    """A target group that a forward action names, with its share of the requests."""

    arn: str
    weight: int


def final_action(listener: Any) -> dict[str, Any]:
    """The last action of moto's `listener` (those before it only authenticate)."""
    return dict(listener.default_actions[-1].data)


def group_arns(listeners: Iterable[Any]) -> set[str]:
    """The target groups that moto's `listeners` can forward to."""
    return {
        group.arn
        for listener in listeners
        for action in listener.default_actions
        for group in target_groups(action.data)
    }


def target_groups(action: Mapping[str, Any]) -> tuple[WeightedGroup, ...]:
    """The target groups of a forward action; none of any other."""
    if action.get("Type") != "forward":
        return ()
    groups = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    return tuple(WeightedGroup(arn=group["TargetGroupArn"], weight=int(group.get("Weight", 1))) for group in groups)
