"""What the load balancer itself says of its targets, and which servers take part in a slot."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.process.errors import Broken
from release.process.text import bounded


@dataclass(frozen=True, kw_only=True)
class TargetHealth:
    """One target of a group: the instance, its state in the balancer's words, and why: its code and description."""

    instance: str
    state: str
    reason: str


GONE = "InvalidTarget"  # what AWS says of an instance that does not exist, or is no target
LEAVING = "draining"  # the state of a target that was taken out and ends its last requests


class Balancer:
    """Reads target health, and keeps from users the servers that hold something else than they should.

    Groups, listeners and what is attached as a rule are the program's.
    """

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        """The targets of a group (its ARN)."""
        with aws_call("read the health of the targets"):
            answer = self._session.client("elbv2").describe_target_health(TargetGroupArn=target_group)
        return tuple(
            TargetHealth(
                instance=entry["Target"]["Id"],
                state=entry["TargetHealth"]["State"],
                reason=_reason(entry["TargetHealth"]),
            )
            for entry in answer["TargetHealthDescriptions"]
        )

    def seat(self, target_group: str, instances: Collection[str], *, alone: bool = False) -> None:
        """Let these instances take part in a group (its ARN), and with ``alone`` nobody else. Nothing is done twice."""
        there = self.seated(target_group)
        self._change("register_targets", target_group, {*instances} - there)
        if alone:
            self._change("deregister_targets", target_group, there - {*instances})

    def seated(self, target_group: str) -> frozenset[str]:
        """The instances that take part in a group."""
        return frozenset(target.instance for target in self.targets(target_group) if target.state != LEAVING)

    def _change(self, call: str, target_group: str, instances: Collection[str]) -> None:
        """For all at once, or one by one where AWS refuses one of them: whoever is gone takes part in nothing."""
        try:
            self._ask(call, target_group, instances)
        except Broken as error:
            if aws_code(error) != GONE:
                raise
            for instance in instances if len(instances) > 1 else ():
                self._change(call, target_group, [instance])

    def _ask(self, call: str, target_group: str, instances: Collection[str]) -> None:
        if instances:
            targets = [{"Id": instance} for instance in sorted(instances)]
            with aws_call("change which servers take part"):
                getattr(self._session.client("elbv2"), call)(TargetGroupArn=target_group, Targets=targets)


def _reason(health: dict[str, Any]) -> str:
    return bounded(": ".join(filter(None, (health.get("Reason"), health.get("Description")))))
