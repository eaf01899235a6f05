"""The parts' figures as CloudWatch's metrics, under the names and dimensions that AWS gives them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends

from local.balancers.counts import BalancerCounts, GroupCounts
from local.databases import DatabaseFigures
from local.watching.samples import Sample, many, one
from local.watching.store import Metric, metric

UNREACHABLE = ("stop", "hang")  # faults of a server by which AWS's reachability check fails


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One sample of a metric of an account and region."""

    account: str
    region: str
    metric: Metric
    sample: Sample


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something is, with the dimensions that its metrics have."""

    account: str
    region: str
    dimensions: tuple[tuple[str, str], ...]

    def measured(self, namespace: str, name: str, sample: Sample) -> Measured:
        named = metric(namespace, name, [{"Name": key, "Value": value} for key, value in self.dimensions])
        return Measured(account=self.account, region=self.region, metric=named, sample=sample)


Find = Callable[[str], Place | None]


def find_instance(instance_id: str) -> Place | None:
    """Where the instance is that EC2 says is running."""
    for account, regions in list(ec2_backends.items()):
        for region, backend in list(regions.items()):
            instance = backend.get_instance_by_id(instance_id)
            if instance is not None and instance.state == "running":
                return Place(account=account, region=region, dimensions=(("InstanceId", instance_id),))
    return None


def server_metrics(
    figures: Iterable[Mapping[str, Any]], statuses: Iterable[Mapping[str, Any]], now: float, find: Find = find_instance
) -> list[Measured]:
    """Of the servers that EC2 says are running; one that does not answer fails its status check."""
    return [*_usage(figures, now, find), *_checks(statuses, now, find)]


def _usage(figures: Iterable[Mapping[str, Any]], now: float, find: Find) -> Iterator[Measured]:
    for each in figures:
        if place := find(each["instance_id"]):
            yield place.measured("AWS/EC2", "CPUUtilization", one(now, each["cpu_percent"], "Percent"))
            yield place.measured("CWAgent", "mem_used_percent", one(now, each["memory_percent"], "Percent"))
            yield place.measured("CWAgent", "disk_used_percent", one(now, each["disk_percent"], "Percent"))


def _checks(statuses: Iterable[Mapping[str, Any]], now: float, find: Find) -> Iterator[Measured]:
    for each in statuses:
        if place := find(each["id"]):
            failed = each["state"] == "crashed" or any(kind in UNREACHABLE for kind in each.get("faults", ()))
            for name in ("StatusCheckFailed", "StatusCheckFailed_Instance"):
                yield place.measured("AWS/EC2", name, one(now, float(failed), "Count"))


def balancer_metrics(counts: Iterable[BalancerCounts], now: float) -> list[Measured]:
    """Codes are told when there were any, as AWS does; hosts always."""
    return [each for balancer in counts for each in _balancer(balancer, now)]


def _balancer(counts: BalancerCounts, now: float) -> Iterator[Measured]:
    place, groups = _balancer_place(counts.arn), counts.groups
    own = {
        "HTTPCode_ELB_3XX_Count": counts.elb_3xx,
        "HTTPCode_ELB_4XX_Count": counts.elb_4xx,
        "HTTPCode_ELB_5XX_Count": counts.elb_5xx,
        "HTTPCode_ELB_502_Count": counts.elb_502,
        "HTTPCode_ELB_503_Count": counts.elb_503,
        "HTTPCode_ELB_504_Count": counts.elb_504,
        "HTTP_Fixed_Response_Count": counts.fixed_responses,
        "HTTP_Redirect_Count": counts.redirects,
    }
    yield from _counts(place, own, now)
    yield place.measured("AWS/ApplicationELB", "RequestCount", one(now, float(counts.requests), "Count"))
    yield from _answers(place, groups, now)
    for group in groups:
        yield from _group(_group_place(place, group.arn), group, now)


def _group(place: Place, group: GroupCounts, now: float) -> Iterator[Measured]:
    hosts = {"HealthyHostCount": group.healthy_hosts, "UnHealthyHostCount": group.unhealthy_hosts}
    for name, value in {**hosts, "RequestCount": group.requests}.items():
        yield place.measured("AWS/ApplicationELB", name, one(now, float(value), "Count"))
    yield from _answers(place, [group], now)


def _answers(place: Place, groups: Sequence[GroupCounts], now: float) -> Iterator[Measured]:
    """What targets answered, of one group or of all groups of a balancer."""
    answers = {
        "HTTPCode_Target_2XX_Count": sum(each.target_2xx for each in groups),
        "HTTPCode_Target_3XX_Count": sum(each.target_3xx for each in groups),
        "HTTPCode_Target_4XX_Count": sum(each.target_4xx for each in groups),
        "HTTPCode_Target_5XX_Count": sum(each.target_5xx for each in groups),
        "TargetConnectionErrorCount": sum(each.connection_errors for each in groups),
    }
    yield from _counts(place, answers, now)
    times = [(seconds, 1.0) for each in groups for seconds in each.response_times]
    if times:
        yield place.measured("AWS/ApplicationELB", "TargetResponseTime", many(now, times, "Seconds"))


def _counts(place: Place, counts: Mapping[str, int], now: float) -> Iterator[Measured]:
    for name, value in counts.items():
        if value:
            yield place.measured("AWS/ApplicationELB", name, one(now, float(value), "Count"))


def _balancer_place(arn: str) -> Place:
    """`arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID`."""
    _, _, _, region, account, resource = arn.split(":", 5)
    name = resource.removeprefix("loadbalancer/")
    return Place(account=account, region=region, dimensions=(("LoadBalancer", name),))


def _group_place(balancer: Place, arn: str) -> Place:
    group = ("TargetGroup", arn.split(":", 5)[5])
    return Place(account=balancer.account, region=balancer.region, dimensions=(*balancer.dimensions, group))


def database_metrics(figures: Iterable[DatabaseFigures], now: float) -> list[Measured]:
    return [each for database in figures for each in _database(database, now)]


def _database(figures: DatabaseFigures, now: float) -> Iterator[Measured]:
    _, _, _, region, account, _, identifier = figures.arn.split(":")
    place = Place(account=account, region=region, dimensions=(("DBInstanceIdentifier", identifier),))
    yield place.measured("AWS/RDS", "CPUUtilization", one(now, figures.cpu_percent, "Percent"))
    yield place.measured("AWS/RDS", "DatabaseConnections", one(now, float(figures.connections), "Count"))
    yield place.measured("AWS/RDS", "FreeStorageSpace", one(now, float(figures.free_storage_bytes), "Bytes"))
    yield place.measured("AWS/RDS", "FreeableMemory", one(now, float(figures.freeable_memory_bytes), "Bytes"))
