"""Alarms: what is asked of CloudWatch about servers, users' requests and the database, as plain values.

An alarm is for what lasts: one busy minute wakes nobody. Where nothing is measured nothing is wrong, so neither an
empty slot, nor an environment that nobody uses, nor an image without the CloudWatch agent trips any. Requests are
judged for the slot that users get; what the team does in the preview is no alarm.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pulumi import Input

from contract import metrics

CPU_PERCENT = 80.0
MEMORY_PERCENT = 70.0
DISK_PERCENT = 80.0
SLOWEST_SECONDS = 0.2
CONNECTIONS_SHARE = 0.75  # of what the engine allows: RDS keeps some of the memory for itself, so it allows less


GIB = 1024**3
MEMORY_GIB = {"nano": 0.5, "micro": 1, "small": 2, "medium": 4, "large": 8}  # of the general families t and m
XLARGE_GIB = 16
MEMORY_FACTORS = {"c": 0.5, "r": 2, "x": 4}  # of families for computing and for memory, beside t and m
BYTES_PER_CONNECTION = {"postgres": 9531392, "mysql": 12582880}
MOST_CONNECTIONS = {"postgres": 5000, "mysql": 16000}


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """In alarm when each of the last `periods` of `period` seconds is beyond the threshold."""

    name: str
    about: str
    namespace: str
    metric: str
    dimensions: Mapping[str, Input[str]]
    statistic: str
    threshold: float
    beyond: Literal["GreaterThanThreshold", "LessThanThreshold"] = "GreaterThanThreshold"
    period: int = metrics.CPU_PERIOD
    periods: int = 2


def server_alarms(number: int, instance_id: Input[str]) -> list[Alarm]:
    """CPU is told by EC2; memory and disk by the CloudWatch agent, see `host/boot.py`."""
    usages = (
        ("cpu", "CPU", metrics.SERVERS, metrics.CPU, CPU_PERCENT),
        ("memory", "memory", metrics.AGENT, metrics.MEMORY, MEMORY_PERCENT),
        ("disk", "disk", metrics.AGENT, metrics.DISK, DISK_PERCENT),
    )
    return [
        Alarm(
            name=f"{part}-{number}",
            about=f"Server {number} uses more than {limit:g} % of its {what}",
            namespace=namespace,
            metric=metric,
            dimensions={metrics.SERVER: instance_id},
            statistic="Average",
            threshold=limit,
        )
        for part, what, namespace, metric, limit in usages
    ]


def request_alarms(balancer: Input[str], live_group: Input[str]) -> list[Alarm]:
    """What users notice of the live release, for three minutes on end."""
    whole = {metrics.BALANCER: balancer}
    live = {**whole, metrics.GROUP: live_group}
    return [
        _requests("errors", "The live release answers with 5xx", metrics.ERRORS, live),
        # The balancer's own answers are counted for the whole of it only. An empty slot refuses at once: that is no
        # timeout, but a preview of one that people look at for minutes counts as broken off.
        _requests("timeouts", "Servers do not answer in time", metrics.OWN_ANSWERS[504], whole),
        _requests("broken-off", "Servers break off connections, or refuse them", metrics.OWN_ANSWERS[502], whole),
        _latency(live),
    ]


def health_alarm(balancer: Input[str], live_group: Input[str], bearable: int) -> Alarm:
    """Servers on which the live release does not answer, where more than `bearable` of them do not.

    Users notice only when it is all of them. Then the balancer answers by itself, for live and preview alike, and no
    count of answers could tell the two apart.
    """
    return Alarm(
        name="health",
        about="The live release is not healthy on every server",
        namespace=metrics.BALANCERS,
        metric="UnHealthyHostCount",
        dimensions={metrics.BALANCER: balancer, metrics.GROUP: live_group},
        statistic="Minimum",
        threshold=float(bearable),
        period=metrics.MINUTE,
        periods=5,  # longer than a new server takes
    )


def _requests(name: str, about: str, metric: str, dimensions: Mapping[str, Input[str]]) -> Alarm:
    return Alarm(
        name=name,
        about=about,
        namespace=metrics.BALANCERS,
        metric=metric,
        dimensions=dimensions,
        statistic="Sum",
        threshold=0.0,
        period=metrics.MINUTE,
        periods=3,
    )


def _latency(dimensions: Mapping[str, Input[str]]) -> Alarm:
    return Alarm(
        name="latency",
        about=f"One answer in 20 takes longer than {SLOWEST_SECONDS * 1000:g} ms",
        namespace=metrics.BALANCERS,
        metric=metrics.ANSWER_TIME,
        dimensions=dimensions,
        statistic="p95",
        threshold=SLOWEST_SECONDS,
        period=metrics.MINUTE,
        periods=3,
    )


def database_alarms(identifier: Input[str], engine: str, instance_class: str, storage_gb: int) -> list[Alarm]:
    """CPU, free storage and connections."""
    most = math.floor(CONNECTIONS_SHARE * most_connections(engine, instance_class))
    free = storage_gb * GIB * (1 - DISK_PERCENT / 100)
    return [
        _database(identifier, "cpu", f"more than {CPU_PERCENT:g} % of its CPU", metrics.CPU, CPU_PERCENT),
        _database(identifier, "connections", f"more than {most} connections", metrics.CONNECTIONS, most),
        replace(
            _database(identifier, "storage", f"more than {DISK_PERCENT:g} % of its storage", metrics.STORAGE, free),
            beyond="LessThanThreshold",
        ),
    ]


def _database(identifier: Input[str], part: str, used: str, metric: str, threshold: float) -> Alarm:
    return Alarm(
        name=f"database-{part}",
        about=f"The database uses {used}",
        namespace=metrics.DATABASES,
        metric=metric,
        dimensions={metrics.DATABASE: identifier},
        statistic="Average",
        threshold=threshold,
    )


def most_connections(engine: str, instance_class: str) -> int:
    """What RDS allows at most where nothing else is set: a share of the class's memory."""
    connections = memory_gib(instance_class) * GIB / BYTES_PER_CONNECTION[engine]
    return min(MOST_CONNECTIONS[engine], math.floor(connections))


def memory_gib(instance_class: str) -> float:
    """The memory of a class like `db.m7g.large`; of families that are not known here, as of the general ones."""
    _, family, size = instance_class.split(".")
    return _general_gib(size) * MEMORY_FACTORS.get(family[0], 1.0)


def _general_gib(size: str) -> float:
    many = re.fullmatch(r"(\d*)xlarge", size)
    return XLARGE_GIB * int(many[1] or 1) if many else MEMORY_GIB.get(size, MEMORY_GIB["micro"])
