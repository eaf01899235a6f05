"""Demos' databases in a real PostgreSQL, made through the door: nobody comes in where they do not belong.

The master user is made as RDS makes it, which is no superuser. What stands in for ssh leads to the server.
"""

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import psycopg
import pytest

from contract.database import Address, Login
from local.addresses import AddressPool
from local.databases import Databases, Declared, Master
from local.postgres import find_programs
from release.doors.database import shared
from release.doors.database.door import DatabaseDoor, Way
from release.doors.database.login import new_login
from release.doors.servers.ssh import Door, Ssh
from release.process.errors import Broken
from settings.demos import creation_of, database_of

pytestmark = pytest.mark.enable_socket

LEADING = """
import os, socket, sys, threading
host, port = sys.argv[1].rsplit(":", 1)
there = socket.create_connection((host, int(port)))
def back():
    while got := there.recv(65536):
        os.write(1, got)
    os._exit(0)
threading.Thread(target=back).start()
while sent := os.read(0, 65536):
    there.sendall(sent)
there.shutdown(socket.SHUT_WR)
"""
MASTER = Login(username="stageline", password="m" * 30)
ONE, OTHER = database_of("0a1b2c3d"), database_of("ffffffff")


@dataclass(frozen=True, kw_only=True)
class LeadingSsh(Ssh):
    """Leads to the address itself, as a server of the environment would."""

    @contextmanager
    def leading_to(self, address: str, target: str) -> Iterator[list[str]]:
        yield [sys.executable, "-c", LEADING, target]


WAY = Way(
    ssh=LeadingSsh(servers=Door(user="stageline", port=22, host_key=""), private_key=""),
    server="127.0.0.2",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A database of an environment with a row of the application's."""
    folder = tmp_path_factory.mktemp("shared")
    pool = AddressPool(f"127.{150 + os.getpid() % 50}.{os.getpid() // 50 % 250}")
    databases = Databases(folder / "databases", folder / "cache", pool, find_programs())
    declared = Declared(arn="arn:aws:rds:eu-central-1:1:db:dev", storage_gib=20, instance_class="db.t4g.small")
    port = free_port()
    host = databases.create(
        declared, port=port, master=Master(user=MASTER.username, password=MASTER.password), name="app"
    )
    yield Address(identifier="dev", engine="postgres", host=host, port=port, name="app", secret="s", tls=False)
    databases.close()


@pytest.fixture(scope="module")
def makers(address: Address) -> Login:
    """The role that makes demos' databases, beside the application's."""
    door, login, application = DatabaseDoor(), replace(new_login(), username=shared.ROLE), new_login()
    door.keep_role(WAY, address, MASTER, application)
    for _ in range(2):
        door.keep_makers(WAY, address, MASTER, login)
    asked(address, application, "CREATE TABLE project AS SELECT 'ours' AS name")
    return login


@pytest.fixture
def one(address: Address, makers: Login) -> Iterator[Login]:
    yield from made(address, makers, ONE)


@pytest.fixture
def other(address: Address, makers: Login) -> Iterator[Login]:
    yield from made(address, makers, OTHER)


def made(address: Address, makers: Login, name: str) -> Iterator[Login]:
    login = Login(username=name, password=secrets.token_urlsafe(32))
    DatabaseDoor().make_database(WAY, address, makers, login)
    yield login
    DatabaseDoor().drop_database(WAY, address, makers, name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connect(address: Address, login: Login, database: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host=address.host,
        port=address.port,
        dbname=database,
        user=login.username,
        password=login.password,
        autocommit=True,
    )


def asked(address: Address, login: Login, statement: str, database: str = "") -> list[tuple[object, ...]]:
    with closing(connect(address, login, database or address.name)) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_demo_owns_its_database_and_makes_tables_there(address: Address, one: Login) -> None:
    asked(address, one, "CREATE TABLE project AS SELECT 'a demo''s' AS name", ONE)
    assert asked(address, one, "SELECT name FROM project", ONE) == [("a demo's",)]


def test_a_database_that_is_made_again_keeps_its_rows_and_gets_the_new_password(
    address: Address, makers: Login, one: Login
) -> None:
    asked(address, one, "CREATE TABLE kept ()", ONE)
    renewed = replace(one, password="n" * 30)
    DatabaseDoor().make_database(WAY, address, makers, renewed)
    assert asked(address, renewed, "SELECT * FROM kept", ONE) == []
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        asked(address, one, "SELECT 1", ONE)


@pytest.mark.parametrize("database", ["app", OTHER])
def test_a_demo_comes_into_no_database_but_its_own(address: Address, one: Login, other: Login, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(address, one, database)


def test_the_applications_role_comes_into_no_demos_database(address: Address, makers: Login, one: Login) -> None:
    application = new_login()
    DatabaseDoor().keep_role(WAY, address, MASTER, application)
    assert asked(address, application, "SELECT name FROM project") == [("ours",)]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(address, application, ONE)


def test_who_makes_them_may_do_that_and_nothing_to_the_application(address: Address, makers: Login) -> None:
    powers = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    assert asked(address, MASTER, f"SELECT {powers} FROM pg_roles WHERE rolname = 'demos'") == [
        (False, True, True, False, False)
    ]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(address, makers, "app")
    for statement in ("ALTER ROLE application PASSWORD 'x'", "GRANT application TO demos", "DROP ROLE application"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            asked(address, makers, statement, "postgres")


def test_a_demo_goes_with_whoever_is_connected_to_it_and_with_what_it_was_given(
    address: Address, makers: Login, one: Login, other: Login
) -> None:
    asked(address, one, "SELECT lo_create(0)", "postgres")
    with closing(connect(address, one, ONE)):
        assert DatabaseDoor().drop_database(WAY, address, makers, ONE) == ()
    assert DatabaseDoor().drop_database(WAY, address, makers, ONE) == ()
    crowd = DatabaseDoor().crowd(WAY, address, makers)
    assert crowd.databases == (OTHER,)
    assert 0 < crowd.connections < crowd.most_connections


def test_one_whose_making_was_killed_before_it_was_owned_goes_too(address: Address, makers: Login) -> None:
    asked(address, makers, f"CREATE ROLE {ONE}", "postgres")
    assert DatabaseDoor().drop_database(WAY, address, makers, ONE) == ()


def test_what_somebody_else_made_under_a_demos_name_is_kept_and_told(address: Address, makers: Login) -> None:
    asked(address, MASTER, f"CREATE DATABASE {ONE}", "postgres")
    with pytest.raises(Broken, match=f"the database keeps {ONE}: must be owner of database"):
        DatabaseDoor().drop_database(WAY, address, makers, ONE)
    asked(address, MASTER, f"DROP DATABASE {ONE}", "postgres")


def test_a_demo_takes_only_so_many_connections(address: Address, one: Login) -> None:
    limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"
    assert asked(address, one, limit, ONE) == [(shared.MOST_OF_ONE,)]


@pytest.mark.parametrize(
    ("database", "creation"),
    [(ONE, "0a1b2c3d"), ("demo_x", None), ("app", None), ("0a1b2c3d", None), ("demo_0a1b2c3d_old", None)],
)
def test_a_database_is_a_demos_by_its_whole_name(database: str, creation: str | None) -> None:
    assert creation_of(database) == creation
