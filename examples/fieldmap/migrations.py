"""What `bin/migrate` does: apply each migration once, in the order of their names.

Everything happens in one transaction under an advisory lock: several servers may run it at once, and one that
is killed leaves nothing half done. Migrations only ever add, so that the version before goes on working.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .database import connect

if TYPE_CHECKING:
    from pg8000.native import Connection

FOLDER = Path(__file__).with_name("migrations")
TABLE = "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, at timestamptz DEFAULT now())"
LOCK = 4_020_250_601  # any number, the same in every version
LOCK_TIMEOUT = "10s"  # a migration that cannot get its table fails instead of blocking everyone behind it


def main() -> None:
    """Bring the database at $DATABASE_URL to this version; print what was applied."""
    connection = connect(os.environ["DATABASE_URL"])
    try:
        applied = migrate(connection)
    finally:
        connection.close()
    print(f"migrations applied: {', '.join(applied) or 'none, all were there'}")


def migrate(connection: Connection) -> list[str]:
    """Apply what is missing and return the names; after an error, closing the connection undoes all."""
    connection.run("BEGIN")
    connection.run("SELECT pg_advisory_xact_lock(:lock)", lock=LOCK)
    connection.run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    connection.run(TABLE)
    done = {name for (name,) in connection.run("SELECT name FROM migrations")}
    missing = [file for file in sorted(FOLDER.glob("*.sql")) if file.stem not in done]
    for file in missing:
        connection.run(file.read_text(encoding="utf-8"))
        connection.run("INSERT INTO migrations (name) VALUES (:name)", name=file.stem)
    connection.run("COMMIT")
    return [file.stem for file in missing]
