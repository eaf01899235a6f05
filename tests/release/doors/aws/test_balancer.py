"""Who takes part in a target group: the calls that are made, and that none is made where it is so already."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from release.doors.aws.balancer import Balancer


class Elb:
    """A target group: its instances with their states, and the changes that were asked for."""

    def __init__(self, **states: str) -> None:
        self._states = states
        self.gone: set[str] = set()
        self.changes: list[tuple[str, list[str]]] = []

    def client(self, service: str) -> "Elb":
        assert service == "elbv2"
        return self

    def describe_target_health(self, **which: str) -> dict[str, Any]:
        found = [{"Target": {"Id": id}, "TargetHealth": {"State": state}} for id, state in self._states.items()]
        return {"TargetHealthDescriptions": found}

    def register_targets(self, **which: Any) -> None:
        if self.gone & {target["Id"] for target in which["Targets"]}:
            raise ClientError({"Error": {"Code": "InvalidTarget"}}, "RegisterTargets")
        self.changes.append(("register", [target["Id"] for target in which["Targets"]]))

    def deregister_targets(self, **which: Any) -> None:
        self.changes.append(("deregister", [target["Id"] for target in which["Targets"]]))


HEALTHY = {"i1": "healthy", "i2": "unhealthy"}


@pytest.mark.parametrize(
    ("states", "instances", "alone", "changes"),
    [
        pytest.param(HEALTHY, {"i1", "i2"}, True, [], id="so-already"),
        pytest.param(HEALTHY, {"i1", "i2", "i3"}, False, [("register", ["i3"])], id="one-is-missing"),
        pytest.param(HEALTHY, {"i1"}, False, [], id="others-may-stay"),
        pytest.param(HEALTHY, {"i1"}, True, [("deregister", ["i2"])], id="others-leave"),
        pytest.param(
            {**HEALTHY, "stray": "healthy"}, {"i1", "i2"}, True, [("deregister", ["stray"])], id="nobodys-leaves"
        ),
        pytest.param({"i1": "draining"}, {"i1"}, True, [("register", ["i1"])], id="one-that-leaves-comes-back"),
        pytest.param({"i1": "draining"}, set(), True, [], id="one-that-leaves-is-not-asked-again"),
    ],
)
def test_servers_are_seated(
    states: dict[str, str], instances: set[str], alone: bool, changes: list[tuple[str, list[str]]]
) -> None:
    elb: Any = Elb(**states)
    Balancer(elb).seat("arn", instances, alone=alone)
    assert elb.changes == changes


def test_an_instance_that_is_gone_keeps_no_other_out() -> None:
    elb: Any = Elb(**HEALTHY)
    elb.gone = {"i4"}
    Balancer(elb).seat("arn", {"i3", "i4", "i5"}, alone=True)
    assert sorted(elb.changes) == [("deregister", ["i1", "i2"]), ("register", ["i3"]), ("register", ["i5"])]
