"""Dashboard: the environment's figures on one page, as the JSON that CloudWatch draws from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 8, 6  # three graphs in a row: a page is 24 wide
MINUTE = 60

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
        _graph(subjects, "Requests", "Sum", _by_slot(subjects, "RequestCount")),
        _graph(subjects, "Answers with 5xx", "Sum", _by_slot(subjects, "HTTPCode_Target_5XX_Count")),
        _graph(subjects, "95 % of answers within, in seconds", "p95", _by_slot(subjects, "TargetResponseTime")),
    ]


def _by_slot(subjects: Subjects, metric: str) -> list[Line]:
    """One line for each slot."""
    return [
        ["AWS/ApplicationELB", metric, "LoadBalancer", subjects.balancer, "TargetGroup", group, {"label": slot}]
        for slot, group in subjects.groups.items()
    ]


def _servers(subjects: Subjects) -> list[dict[str, Any]]:
    return [
        _graph(subjects, "CPU of servers, %", "Average", _by_server(subjects, "AWS/EC2", "CPUUtilization")),
        _graph(subjects, "Memory of servers, %", "Average", _by_server(subjects, "CWAgent", "mem_used_percent")),
        _graph(subjects, "Disks of servers, %", "Average", _by_server(subjects, "CWAgent", "disk_used_percent")),
    ]


def _by_server(subjects: Subjects, namespace: str, metric: str) -> list[Line]:
    return [
        [namespace, metric, "InstanceId", server, {"label": f"server {number}"}]
        for number, server in enumerate(subjects.servers, start=1)
    ]


def _database(subjects: Subjects) -> list[dict[str, Any]]:
    return [
        _graph(subjects, "CPU of the database, %", "Average", _of_database(subjects, "CPUUtilization")),
        _graph(subjects, "Connections to the database", "Average", _of_database(subjects, "DatabaseConnections")),
        _graph(subjects, "Free storage of the database, bytes", "Average", _of_database(subjects, "FreeStorageSpace")),
    ]


def _of_database(subjects: Subjects, metric: str) -> list[Line]:
    return [["AWS/RDS", metric, "DBInstanceIdentifier", subjects.database]]


def _graph(subjects: Subjects, title: str, statistic: str, lines: Sequence[Line]) -> dict[str, Any]:
    shown = {"view": "timeSeries", "region": subjects.region, "period": MINUTE, "stat": statistic}
    return {"type": "metric", "properties": {"title": title, "metrics": list(lines), **shown}}
