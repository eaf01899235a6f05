"""Tasks: the parts of a project, each with one choice per column of `schema.TASK_CHOICES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import projects, schema
from .errors import Refused

if TYPE_CHECKING:
    from .database import Database, Row


def columns() -> tuple[str, ...]:
    """What a task shows, in order."""
    return ("id", "project", "name", *schema.TASK_CHOICES)


def of_project(database: Database, project: int) -> list[Row]:
    """The tasks of a project, oldest first; raises Refused (404) if there is no such project."""
    projects.one(database, project)
    sql = f"SELECT {', '.join(columns())} FROM tasks WHERE project = :project ORDER BY id"
    return database.rows(sql, project=project)


def by_project(database: Database) -> dict[int, list[Row]]:
    """All tasks, oldest first, under the number of their project."""
    found: dict[int, list[Row]] = {}
    for task in database.rows(f"SELECT {', '.join(columns())} FROM tasks ORDER BY id"):
        found.setdefault(task["project"], []).append(task)
    return found


def add(database: Database, project: int, fields: dict[str, Any]) -> Row:
    """Add a task to a project and return it; raises Refused (404 without the project, 400 for bad fields)."""
    values = {"name": projects.name_of(fields), **_defaults(), **_choices(fields)}
    projects.one(database, project)
    names = ", ".join(("project", *values))
    places = ", ".join(f":{name}" for name in ("project", *values))
    sql = f"INSERT INTO tasks ({names}) VALUES ({places}) RETURNING {', '.join(columns())}"
    return database.rows(sql, project=project, **values)[0]


def change(database: Database, project: int, number: int, fields: dict[str, Any]) -> Row:
    """Change the choices of a task and return it; raises Refused (404 without it, 400 for bad fields)."""
    values = _choices(fields)
    if not values:
        raise Refused(400, f"nothing to change: give one of {', '.join(schema.TASK_CHOICES)}")
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    where = f"WHERE project = :project AND id = :number RETURNING {', '.join(columns())}"
    found = database.rows(f"UPDATE tasks SET {assignments} {where}", project=project, number=number, **values)
    if not found:
        raise Refused(404, f"there is no task {number} in project {project}")
    return found[0]


def _defaults() -> dict[str, str]:
    return {name: allowed[0] for name, allowed in schema.TASK_CHOICES.items()}


def _choices(fields: dict[str, Any]) -> dict[str, str]:
    return {name: _choice(name, fields[name]) for name in schema.TASK_CHOICES if name in fields}


def _choice(name: str, value: Any) -> str:
    allowed = schema.TASK_CHOICES[name]
    if value not in allowed:
        raise Refused(400, f"'{name}' must be one of {', '.join(allowed)}")
    return str(value)
