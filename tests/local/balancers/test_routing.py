"""The last action of a listener decides what happens to a request."""

from dataclasses import dataclass
from typing import Any

from local.balancers.routing import WeightedGroup, final_action, group_arns, target_groups


@dataclass
class Action:
    data: dict[str, Any]


@dataclass
class Listener:
    group: str

    @property
    def default_actions(self) -> list[Action]:
        return [Action({"Type": "authenticate-oidc"}), Action({"Type": "forward", "TargetGroupArn": self.group})]


def test_the_last_action_of_a_listener_is_taken() -> None:
    assert final_action(Listener("blue")) == {"Type": "forward", "TargetGroupArn": "blue"}


def test_a_forward_action_may_share_requests_between_groups() -> None:
    action = {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": "blue", "Weight": 9}, {"TargetGroupArn": "green", "Weight": 1}]
        },
    }
    assert target_groups(action) == (WeightedGroup(arn="blue", weight=9), WeightedGroup(arn="green", weight=1))


def test_a_fixed_response_has_no_target_groups() -> None:
    assert target_groups({"Type": "fixed-response"}) == ()


def test_the_groups_of_listeners_are_those_of_all_their_actions() -> None:
    assert group_arns([Listener("blue"), Listener("green")]) == {"blue", "green"}
