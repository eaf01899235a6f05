"""Databases are real clusters: passwords are checked, snapshots restore rows, nothing stays behind."""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.addresses import AddressPool
from local.databases import Databases, Master, refuse_engine
from local.errors import CloudError
from local.postgres import Programs, find_programs, quote_name, quote_text

MASTER = Master(user='stage"line', password='it\'s \\ a "pass"; word')
loopback = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def databases(tmp_path: Path, cache: Path) -> Iterator[Databases]:
    block = f"127.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
    databases = Databases(tmp_path / "databases", cache, AddressPool(block), find_programs())
    yield databases
    databases.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@loopback
def test_the_master_user_owns_the_named_database(databases: Databases, port: int) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE project (name text)")
        assert rows(connection, "SELECT current_user, current_database()") == [(MASTER.user, "fieldmap")]


@loopback
def test_the_master_user_is_no_superuser(databases: Databases, port: int) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        assert rows(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


@loopback
@pytest.mark.parametrize("user", [MASTER.user, "rdsadmin"])
def test_a_wrong_password_is_refused(databases: Databases, port: int, user: str) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connected(address, port, Master(user=user, password="wrong"))


@loopback
def test_a_changed_password_takes_effect(databases: Databases, port: int) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    changed = Master(user=MASTER.user, password=secrets.token_urlsafe())
    databases.set_password(address, changed)
    connected(address, port, changed).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connected(address, port)


@loopback
def test_a_restored_snapshot_has_the_rows_of_its_moment_and_the_new_password(databases: Databases, port: int) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    restored_master = Master(user=MASTER.user, password="another")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task (number int)")
        connection.execute("INSERT INTO task VALUES (1)")
        snapshot = databases.snapshot(address)
        connection.execute("INSERT INTO task VALUES (2)")
        restored = databases.restore(snapshot, port=port, master=restored_master)
        assert rows(connection, "SELECT number FROM task ORDER BY 1") == [(1,), (2,)]
    with connected(restored, port, restored_master) as connection:
        assert rows(connection, "SELECT number FROM task") == [(1,)]


@loopback
def test_a_snapshot_outlives_its_database_and_its_own_original(databases: Databases, port: int) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
    original = databases.snapshot(address)
    copied = databases.copy_snapshot(original)
    databases.delete_snapshot(original)
    databases.delete(address)
    restored = databases.restore(copied, port=port, master=MASTER)
    with connected(restored, port) as connection:
        assert rows(connection, "SELECT number FROM task") == [(7,)]


@loopback
def test_a_stopped_database_refuses_connections_keeps_its_rows_and_can_be_copied(
    databases: Databases, port: int
) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
    databases.stop(address)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connected(address, port)
    restored = databases.restore(databases.snapshot(address), port=port, master=MASTER)
    databases.start(address)
    for place in (address, restored):
        with connected(place, port) as connection:
            assert rows(connection, "SELECT number FROM task") == [(7,)]


@loopback
def test_deleting_a_database_leaves_no_data(databases: Databases, port: int, tmp_path: Path) -> None:
    address = databases.create(port=port, master=MASTER, name="fieldmap")
    databases.delete(address)
    assert [path.name for path in (tmp_path / "databases").iterdir() if path.is_dir()] == []
    assert databases.status() == []


@loopback
def test_a_taken_port_is_a_one_line_error_and_leaves_nothing(databases: Databases, port: int, tmp_path: Path) -> None:
    first = databases.create(port=port, master=MASTER, name="fieldmap")
    databases.stop(first)
    with socket.socket() as taker:
        taker.bind((first.rpartition(".")[0] + ".2", port))
        taker.listen()
        with pytest.raises(CloudError, match=r"did not start: .*could not create any TCP/IP sockets"):
            databases.create(port=port, master=MASTER, name="fieldmap")
    assert len([path for path in (tmp_path / "databases").iterdir() if path.is_dir()]) == 1


@loopback
def test_no_password_stands_in_a_log_or_configuration(databases: Databases, port: int, tmp_path: Path) -> None:
    master = Master(user="master", password="canary-" + secrets.token_hex(8))
    address = databases.create(port=port, master=master, name="fieldmap")
    with pytest.raises(CloudError) as failed:
        databases.set_password(address, Master(user="nobody", password=master.password))
    databases.close()
    assert master.password not in str(failed.value)
    files = [path for path in (tmp_path / "databases").rglob("*") if path.is_file() and "base" not in path.parts]
    assert [path for path in files if path.suffix in (".log", ".conf") and master.password in path.read_text()] == []


@pytest.mark.parametrize("engine", ["mysql", "aurora-postgresql", "mariadb"])
def test_other_engines_are_refused_with_what_to_do(engine: str) -> None:
    with pytest.raises(CloudError, match=f"PostgreSQL only, not {engine}: set database.engine"):
        refuse_engine(engine)


def test_root_runs_postgresql_as_somebody_else_and_others_as_themselves() -> None:
    assert {"setpriv", "--reuid=nobody"} <= set(find_programs(user_id=0).prefix)
    assert find_programs(user_id=1000).prefix == ()


def test_a_program_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match=r"^PostgreSQL's ls failed: ") as failed:
        Programs(folder=tmp_path, prefix=()).run("ls", str(tmp_path / "missing"))
    assert "\n" not in str(failed.value)


def test_names_and_texts_are_quoted_for_sql() -> None:
    assert (quote_name('a"b'), quote_text("it's \\")) == ('"a""b"', "E'it''s \\\\'")


def connected(address: str, port: int, master: Master = MASTER) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host=address,
        port=port,
        user=master.user,
        password=master.password,
        dbname="postgres" if master.user == "rdsadmin" else "fieldmap",
        autocommit=True,
        connect_timeout=5,
    )


def rows(connection: "psycopg.Connection[tuple[object, ...]]", query: str) -> list[tuple[object, ...]]:
    return connection.execute(query.encode()).fetchall()
