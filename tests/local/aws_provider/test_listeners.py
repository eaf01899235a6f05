"""Listeners are read as the published plugin reads them."""

from typing import Any

from local.aws_provider.session import Api
from local.aws_provider.types.lb_listeners import LISTENER

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/live/1/2"


class Balancers:
    """ELB with one listener, or none: remembers what it was asked."""

    def __init__(self, *listeners: dict[str, Any]) -> None:
        self.asked: list[str] = []
        self._listeners = [*listeners]

    def describe_listeners(self, ListenerArns: list[str]) -> dict[str, Any]:
        self.asked.append("DescribeListeners")
        return {"Listeners": self._listeners}

    def describe_listener_attributes(self, ListenerArn: str) -> dict[str, Any]:
        self.asked.append("DescribeListenerAttributes")
        return {"Attributes": [{"Key": "tcp.idle_timeout.seconds", "Value": "350"}]}


def read(balancers: Balancers) -> Any:
    return LISTENER.read(Api(client=balancers, region="eu-central-1", account="123456789012"), ARN)


def test_a_listener_is_read_with_its_attributes() -> None:
    balancers = Balancers({"ListenerArn": ARN, "Port": 80})
    assert read(balancers)["Port"] == 80
    assert balancers.asked == ["DescribeListeners", "DescribeListenerAttributes"]


def test_a_listener_that_is_gone_has_no_attributes_to_ask_for() -> None:
    balancers = Balancers()
    assert read(balancers) is None
    assert balancers.asked == ["DescribeListeners"]
