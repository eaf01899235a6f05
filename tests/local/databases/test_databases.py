"""Databases are real clusters: passwords are checked, snapshots restore rows, nothing stays behind."""

import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from local.addresses import AddressPool
from local.databases import BreakDatabase, Databases, Declared, Master, refuse_engine
from local.errors import CloudError
from local.faults import Fault
from local.postgres import Programs, find_programs, quote_name, quote_text

MASTER = Master(user='stage"line', password='it\'s \\ a "pass"; word')
DEV = Declared(arn="arn:aws:rds:eu-central-1:1:db:dev", storage_gib=20, instance_class="db.t4g.small")
BREAK = Fault(id="f1", kind="break", target="dev")
loopback = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def databases(tmp_path: Path, cache: Path) -> Iterator[Databases]:
    databases = make_databases(tmp_path, cache)
    yield databases
    databases.close()


def make_databases(folder: Path, cache: Path, clock: Callable[[], float] = lambda: 0.0) -> Databases:
    block = f"127.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
    return Databases(folder / "databases", cache, AddressPool(block), find_programs(), clock)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@loopback
def test_the_master_user_owns_the_named_database(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE project (name text)")
        assert rows(connection, "SELECT current_user, current_database()") == [(MASTER.user, "fieldmap")]


@loopback
def test_the_master_user_is_no_superuser(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        assert rows(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


@loopback
@pytest.mark.parametrize("user", [MASTER.user, "rdsadmin"])
def test_a_wrong_password_is_refused(databases: Databases, port: int, user: str) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connected(address, port, Master(user=user, password="wrong"))


@loopback
def test_a_changed_password_takes_effect(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    changed = Master(user=MASTER.user, password=secrets.token_urlsafe())
    databases.set_password(address, changed)
    connected(address, port, changed).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connected(address, port)


@loopback
def test_a_restored_snapshot_has_the_rows_of_its_moment_and_the_new_password(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    restored_master = Master(user=MASTER.user, password="another")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task (number int)")
        connection.execute("INSERT INTO task VALUES (1)")
        snapshot = databases.snapshot(address)
        connection.execute("INSERT INTO task VALUES (2)")
        restored = databases.restore(snapshot, DEV, port=port, master=restored_master)
        assert rows(connection, "SELECT number FROM task ORDER BY 1") == [(1,), (2,)]
    with connected(restored, port, restored_master) as connection:
        assert rows(connection, "SELECT number FROM task") == [(1,)]


@loopback
def test_a_snapshot_outlives_its_database_and_its_own_original(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
    original = databases.snapshot(address)
    copied = databases.copy_snapshot(original)
    databases.delete_snapshot(original)
    databases.delete(address)
    restored = databases.restore(copied, DEV, port=port, master=MASTER)
    with connected(restored, port) as connection:
        assert rows(connection, "SELECT number FROM task") == [(7,)]


@loopback
def test_a_stopped_database_refuses_connections_keeps_its_rows_and_can_be_copied(
    databases: Databases, port: int
) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
    databases.stop(address)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connected(address, port)
    restored = databases.restore(databases.snapshot(address), DEV, port=port, master=MASTER)
    databases.start(address)
    for place in (address, restored):
        with connected(place, port) as connection:
            assert rows(connection, "SELECT number FROM task") == [(7,)]


@loopback
def test_deleting_a_database_leaves_no_data(databases: Databases, port: int, tmp_path: Path) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    databases.delete(address)
    assert [path.name for path in (tmp_path / "databases").iterdir() if path.is_dir()] == []
    assert databases.status() == []


@loopback
def test_a_taken_port_is_a_one_line_error_and_leaves_nothing(databases: Databases, port: int, tmp_path: Path) -> None:
    first = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    databases.stop(first)
    with socket.socket() as taker:
        taker.bind((first.rpartition(".")[0] + ".2", port))
        taker.listen()
        with pytest.raises(CloudError, match=r"did not start: .*could not create any TCP/IP sockets"):
            databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    assert len([path for path in (tmp_path / "databases").iterdir() if path.is_dir()]) == 1


@loopback
def test_no_password_stands_in_a_log_or_configuration(databases: Databases, port: int, tmp_path: Path) -> None:
    master = Master(user="master", password="canary-" + secrets.token_hex(8))
    address = databases.create(DEV, port=port, master=master, name="fieldmap")
    with pytest.raises(CloudError) as failed:
        databases.set_password(address, Master(user="nobody", password=master.password))
    databases.close()
    assert master.password not in str(failed.value)
    files = [path for path in (tmp_path / "databases").rglob("*") if path.is_file() and "base" not in path.parts]
    assert [path for path in files if path.suffix in (".log", ".conf") and master.password in path.read_text()] == []


@loopback
def test_a_user_made_by_sql_survives_in_a_snapshot(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    reader = Master(user="reader", password="reads")
    with connected(address, port) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reads'")
    restored = databases.restore(databases.snapshot(address), DEV, port=port, master=MASTER)
    with connected(restored, port, reader) as connection:
        assert rows(connection, "SELECT current_user") == [("reader",)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connected(restored, port, Master(user="reader", password="wrong"))


@loopback
def test_a_reboot_disconnects_everybody_and_keeps_the_rows(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    before = connected(address, port)
    before.execute("CREATE TABLE task AS SELECT 7 AS number")
    databases.reboot(address)
    with pytest.raises(psycopg.OperationalError):
        before.execute("SELECT 1")
    before.close()
    with connected(address, port) as after:
        assert rows(after, "SELECT number FROM task") == [(7,)]


@loopback
def test_a_kept_database_is_taken_up_at_its_address_with_its_rows(tmp_path: Path, cache: Path, port: int) -> None:
    first = make_databases(tmp_path, cache)
    address = first.create(DEV, port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
    first.close()
    second = make_databases(tmp_path, cache)
    try:
        second.resume(address, DEV, port=port, running=True)
        with connected(address, port) as connection:
            assert rows(connection, "SELECT number FROM task") == [(7,)]
        assert second.create(DEV, port=port, master=MASTER, name=None) != address
        second.set_password(address, MASTER)
    finally:
        second.close()


@loopback
def test_a_kept_database_that_was_stopped_stays_stopped(tmp_path: Path, cache: Path, port: int) -> None:
    first = make_databases(tmp_path, cache)
    address = first.create(DEV, port=port, master=MASTER, name="fieldmap")
    first.close()
    second = make_databases(tmp_path, cache)
    second.resume(address, DEV, port=port, running=False)
    assert states(second) == ["stopped"]


def test_a_kept_database_whose_data_are_gone_is_an_error_with_what_to_do(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(CloudError, match=r"data of database dev are gone .* `local-cloud reset`"):
        make_databases(tmp_path, cache).resume("127.0.0.9", DEV, port=1, running=True)


@loopback
def test_a_database_that_dies_by_itself_is_crashed_until_it_is_rebooted(
    databases: Databases, port: int, tmp_path: Path
) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    kill(tmp_path, address)
    crashed = states(databases)
    assert databases.metrics() == []
    with pytest.raises(CloudError, match="does not run: start or reboot it first"):
        databases.set_password(address, MASTER)
    databases.reboot(address)
    assert (crashed, states(databases)) == (["crashed"], ["running"])


@loopback
def test_a_crashed_database_can_be_copied_and_deleted(databases: Databases, port: int, tmp_path: Path) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task AS SELECT 7 AS number")
    kill(tmp_path, address)
    restored = databases.restore(databases.snapshot(address), DEV, port=port, master=MASTER)
    databases.delete(address)
    with connected(restored, port) as connection:
        assert rows(connection, "SELECT number FROM task") == [(7,)]


@loopback
def test_a_broken_database_stays_dead_until_the_fault_is_lifted(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    faults = BreakDatabase(databases)
    faults.inject(BREAK)
    assert states(databases) == ["broken"]
    for restart in (databases.start, databases.reboot):
        with pytest.raises(CloudError, match="kept dead by fault f1: run `local-cloud fault clear f1`"):
            restart(address)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connected(address, port)
    faults.lift(BREAK)
    connected(address, port).close()
    assert states(databases) == ["running"]


@loopback
def test_a_fault_is_lifted_also_when_its_database_has_another_name_or_is_gone(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    faults = BreakDatabase(databases)
    faults.inject(BREAK)
    databases.declare(address, replace(DEV, arn=DEV.arn + "-old"))
    faults.lift(BREAK)
    assert [(each["id"], each["state"]) for each in databases.status()] == [("dev-old", "running")]
    faults.inject(replace(BREAK, target="dev-old"))
    databases.delete(address)
    faults.lift(BREAK)
    assert databases.status() == []


@loopback
def test_what_is_not_running_or_not_there_cannot_be_broken(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    databases.stop(address)
    with pytest.raises(CloudError, match="database dev is stopped already"):
        BreakDatabase(databases).inject(BREAK)
    with pytest.raises(CloudError, match="there is no database 'qa' to break: there are dev"):
        BreakDatabase(databases).inject(replace(BREAK, target="qa"))


@loopback
def test_connections_and_use_of_disk_and_memory_are_measured(databases: Databases, port: int) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    idle = databases.metrics()[0]
    with connected(address, port) as connection:
        connection.execute("CREATE TABLE task AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
        busy = databases.metrics()[0]
        seen = rows(connection, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    assert (idle.connections, busy.connections, seen) == (0, 1, [(1,)])
    assert idle.free_storage_bytes - busy.free_storage_bytes >= 5_000_000
    assert 19 * 2**30 < busy.free_storage_bytes < 20 * 2**30
    assert 2**30 < busy.freeable_memory_bytes < 2 * 2**30


@loopback
def test_cpu_is_measured_since_the_last_time(tmp_path: Path, cache: Path, port: int) -> None:
    times = iter([0.0, 0.01])
    databases = make_databases(tmp_path, cache, lambda: next(times))
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    first = databases.metrics()[0].cpu_percent
    with connected(address, port) as connection:
        connection.execute("SELECT count(*) FROM generate_series(1, 2000000)")
        second = databases.metrics()[0].cpu_percent
    databases.close()
    assert (first, second) == (0.0, 100.0)


@loopback
def test_parameters_are_set_at_once_where_that_can_be_and_else_at_the_next_start(
    databases: Databases, port: int
) -> None:
    address = databases.create(DEV, port=port, master=MASTER, name="fieldmap")
    parameters = {"log_min_duration_statement": "250", "max_connections": "30"}
    databases.declare(address, replace(DEV, parameters=parameters))
    databases.reload(address)
    assert shown(address, port, "log_min_duration_statement") == "250ms"
    before = shown(address, port, "max_connections")
    databases.reboot(address)
    assert (before, shown(address, port, "max_connections")) == ("60", "30")


@loopback
def test_a_restored_database_has_its_own_parameters_only(databases: Databases, port: int) -> None:
    grouped = replace(DEV, parameters={"max_connections": "30"})
    address = databases.create(grouped, port=port, master=MASTER, name="fieldmap")
    restored = databases.restore(databases.snapshot(address), DEV, port=port, master=MASTER)
    assert (shown(address, port, "max_connections"), shown(restored, port, "max_connections")) == ("30", "60")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        pytest.param("max_connections", "many", "invalid value for parameter", id="PostgreSQL refuses the value"),
        pytest.param("shared_preload_libraries", "x", "cannot set shared_preload_libraries", id="not ours to set"),
        pytest.param("max_connections", "{DBInstanceClassMemory/9}", "cannot set max_connections", id="formula"),
    ],
)
def test_a_parameter_that_would_not_work_is_refused(databases: Databases, name: str, value: str, problem: str) -> None:
    with pytest.raises(CloudError, match=problem):
        databases.check_parameters({name: value})


def test_what_can_be_set_or_asks_for_nothing_is_accepted(databases: Databases) -> None:
    databases.check_parameters({"rds.force_ssl": "1", "work_mem": "8192", "timezone": "Europe/Berlin"})


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


def states(databases: Databases) -> list[str]:
    return [each["state"] for each in databases.status()]


def kill(folder: Path, address: str) -> None:
    """End PostgreSQL from outside, and wait until it has ended."""
    pid = int((folder / "databases" / f"db-{address}" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def shown(address: str, port: int, setting: str) -> object:
    with connected(address, port) as connection:
        return rows(connection, f"SHOW {setting}")[0][0]


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
