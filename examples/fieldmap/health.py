"""What /health says: the version, if every table that this version needs can be read.

A database that is away is told and no fault of this server: were it one, a load balancer would take out every server
at once, of this release and of the one to go back to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import schema
from .errors import DatabaseUnavailable

if TYPE_CHECKING:
    from .database import Database


def version() -> str:
    """The version this tree was built as; `0.0.0` for the bare source."""
    file = Path(__file__).with_name("VERSION")
    return file.read_text(encoding="ascii").strip() if file.exists() else "0.0.0"


def check(database: Database) -> dict[str, str]:
    """The answer of a healthy service; raises what the database raises where a table cannot be read."""
    try:
        for table in schema.TABLES:
            database.rows(f"SELECT FROM {table} LIMIT 1")
    except DatabaseUnavailable as error:
        return {"version": version(), "database": str(error)}
    return {"version": version(), "database": "reached"}
