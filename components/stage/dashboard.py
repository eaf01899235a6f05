"""Dashboard: the environment's figures on one page, as the JSON that CloudWatch draws from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract import metrics

WIDTH, HEIGHT = 8, 6  # three graphs in a row: a page is 24 wide

Line = list[Any]


@dataclass(frozen=True, kw_only=True)
class Subjects:
    """What the page is about: ids as CloudWatch's dimensions have them, target groups by slot, alarms by ARN."""

    region: str
    servers: Sequence[str]
    balancer: str
    groups: Mapping[str, str]
    database: str
    alarms: Sequence[str]


def dashboard_body(subjects: Subjects) -> dict[str, Any]:
    """Alarms on top, then what users notice, then what causes it."""
    rows = [_requests(subjects), _servers(subjects), _database(subjects)]
    graphs = [
        {**_place(row, column), **graph} for row, graphs in enumerate(rows) for column, graph in enumerate(graphs)
    ]
    return {"widgets": [_alarms(subjects), *graphs]}


def _alarms(subjects: Subjects) -> dict[str, Any]:
    properties = {"title": "Alarms", "alarms": list(subjects.alarms)}
    return {"type": "alarm", "x": 0, "y": 0, "width": 3 * WIDTH, "height": HEIGHT, "properties": properties}


def _place(row: int, column: int) -> dict[str, int]:
    return {"x": column * WIDTH, "y": (row + 1) * HEIGHT, "width": WIDTH, "height": HEIGHT}


def _requests(subjects: Subjects) -> list[dict[str, Any]]:
    return [
        _graph(subjects, "Requests", "Sum", _by_slot(subjects, metrics.REQUESTS)),
        _graph(subjects, "Answers with 5xx", "Sum", _by_slot(subjects, metrics.ERRORS)),
        _graph(subjects, "95 % of answers within, in seconds", "p95", _by_slot(subjects, metrics.ANSWER_TIME)),
    ]


def _by_slot(subjects: Subjects, metric: str) -> list[Line]:
    """One line for each slot."""
    return [
        [metrics.BALANCERS, metric, metrics.BALANCER, subjects.balancer, metrics.GROUP, group, {"label": slot}]
        for slot, group in subjects.groups.items()
    ]


def _servers(subjects: Subjects) -> list[dict[str, Any]]:
    return [
        _graph(subjects, "CPU of servers, %", "Average", _by_server(subjects, metrics.SERVERS, metrics.CPU)),
        _graph(subjects, "Memory of servers, %", "Average", _by_server(subjects, metrics.AGENT, metrics.MEMORY)),
        _graph(subjects, "Disks of servers, %", "Average", _by_server(subjects, metrics.AGENT, metrics.DISK)),
    ]


def _by_server(subjects: Subjects, namespace: str, metric: str) -> list[Line]:
    return [
        [namespace, metric, metrics.SERVER, server, {"label": f"server {number}"}]
        for number, server in enumerate(subjects.servers, start=1)
    ]


def _database(subjects: Subjects) -> list[dict[str, Any]]:
    return [
        _graph(subjects, "CPU of the database, %", "Average", _of_database(subjects, metrics.CPU)),
        _graph(subjects, "Connections to the database", "Average", _of_database(subjects, metrics.CONNECTIONS)),
        _graph(subjects, "Free storage of the database, bytes", "Average", _of_database(subjects, metrics.STORAGE)),
    ]


def _of_database(subjects: Subjects, metric: str) -> list[Line]:
    return [[metrics.DATABASES, metric, metrics.DATABASE, subjects.database]]


def _graph(subjects: Subjects, title: str, statistic: str, lines: Sequence[Line]) -> dict[str, Any]:
    shown = {"view": "timeSeries", "region": subjects.region, "period": metrics.MINUTE, "stat": statistic}
    return {"type": "metric", "properties": {"title": title, "metrics": list(lines), **shown}}
