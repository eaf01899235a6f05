"""What the load balancer itself says of its targets."""

from dataclasses import dataclass
from typing import Any

from release.aws.session import AwsSession, aws_call
from release.text import bounded


@dataclass(frozen=True, kw_only=True)
class TargetHealth:
    """One target of a group: the instance, its state in the balancer's words, and why: its code and description."""

    instance: str
    state: str
    reason: str


class Balancer:
    """Reads target health; changes nothing, that is the program's."""

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


def _reason(health: dict[str, Any]) -> str:
    return bounded(": ".join(filter(None, (health.get("Reason"), health.get("Description")))))
