"""The door to PostgreSQL: a small pool of connections that survives a restart of the database."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from pg8000.exceptions import DatabaseError, Error, InterfaceError
from pg8000.native import Connection

from .errors import DatabaseUnavailable

POOL_SIZE = 8
TIMEOUT_S = 10
DEFAULT_PORT = 5432

Row = dict[str, Any]


def connect(url: str) -> Connection:
    """Open a connection to postgresql://user:password@host:port/name, encrypted where the server offers it.

    With `?sslmode=require` it is encrypted or not made at all. Raises DatabaseUnavailable; its text never holds the
    password.
    """
    parts = urlsplit(url)
    try:
        return Connection(
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            host=parts.hostname or "",
            port=parts.port or DEFAULT_PORT,
            database=unquote(parts.path.lstrip("/")),
            timeout=TIMEOUT_S,
            ssl_context=True if "sslmode=require" in parts.query.split("&") else None,
            application_name="fieldmap",
        )
    except (InterfaceError, OSError) as error:
        where = f"{parts.hostname}:{parts.port or DEFAULT_PORT}"
        raise DatabaseUnavailable(f"the database at {where} cannot be reached") from error
    except DatabaseError as error:
        raise DatabaseUnavailable("the database lets nobody in: it starts, stops or refuses us") from error


class Database:
    """At most `POOL_SIZE` connections, shared by the threads; a broken one is thrown away and made anew."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._allowed = threading.BoundedSemaphore(POOL_SIZE)

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Run one statement (`:name` stands for a value) and return its rows. Raises DatabaseUnavailable."""
        with self._connection() as connection:
            found = connection.run(sql, **values) or []
            names = [column["name"] for column in connection.columns or []]
        return [dict(zip(names, row)) for row in found]  # noqa: B905 - Python 3.9 has no strict=

    def warm_up(self) -> None:
        """Open the first connection before the first request needs it."""
        self.rows("SELECT 1")

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if not self._allowed.acquire(timeout=TIMEOUT_S):
            raise DatabaseUnavailable("every connection to the database is busy")
        try:
            connection = self._living() or connect(self._url)
            try:
                yield connection
            except (InterfaceError, OSError) as error:
                _close(connection)
                raise DatabaseUnavailable("the database broke off the connection") from error
            except DatabaseError:
                self._idle.put(connection)  # it said no to one statement; the connection is good
                raise
            self._idle.put(connection)
        finally:
            self._allowed.release()

    def _living(self) -> Connection | None:
        """An idle connection that still answers: asked before use, since repeating a write is not safe."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return None
            try:
                connection.run("SELECT 1")
                return connection
            except (Error, OSError):
                _close(connection)


def _close(connection: Connection) -> None:
    try:
        connection.close()
    except (InterfaceError, OSError):
        return  # it was broken already
