"""What a load balancer thinks of a target: pure, from one check's result to the next state.

AWS's rules: a new target is `initial`; one good check makes it healthy (the healthy threshold is for coming back
from unhealthy), as many bad ones in a row as the unhealthy threshold make it unhealthy. A target that left while
requests are open is `draining`; one that no listener can reach is `unused`.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

State = Literal["initial", "healthy", "unhealthy", "draining", "unused"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A target group's declared health check. Times in seconds, as declared: not compressed."""

    scheme: str
    path: str
    port: str
    interval: float
    timeout: float
    healthy: int
    unhealthy: int
    codes: str


@dataclass(frozen=True, kw_only=True)
class Health:
    """One target's state; `good` and `bad` count the last checks in a row that ended so."""

    state: State = "initial"
    good: int = 0
    bad: int = 0
    reason: str | None = "Elb.InitialHealthChecking"
    description: str | None = "Initial health checks in progress"

    def after_success(self, check: Check) -> "Health":
        good = self.good + 1
        if self.state == "initial" or self.state == "healthy" or good >= check.healthy:
            return Health(state="healthy", good=good, reason=None, description=None)
        return replace(self, good=good, bad=0)

    def after_failure(self, check: Check, reason: str, description: str) -> "Health":
        bad = self.bad + 1
        if self.state == "unhealthy" or bad >= check.unhealthy:
            return Health(state="unhealthy", bad=bad, reason=reason, description=description)
        return replace(self, good=0, bad=bad)


UNUSED = Health(
    state="unused",
    reason="Target.NotInUse",
    description="Target group is not configured to receive traffic from the load balancer",
)
DRAINING = Health(
    state="draining",
    reason="Target.DeregistrationInProgress",
    description="Target deregistration is in progress",
)


def check_of(group: Any) -> Check:
    """moto's target group as a check."""
    return Check(
        scheme=(group.health_check_protocol or "HTTP").lower(),
        path=group.health_check_path or "/",
        port=str(group.health_check_port or "traffic-port"),
        interval=float(group.health_check_interval_seconds),
        timeout=float(group.health_check_timeout_seconds),
        healthy=int(group.healthy_threshold_count),
        unhealthy=int(group.unhealthy_threshold_count),
        codes=str(group.matcher["HttpCode"]),
    )


def accepts(codes: str, status: int) -> bool:
    """Whether `status` is in a matcher like `200`, `200,202` or `200-299`."""
    return any(_in_range(part, status) for part in codes.split(","))


def _in_range(part: str, status: int) -> bool:
    low, _, high = part.strip().partition("-")
    return int(low) <= status <= int(high or low)
