"""What CloudWatch tells of a release that is watched: which figures, and what is wrong with them. Values in and out.

CloudWatch tells requests and memory once a minute, and CPU every five minutes. Each figure is judged by its average
over the watch. It must be there once the watch has lasted two of its periods; a watch that is shorter says in its
evidence what it did not see. The first period may begin before the switch: where a later one is there, it does not
count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from contract import metrics
from contract.outputs import LOAD_BALANCER, SERVERS, TARGET_GROUPS
from contract.slots import SlotName
from release.doors.aws.metrics import Metric, Point
from release.rules.objections import Objection
from settings.model import Watch as Bounds

BEFORE = timedelta(hours=1)  # who told nothing for so long before the switch is not waited for
REQUESTS, ERRORS = "requests", "answers with 5xx"
BALANCERS_OWN = {f"the balancer's own answers with {code}": name for code, name in metrics.OWN_ANSWERS.items()}
ALL_ERRORS = (ERRORS, *BALANCERS_OWN)
AT_LEAST = 2  # of what is counted: one alone is an accident and no rate


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Something that CloudWatch tells.

    ``bound`` is the most that it may be on average, in ``unit``; ``scale`` makes that unit of what CloudWatch tells.
    ``sparse``: where there was nothing, nothing is told. ``optional``: it is told only where something is installed
    that does, so it must come only where it came before.
    """

    what: str
    metric: Metric
    bound: float | None = None
    unit: str = ""
    scale: float = 1.0
    sparse: bool = False
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """The values of a figure during the watch, and whether there were any before it."""

    figure: Figure
    values: tuple[float, ...]
    before: bool = False


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is wrong; each figure in words; and what could not be told in so short a time, and why."""

    objections: tuple[Objection, ...]
    values: dict[str, str]
    not_told: dict[str, str]


def figures_of(outputs: Mapping[str, Any], slot: SlotName, bounds: Bounds) -> tuple[Figure, ...]:
    """The figures of a slot's requests and of all servers, by a stack's outputs."""
    balancer = (metrics.BALANCER, _name(outputs[LOAD_BALANCER]))
    group = (metrics.GROUP, _group(outputs[TARGET_GROUPS][slot]))

    def requests(name: str, statistic: str, *place: tuple[str, str]) -> Metric:
        return Metric(
            namespace=metrics.BALANCERS, name=name, dimensions=place, statistic=statistic, period=metrics.MINUTE
        )

    return (
        Figure(what=REQUESTS, metric=requests(metrics.REQUESTS, "Sum", balancer, group)),
        Figure(what=ERRORS, metric=requests(metrics.ERRORS, "Sum", balancer, group), sparse=True),
        *(
            Figure(what=what, metric=requests(name, "Sum", balancer), sparse=True)
            for what, name in BALANCERS_OWN.items()
        ),
        Figure(
            what="the time of 95 % of answers",
            metric=requests(metrics.ANSWER_TIME, "p95", balancer, group),
            bound=bounds.p95_ms,
            unit="ms",
            scale=1000,
        ),
        *(figure for server in outputs[SERVERS] for figure in _server(server["name"], server["id"], bounds)),
    )


def told(figure: Figure, points: Sequence[Point], start: datetime) -> Told:
    """What a figure's points say of the time after ``start``."""
    period = timedelta(seconds=figure.metric.period)
    during = [point for point in points if point.at + period > start]
    inside = [point for point in during if point.at >= start]
    values = tuple(point.value * figure.scale for point in inside or during)
    return Told(figure=figure, values=values, before=len(during) < len(points))


def judge_figures(all_told: Sequence[Told], bounds: Bounds, elapsed: float) -> Figures:
    """The judgement over a watch that has lasted ``elapsed`` seconds so far."""
    missing = [one for one in all_told if not one.values and not one.figure.sparse]
    excused = {one.figure.what: excuse for one in missing if (excuse := _excuse(one, elapsed))}
    absent = [
        Objection(why=f"CloudWatch has not told {one.figure.what} since the switch", failed=False)
        for one in missing
        if one.figure.what not in excused
    ]
    over = [objection for one in all_told if (objection := _over(one))]
    return Figures(
        objections=(*over, *_too_many_errors(all_told, bounds), *absent),
        values={one.figure.what: _in_words(one) for one in all_told if one.values},
        not_told=excused,
    )


def _excuse(one: Told, elapsed: float) -> str:
    """Why a figure need not be there; empty when it must."""
    if elapsed < 2 * one.figure.metric.period:
        return f"told every {one.figure.metric.period} s"
    return "nothing on the server tells it" if one.figure.optional and not one.before else ""


def _over(one: Told) -> Objection | None:
    figure = one.figure
    if figure.bound is None or not one.values or fmean(one.values) <= figure.bound:
        return None
    return Objection(why=f"{figure.what} was {_in_words(one)}, {figure.bound:g} {figure.unit} are allowed")


def _too_many_errors(all_told: Sequence[Told], bounds: Bounds) -> tuple[Objection, ...]:
    sums = {one.figure.what: sum(one.values) for one in all_told}
    errors, requests = sum(sums.get(what, 0) for what in ALL_ERRORS), sums[REQUESTS]
    if errors < AT_LEAST or 100 * errors <= bounds.error_percent * requests:
        return ()
    own = sum(sums.get(what, 0) for what in BALANCERS_OWN)
    said = f"{errors:.0f} answers with 5xx{f' ({own:.0f} of the balancer itself)' if own else ''}"
    return (
        Objection(why=f"CloudWatch counted {said} to {requests:.0f} requests, {bounds.error_percent:g} % are allowed"),
    )


def _in_words(one: Told) -> str:
    if one.figure.bound is None:
        return f"{sum(one.values):.0f}"
    return f"{fmean(one.values):.1f} {one.figure.unit}"


def _server(name: str, identifier: str, bounds: Bounds) -> tuple[Figure, Figure]:
    place = ((metrics.SERVER, identifier),)
    cpu = Metric(
        namespace=metrics.SERVERS, name=metrics.CPU, dimensions=place, statistic="Average", period=metrics.CPU_PERIOD
    )
    memory = Metric(
        namespace=metrics.AGENT, name=metrics.MEMORY, dimensions=place, statistic="Average", period=metrics.MINUTE
    )
    return (
        Figure(what=f"the CPU of {name}", metric=cpu, bound=bounds.cpu_percent, unit="%"),
        Figure(what=f"the memory of {name}", metric=memory, bound=bounds.memory_percent, unit="%", optional=True),
    )


def _name(balancer_arn: str) -> str:
    """`arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID` as CloudWatch's dimension has it."""
    return balancer_arn.partition(":loadbalancer/")[2]


def _group(target_group_arn: str) -> str:
    """`arn:…:targetgroup/NAME/ID` as CloudWatch's dimension has it."""
    return target_group_arn.rpartition(":")[2]
