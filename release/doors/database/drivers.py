"""PostgreSQL and MySQL: a connection to a port of this machine that leads to one, and the plan run over it.

Both drivers are imported when they are used. Their errors are told in one line: PostgreSQL's first one, which never
holds a statement, and of MySQL's only the number, because its texts quote statements, and so passwords.

TLS is demanded where the database demands it, and the certificate is not checked: it would be against a name that
only AWS's own list of authorities vouches for. The way to the database is a server whose host key is pinned, and then
the environment's network; and PostgreSQL's login (SCRAM) tells no password to whoever stands in between.
"""

import ssl
from typing import Any, Protocol

from contract.database import Address, Login
from release.doors.database.login import LOCK, PostgresFacts, mysql_plan, postgres_plan
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
        import psycopg

        made = self._connection.pgconn.encrypt_password(login.password.encode(), login.username.encode(), SCRAM)
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                for statement in postgres_plan(_facts(cursor, login.username), made.decode()):
                    cursor.execute(statement.text, statement.values)
        except psycopg.Error as error:
            raise Broken(f"the database refuses its application role: {first_line(error)}", hint=AGAIN) from None

    def close(self) -> None:
        """End it."""
        self._connection.close()


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


def _facts(cursor: Any, role: str) -> PostgresFacts:
    exists = cursor.execute(ROLE_EXISTS, (role,)).fetchone() is not None
    others = cursor.execute(OTHER_DATABASES).fetchall()
    return PostgresFacts(exists=exists, others=tuple(name for (name,) in others))
