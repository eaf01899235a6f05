"""The application's own role in the database: what it is, and which statements make and keep it.

Pure: the door reads the facts and runs the statements, as the master user. Every list may be run again,
and moves over what an environment of before already has: everything that the master user owns in the application's
database belongs to the role afterwards, so that its migrations may change it. The master user stays able to use it.
"""

import re
import secrets
from dataclasses import dataclass, field

from contract.database import Address, Login, parse_address, parse_login
from release.process.errors import Broken, Refused

ROLE = "application"
LOCK = 7_302_250_601  # any number: who makes the role at the same time waits here
LOCK_TIMEOUT = "10s"  # a table that is in use is tried again later, instead of making everyone wait behind us
PASSWORD = re.compile(r"[A-Za-z0-9_-]{24,128}")

MYSQL_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE TEMPORARY TABLES, LOCK TABLES, "
    "CREATE VIEW, SHOW VIEW, TRIGGER, EVENT, EXECUTE, CREATE ROUTINE, ALTER ROUTINE"
)
"""What a release and its migrations may do in the application's database: everything but giving rights to others."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement; each `%s` stands for a value."""

    text: str
    values: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class PostgresFacts:
    """Whether the role is there, and which other databases the master user owns."""

    exists: bool
    others: tuple[str, ...] = ()


def new_login(role: str = ROLE) -> Login:
    """A role, the application's by itself, with a fresh password, which needs no quoting anywhere."""
    return Login(username=role, password=secrets.token_urlsafe(32))


def checked_login(text: str, secret: str) -> Login:
    """A secret's text; Broken when it is no login."""
    try:
        return parse_login(text)
    except ValueError:
        raise Broken(f"the secret {secret} holds no username and password", hint="restore its last version") from None


def refuse_strange(login: Login, secret: str, role: str = ROLE) -> None:
    """Refused when somebody wrote another role, or a password that a URL or a statement could misunderstand."""
    if login.username != role:
        raise Refused(
            f"the secret {secret} names the role {login.username[:40]!r}, not {role!r}", hint="restore its last version"
        )
    if not PASSWORD.fullmatch(login.password):
        raise Refused(
            f"the password in the secret {secret} is not 24 to 128 letters, digits, '-' and '_'",
            hint="restore its last version",
        )


def checked_address(text: str, parameter: str) -> Address:
    """The text of the environment's parameter; Broken when it is of another form."""
    try:
        return parse_address(text)
    except ValueError:
        raise Broken(
            f"the parameter {parameter} does not tell where the database is", hint="run pulumi up on the environment"
        ) from None


def postgres_plan(facts: PostgresFacts, verifier: str) -> tuple[Statement, ...]:
    """Make or keep the role. `verifier` is SCRAM's: the password itself is not told to the database.

    REASSIGN gives the role the application's database with all that the master user owns in it, but also the master
    user's other databases, which are taken back.
    """
    return (
        Statement(text=f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"),
        *(() if facts.exists else (Statement(text=f"CREATE ROLE {ROLE}"),)),
        Statement(text=f"ALTER ROLE {ROLE} LOGIN NOCREATEDB NOCREATEROLE PASSWORD %s", values=(verifier,)),
        Statement(text=f"GRANT {ROLE} TO CURRENT_USER"),
        Statement(text=f"REASSIGN OWNED BY CURRENT_USER TO {ROLE}"),
        *(Statement(text=f"ALTER DATABASE {quoted(name)} OWNER TO CURRENT_USER") for name in facts.others),
    )


def mysql_plan(address: Address, login: Login) -> tuple[Statement, ...]:
    """Make or keep the user. Nothing has to be moved: in MySQL nobody owns tables, and rights are the database's."""
    user = f"'{ROLE}'@'%%'"
    demanding = "REQUIRE SSL" if address.tls else "REQUIRE NONE"
    return (
        Statement(text=f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY %s", values=(login.password,)),
        Statement(text=f"ALTER USER {user} IDENTIFIED BY %s {demanding}", values=(login.password,)),
        Statement(text=f"GRANT {MYSQL_PRIVILEGES} ON `{address.name.replace('`', '``')}`.* TO {user}"),
    )


def quoted(name: str) -> str:
    """A name in a statement of PostgreSQL; `%` would stand for a value."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'
