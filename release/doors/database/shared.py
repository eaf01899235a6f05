"""Demos' databases in their base's PostgreSQL: who may make them, and which statements make one and take it away.

Pure: the door reads the facts and runs the statements. Every list may be run again. A demo has a database and a role
that owns it, both of one name, and may come into no other; whoever makes them comes into none of the application's.
PostgreSQL keeps roles apart that make roles since version 16: one may change those only that it made itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from release.doors.database.login import Statement, quoted

ROLE = "demos"
MEETING_POINT = "postgres"
"""The database that is there whatever else is: one is made and dropped from another."""

MOST_OF_ONE = 20  # connections: a demo that leaks them takes none from its base's application

FIND_DATABASES = "SELECT datname FROM pg_database WHERE datname LIKE 'demo\\_%%' ORDER BY datname"
FIND_LEFT = (
    "SELECT 'database' FROM pg_database WHERE datname = %s UNION ALL SELECT 'role' FROM pg_roles WHERE rolname = %s"
)
COUNT_CONNECTIONS = "SELECT sum(numbackends)::int, current_setting('max_connections')::int FROM pg_stat_database"


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Who is in a server: the databases of demos, how many connections there are, and how many there may be."""

    databases: tuple[str, ...]
    connections: int
    most_connections: int


def plan_of_makers(*, exists: bool, verifier: str, application: str, others: Sequence[str]) -> tuple[Statement, ...]:
    """Make or keep the role that makes demos' databases, as the master user, and shut the application's to all others.

    PostgreSQL lets everybody into every database unless that is taken back: from the application's, and from the
    `others` that the master user owns.
    """
    closed = (f"REVOKE CONNECT, TEMPORARY ON DATABASE {quoted(name)} FROM PUBLIC" for name in (application, *others))
    return (
        *(() if exists else (Statement(text=f"CREATE ROLE {ROLE}"),)),
        Statement(text=f"ALTER ROLE {ROLE} LOGIN CREATEDB CREATEROLE PASSWORD %s", values=(verifier,)),
        *(Statement(text=text) for text in closed),
        *(
            Statement(text=f"GRANT CONNECT ON DATABASE {quoted(name)} TO {ROLE}")
            for name in others
            if name == MEETING_POINT
        ),
    )


def making_plan(name: str, *, role: bool, database: bool, verifier: str) -> tuple[Statement, ...]:
    """Make or keep a demo's role and database; `role` and `database` tell which are there."""
    own = quoted(name)
    return (
        *(() if role else (Statement(text=f"CREATE ROLE {own}"),)),
        Statement(text=f"ALTER ROLE {own} LOGIN CONNECTION LIMIT {MOST_OF_ONE} PASSWORD %s", values=(verifier,)),
        Statement(text=f"GRANT {own} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE"),
        *(() if database else (Statement(text=f"CREATE DATABASE {own} OWNER {own}"),)),
        Statement(text=f"REVOKE ALL ON DATABASE {own} FROM PUBLIC"),
    )


def dropping_plan(name: str, *, role: bool) -> tuple[Statement, ...]:
    """Take away a demo's database, whoever is connected to it, and its role with what it was given elsewhere.

    The right to act for the role comes first: a making that was killed may not have got that far.
    """
    own = quoted(name)
    granted = Statement(text=f"GRANT {own} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
    ended = (Statement(text=f"DROP OWNED BY {own}"), Statement(text=f"DROP ROLE {own}"))
    return (
        *((granted,) if role else ()),
        Statement(text=f"DROP DATABASE IF EXISTS {own} WITH (FORCE)"),
        *(ended if role else ()),
    )
