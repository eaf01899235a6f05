"""The first rule by priority whose conditions all hold decides what happens to a request."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from local.balancers.routing import Request, WeightedGroup, chosen_rule, final_action, group_arns, target_groups


@dataclass
class Action:
    data: dict[str, Any]


@dataclass
class Rule:
    name: str
    priority: Any = "default"
    conditions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def actions(self) -> list[Action]:
        return [Action({"Type": "authenticate-oidc"}), Action({"Type": "forward", "TargetGroupArn": self.name})]


@dataclass
class Listener:
    rules: dict[str, Rule]


REQUEST = Request(
    method="GET",
    host="Shop.Example.com",
    path="/api/v1/maps",
    source="127.0.0.1",
    headers=(("x-canary", "no"), ("x-canary", "yes")),
    query=(("color", "green"),),
)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Field": "path-pattern", "Values": ["/api/*"]}, True),
        ({"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/?1/*"]}}, True),
        ({"Field": "path-pattern", "Values": ["/API/*"]}, False),
        ({"Field": "path-pattern", "Values": ["/[a]pi/*"]}, False),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.COM"]}}, True),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["example.com"]}}, False),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}}, True),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}, False),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Canary", "Values": ["y*"]}}, True),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Other", "Values": ["y*"]}}, False),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Other", "Values": ["*"]}}, False),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Canary", "Values": ["YES"]}}, True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "color", "Value": "gr*"}]}}, True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "green"}]}}, True),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "size", "Value": "*"}]}}, False),
        ({"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "Color", "Value": "GREEN"}]}}, True),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.0/8"]}}, True),
        ({"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}, False),
        ({"Field": "something-new"}, False),
    ],
)
def test_a_condition_is_judged_as_aws_does(condition: dict[str, Any], holds: bool) -> None:
    rules = [Rule("default"), Rule("special", priority=1, conditions=[condition])]
    assert chosen(rules) == ("special" if holds else "default")


def test_the_lowest_priority_number_is_judged_first() -> None:
    everywhere = [{"Field": "path-pattern", "Values": ["*"]}]
    assert chosen([Rule("ten", "10", everywhere), Rule("nine", "9", everywhere), Rule("default")]) == "nine"


def test_all_conditions_of_a_rule_must_hold() -> None:
    conditions = [{"Field": "path-pattern", "Values": ["/api/*"]}, {"Field": "host-header", "Values": ["other"]}]
    assert chosen([Rule("both", 1, conditions), Rule("default")]) == "default"


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


def test_the_groups_of_a_listener_are_those_of_all_its_rules() -> None:
    assert group_arns([Listener({"a": Rule("blue"), "b": Rule("green", 1)})]) == {"blue", "green"}


def chosen(rules: list[Rule]) -> Any:
    return final_action(chosen_rule(rules, REQUEST))["TargetGroupArn"]
