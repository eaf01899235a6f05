"""Method and path -> answer. What is wrong with a request is said in one line of JSON."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from . import health, page, projects, tasks
from .errors import Refused

if TYPE_CHECKING:
    from .database import Database

JSON = "application/json"
HTML = "text/html; charset=utf-8"


class Answer(NamedTuple):
    """What goes back: the status, the type of the body, and the body."""

    status: int
    kind: str
    body: bytes


Handler = Callable[["Database", "list[int]", bytes], Answer]


def answer(database: Database, method: str, path: str, body: bytes) -> Answer:
    """Find the route and carry it out.

    Raises what the database raises; a Refused becomes an answer here.
    """
    try:
        handler, numbers = find(method, path)
        return handler(database, numbers, body)
    except Refused as refused:
        return as_json({"error": str(refused)}, refused.status)


def find(method: str, path: str) -> tuple[Handler, list[int]]:
    """The handler of a route and the numbers in its path; raises Refused with 404 or 405."""
    for pattern, handlers in ROUTES:
        match = pattern.fullmatch(path)
        if match and method in handlers:
            return handlers[method], [int(number) for number in match.groups()]
        if match:
            raise Refused(405, f"{path} takes only {', '.join(handlers)}")
    raise Refused(404, f"there is nothing at {path}")


def as_json(value: Any, status: int = 200) -> Answer:
    """An answer that carries JSON."""
    return Answer(status, JSON, json.dumps(value).encode() + b"\n")


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body must be a JSON object") from error
    if not isinstance(fields, dict):
        raise Refused(400, "the body must be a JSON object")
    return fields


def _show_page(database: Database, numbers: list[int], body: bytes) -> Answer:
    of_project = tasks.by_project(database)
    shown = [(project, of_project.get(project["id"], [])) for project in projects.every(database)]
    return Answer(200, HTML, page.page(health.version(), shown, os.environ.get("FIELDMAP_NOTICE", "")).encode())


def _show_health(database: Database, numbers: list[int], body: bytes) -> Answer:
    return as_json(health.check(database))


def _list_projects(database: Database, numbers: list[int], body: bytes) -> Answer:
    return as_json({"projects": projects.every(database)})


def _add_project(database: Database, numbers: list[int], body: bytes) -> Answer:
    return as_json(projects.add(database, _fields(body)), 201)


def _show_project(database: Database, numbers: list[int], body: bytes) -> Answer:
    return as_json(projects.one(database, numbers[0]))


def _list_tasks(database: Database, numbers: list[int], body: bytes) -> Answer:
    return as_json({"tasks": tasks.of_project(database, numbers[0])})


def _add_task(database: Database, numbers: list[int], body: bytes) -> Answer:
    return as_json(tasks.add(database, numbers[0], _fields(body)), 201)


def _change_task(database: Database, numbers: list[int], body: bytes) -> Answer:
    return as_json(tasks.change(database, numbers[0], numbers[1], _fields(body)))


# 18 digits at most: every such number fits PostgreSQL's bigint.
NUMBER = "([0-9]{1,18})"
ROUTES: list[tuple[re.Pattern[str], dict[str, Handler]]] = [
    (re.compile("/"), {"GET": _show_page}),
    (re.compile("/health"), {"GET": _show_health}),
    (re.compile("/api/projects"), {"GET": _list_projects, "POST": _add_project}),
    (re.compile(f"/api/projects/{NUMBER}"), {"GET": _show_project}),
    (re.compile(f"/api/projects/{NUMBER}/tasks"), {"GET": _list_tasks, "POST": _add_task}),
    (re.compile(f"/api/projects/{NUMBER}/tasks/{NUMBER}"), {"PATCH": _change_task}),
]
