"""What /health says: the version, if everything this version needs can be read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import schema

if TYPE_CHECKING:
    from .database import Database


def version() -> str:
    """The version this tree was built as; `0.0.0` for the bare source."""
    file = Path(__file__).with_name("VERSION")
    return file.read_text(encoding="ascii").strip() if file.exists() else "0.0.0"


def check(database: Database) -> dict[str, str]:
    """The answer of a healthy service; raises what the database raises where a table cannot be read."""
    for table in schema.TABLES:
        database.rows(f"SELECT FROM {table} LIMIT 1")
    return {"version": version()}
