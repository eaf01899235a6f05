"""Projects: what is to be mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import schema
from .errors import Refused

if TYPE_CHECKING:
    from .database import Database, Row

NAME_LENGTH = 200


def every(database: Database) -> list[Row]:
    """All projects, oldest first."""
    return database.rows(f"SELECT {_columns()} FROM projects ORDER BY id")


def one(database: Database, number: int) -> Row:
    """The project of that number; raises Refused (404) if there is none."""
    found = database.rows(f"SELECT {_columns()} FROM projects WHERE id = :number", number=number)
    if not found:
        raise Refused(404, f"there is no project {number}")
    return found[0]


def add(database: Database, fields: dict[str, Any]) -> Row:
    """Add a project and return it; raises Refused (400) if it has no proper name."""
    sql = f"INSERT INTO projects (name) VALUES (:name) RETURNING {_columns()}"
    return database.rows(sql, name=name_of(fields))[0]


def name_of(fields: dict[str, Any]) -> str:
    """The name among the fields of a request, trimmed; raises Refused (400) if it is not a proper one."""
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > NAME_LENGTH:
        raise Refused(400, f"'name' must be printable text of 1 to {NAME_LENGTH} characters")
    return name.strip()


def _columns() -> str:
    return ", ".join(schema.PROJECT_COLUMNS)
