"""PostgreSQL and MySQL: a connection to a port of this machine that leads to one, and the plan run over it.

Both drivers are imported when they are used. Their errors are told in one line: PostgreSQL's first one, which never
holds a statement, and of MySQL's only the number, because its texts quote statements, and so passwords.

TLS is demanded where the database demands it, and the certificate is not checked: it would be against a name that
only AWS's own list of authorities vouches for. The way to the database is a server whose host key is pinned, and then
the environment's network; and PostgreSQL's login (SCRAM) tells no password to whoever stands in between.
"""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from contract.database import Address, Login
from release.doors.database import shared
from release.doors.database.login import LOCK, PostgresFacts, Statement, mysql_plan, postgres_plan
from release.process.errors import Broken

CONNECT_LIMIT = 20  # seconds, with the login to the server on the way
HERE = "127.0.0.1"
PROGRAM = "stageline release"
SCRAM = b"scram-sha-256"
AGAIN = "mend that, or wait until no long transaction holds its tables, and run it again"

ROLE_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"
OTHER_DATABASES = (
    "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba"
    " WHERE rolname = current_user AND datname <> current_database() ORDER BY datname"
)


class LoginFailed(Broken):
    """The database does not let this user in, or nobody answered: who leads there knows more."""


class Driver(Protocol):
    """A connection as one user."""

    def keep_role(self, address: Address, login: Login) -> None:
        """Make the application's role as its plan says. Raises Broken."""

    def close(self) -> None:
        """End it."""


class Postgres:
    """A connection to PostgreSQL by psycopg 3."""

    def __init__(self, address: Address, login: Login, port: int) -> None:
        import psycopg

        try:
            self._connection: Any = psycopg.connect(
                host=address.host,
                hostaddr=HERE,
                port=port,
                dbname=address.name,
                user=login.username,
                password=login.password,
                sslmode="require" if address.tls else "prefer",
                gssencmode="disable",
                require_auth=SCRAM.decode(),
                connect_timeout=CONNECT_LIMIT,
                application_name=PROGRAM,
                cursor_factory=psycopg.ClientCursor,  # statements about roles take no values from the server's side
            )
        except psycopg.Error as error:
            raise LoginFailed(f"cannot log in to the database as {login.username}: {first_line(error)}") from None

    def keep_role(self, address: Address, login: Login) -> None:
        """All in one transaction, or nothing. The server is told a verifier, never the password."""
        with told("the database refuses its application role"), self._at_once() as cursor:
            _run(cursor, postgres_plan(_facts(cursor, login.username), self._verifier(login)))

    def keep_makers(self, login: Login) -> None:
        """Make the role that makes demos' databases, as its plan says: all in one transaction, or nothing."""
        with told("the database refuses the role of its demos"), self._at_once() as cursor:
            facts, application = _facts(cursor, login.username), self._connection.info.dbname
            plan = shared.plan_of_makers(
                exists=facts.exists, verifier=self._verifier(login), application=application, others=facts.others
            )
            _run(cursor, plan)

    def crowd(self) -> shared.Crowd:
        """Who is in the server."""
        with told("the database does not say who is in it"), self._one_by_one() as cursor:
            databases = tuple(name for (name,) in cursor.execute(shared.FIND_DATABASES).fetchall())
            connections, most = cursor.execute(shared.COUNT_CONNECTIONS).fetchone()
        return shared.Crowd(databases=databases, connections=connections, most_connections=most)

    def make_database(self, login: Login) -> None:
        """Make a demo's role and the database of the same name, as their plan says."""
        with told(f"the database refuses {login.username}"), self._one_by_one() as cursor:
            there = _left(cursor, login.username)
            role, database, verifier = "role" in there, "database" in there, self._verifier(login)
            _run(cursor, shared.making_plan(login.username, role=role, database=database, verifier=verifier))

    def drop_database(self, name: str) -> tuple[str, ...]:
        """Take away a demo's database and role; which of them the catalog still has."""
        with told(f"the database keeps {name}"), self._one_by_one() as cursor:
            _run(cursor, shared.dropping_plan(name, role="role" in _left(cursor, name)))
            return _left(cursor, name)

    def close(self) -> None:
        """End it."""
        self._connection.close()

    def _verifier(self, login: Login) -> str:
        made: bytes = self._connection.pgconn.encrypt_password(login.password.encode(), login.username.encode(), SCRAM)
        return made.decode()

    @contextmanager
    def _at_once(self) -> Iterator[Any]:
        """A cursor in one transaction, behind whoever makes roles at the same time."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            yield cursor

    @contextmanager
    def _one_by_one(self) -> Iterator[Any]:
        """A cursor without a transaction: databases are made in none."""
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            yield cursor


class MySql:
    """A connection to MySQL by PyMySQL."""

    def __init__(self, address: Address, login: Login, port: int) -> None:
        import pymysql

        try:
            self._connection: Any = pymysql.connect(
                host=HERE,
                port=port,
                database=address.name,
                user=login.username,
                password=login.password,
                ssl=unverified() if address.tls else None,
                connect_timeout=CONNECT_LIMIT,
                program_name=PROGRAM,
            )
        except pymysql.MySQLError as error:
            raise LoginFailed(f"cannot log in to the database as {login.username}: {numbered(error)}") from None

    def keep_role(self, address: Address, login: Login) -> None:
        """One by one: MySQL has no transactions for this, and each statement may be run again."""
        import pymysql

        try:
            with self._connection.cursor() as cursor:
                for statement in mysql_plan(address, login):
                    cursor.execute(statement.text, statement.values)
        except pymysql.MySQLError as error:
            raise Broken(f"the database refuses its application role: {numbered(error)}", hint=AGAIN) from None

    def close(self) -> None:
        """End it."""
        self._connection.close()


@contextmanager
def told(what: str) -> Iterator[None]:
    """PostgreSQL's refusals in one line."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise Broken(f"{what}: {first_line(error)}", hint=AGAIN) from None


def unverified() -> ssl.SSLContext:
    """Encryption without a check of the certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return (str(error).splitlines() or ["it did not say why"])[0]


def numbered(error: Exception) -> str:
    """An error by its number only."""
    return f"MySQL's error {error.args[0]}" if error.args else "MySQL did not say why"


def _run(cursor: Any, plan: Sequence[Statement]) -> None:
    for statement in plan:
        cursor.execute(statement.text, statement.values)


def _left(cursor: Any, name: str) -> tuple[str, ...]:
    return tuple(what for (what,) in cursor.execute(shared.FIND_LEFT, (name, name)).fetchall())


def _facts(cursor: Any, role: str) -> PostgresFacts:
    exists = cursor.execute(ROLE_EXISTS, (role,)).fetchone() is not None
    others = cursor.execute(OTHER_DATABASES).fetchall()
    return PostgresFacts(exists=exists, others=tuple(name for (name,) in others))
