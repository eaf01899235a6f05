"""What went through the load balancers since somebody last asked: the figures that CloudWatch would get.

`Balancers.metrics()` gives a list of `BalancerCounts` and starts counting anew. The ARNs hold account and region;
CloudWatch's dimensions are their ends: `app/NAME/ID` and `targetgroup/NAME/ID`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GroupCounts:
    """One target group of one load balancer. `response_times` in seconds, one per answer of a target.

    `healthy_hosts` and `unhealthy_hosts` are counted now; hosts that are `initial`, `draining` or `unused` are in
    neither.
    """

    arn: str
    requests: int = 0
    target_2xx: int = 0
    target_3xx: int = 0
    target_4xx: int = 0
    target_5xx: int = 0
    connection_errors: int = 0
    response_times: tuple[float, ...] = ()
    healthy_hosts: int = 0
    unhealthy_hosts: int = 0


@dataclass(frozen=True, kw_only=True)
class BalancerCounts:
    """One load balancer. `elb_*` are answers that it gave itself: no target was involved, or none answered.

    `requests` counts those forwarded to a target, as AWS's RequestCount does.
    """

    arn: str
    name: str
    requests: int = 0
    elb_3xx: int = 0
    elb_4xx: int = 0
    elb_5xx: int = 0
    elb_502: int = 0
    elb_503: int = 0
    elb_504: int = 0
    fixed_responses: int = 0
    redirects: int = 0
    groups: tuple[GroupCounts, ...] = ()
