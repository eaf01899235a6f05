"""All clusters and snapshots of one cloud."""

import logging
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from local.addresses import AddressPool
from local.databases.declared import Declared, Master, memory_bytes
from local.databases.figures import Usage, disk_bytes, usages
from local.databases.parameters import applicable
from local.databases.template import Template
from local.errors import CloudError
from local.postgres import Cluster, Programs, check_settings, copy_cluster, quote_name, quote_text

log = logging.getLogger(__name__)

CORES = 2  # what RDS's smaller classes have


@dataclass(frozen=True, kw_only=True)
class DatabaseFigures:
    """How busy a running database is."""

    arn: str
    cpu_percent: float
    connections: int
    free_storage_bytes: int
    freeable_memory_bytes: int


@dataclass(kw_only=True)
class Database:
    """A cluster and what is known about it. `broken_by` is the id of the fault that keeps it dead."""

    cluster: Cluster
    declared: Declared
    broken_by: str | None = None
    measured: tuple[float, float] | None = None  # when, and the CPU seconds until then
    lock: RLock = field(default_factory=RLock)

    @property
    def state(self) -> str:
        if self.broken_by:
            return "broken"
        if self.cluster.crashed:
            return "crashed"
        return "running" if self.cluster.running else "stopped"


class Databases:
    """In `folder`, at addresses of `pool`; the template is kept in `cache`."""

    def __init__(
        self,
        folder: Path,
        cache: Path,
        pool: AddressPool,
        programs: Programs,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._template = Template(cache, programs)
        self._pool = pool
        self._programs = programs
        self._clock = clock
        self._databases: dict[str, Database] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Make the template if it is not there, so that the first database need not wait for it."""
        self._template.folder()

    def create(self, declared: Declared, *, port: int, master: Master, name: str | None) -> str:
        """A new cluster with the master user and, if named, its database. Its address."""
        address = self._new(self._template.folder(), declared, port)
        try:
            self._databases[address].cluster.execute(_new_master(master))
            if name and name != "postgres":
                self._databases[address].cluster.execute(_new_database(name, master))
        except CloudError:
            self.delete(address)
            raise
        return address

    def restore(self, snapshot: str, declared: Declared, *, port: int, master: Master) -> str:
        """A new cluster with the snapshot's rows and the given master password. Its address."""
        address = self._new(self._snapshot(snapshot), declared, port)
        self.set_password(address, master)
        return address

    def resume(self, address: str, declared: Declared, *, port: int, running: bool) -> None:
        """Take up a cluster that an earlier cloud left here when it was closed, at the address that it had."""
        if not self._data(address).is_dir():
            raise CloudError(
                f"the data of database {declared.identifier} are gone from {self._data(address)}: run"
                f" `local-cloud reset` to start without them"
            )
        self._pool.claim(address)
        self._databases[address] = self._database(address, declared, port)
        if running:
            self.start(address)

    def snapshot(self, address: str) -> str:
        """Copy the cluster as it is now. The snapshot's name."""
        snapshot = f"snapshot-{secrets.token_hex(8)}"
        database = self._databases[address]
        with database.lock:
            if database.cluster.running:
                database.cluster.copy_to(self._snapshot(snapshot))
            else:
                copy_cluster(self._programs, database.cluster.data, self._snapshot(snapshot))
        return snapshot

    def copy_snapshot(self, snapshot: str) -> str:
        """A second snapshot of the same content, so that deleting one keeps the other."""
        copied = f"snapshot-{secrets.token_hex(8)}"
        copy_cluster(self._programs, self._snapshot(snapshot), self._snapshot(copied))
        return copied

    def delete_snapshot(self, snapshot: str) -> None:
        shutil.rmtree(self._snapshot(snapshot))

    def set_password(self, address: str, master: Master) -> None:
        database = self._databases[address]
        with database.lock:
            database.cluster.execute(f"ALTER ROLE {quote_name(master.user)} PASSWORD {quote_text(master.password)};")

    def declare(self, address: str, declared: Declared) -> None:
        """Follow the API: another name, size or class. Parameters are taken over when it is started next."""
        self._databases[address].declared = declared

    def check_parameters(self, parameters: Mapping[str, str]) -> None:
        """Raise `CloudError` for parameters that no database here would take."""
        check_settings(self._programs, self._template.folder(), applicable(parameters))

    def reload(self, address: str) -> None:
        """Take over the parameters that can be changed while it runs."""
        database = self._databases[address]
        with database.lock:
            database.cluster.configure(applicable(database.declared.parameters))
            database.cluster.reload()

    def stop(self, address: str) -> None:
        database = self._databases[address]
        with database.lock:
            database.cluster.stop()

    def start(self, address: str) -> None:
        """Start it with the parameters that are declared now. Nothing happens when it runs."""
        database = self._databases[address]
        with database.lock:
            _refuse_broken(database)
            if not database.cluster.running:
                database.cluster.configure(applicable(database.declared.parameters))
                database.cluster.start()

    def reboot(self, address: str) -> None:
        with self._databases[address].lock:
            _refuse_broken(self._databases[address])
            self.stop(address)
            self.start(address)

    def delete(self, address: str) -> None:
        database = self._databases[address]
        with database.lock:
            del self._databases[address]
            database.cluster.stop()
        shutil.rmtree(database.cluster.data)
        self._pool.give_back(address)

    def crash(self, address: str, fault: str) -> None:
        """Let it die at once, and keep it dead until `mend`."""
        database = self._databases[address]
        with database.lock:
            if database.state != "running":
                raise CloudError(
                    f"database {database.declared.identifier} is {database.state} already: nothing to break"
                )
            database.broken_by = fault
            database.cluster.die()

    def mend(self, fault: str) -> None:
        """Start again what that fault keeps dead."""
        for address, database in list(self._databases.items()):
            with database.lock:
                if database.broken_by == fault:
                    database.broken_by = None
                    self.start(address)

    def named(self, target: str) -> list[str]:
        """The addresses of the databases of that identifier (it may be in use in several accounts) or ARN."""
        return [
            address
            for address, database in list(self._databases.items())
            if target in (database.declared.identifier, database.declared.arn)
        ]

    def status(self) -> list[dict[str, Any]]:
        return [
            {
                "id": database.declared.identifier,
                "address": address,
                "port": database.cluster.port,
                "state": database.state,
                "running": database.state == "running",
            }
            for address, database in list(self._databases.items())
        ]

    def metrics(self) -> list[DatabaseFigures]:
        """The figures of all running databases; CPU since this was asked last."""
        running = {pid: each for each in list(self._databases.values()) if (pid := each.cluster.pid) is not None}
        return [self._figures(running[pid], used) for pid, used in usages(running).items()]

    def close(self) -> None:
        """Stop all clusters, at the same time."""
        clusters = [database.cluster for database in self._databases.values()]
        with ThreadPoolExecutor(max_workers=max(1, len(clusters))) as pool:
            list(pool.map(Cluster.stop, clusters))

    def _new(self, source: Path, declared: Declared, port: int) -> str:
        """A started copy of `source`. Its address."""
        address = self._pool.take()
        database = self._database(address, declared, port)
        shutil.rmtree(database.cluster.data, ignore_errors=True)
        copy_cluster(self._programs, source, database.cluster.data)
        self._databases[address] = database
        try:
            self.start(address)
        except CloudError:
            self.delete(address)
            raise
        log.info("database %s at %s:%d started", declared.identifier, address, port)
        return address

    def _database(self, address: str, declared: Declared, port: int) -> Database:
        password = self._template.admin_password()
        cluster = Cluster(self._programs, self._data(address), address, port, password)
        return Database(cluster=cluster, declared=declared)

    def _figures(self, database: Database, used: Usage) -> DatabaseFigures:
        declared = database.declared
        before, database.measured = database.measured, (self._clock(), used.cpu_seconds)
        return DatabaseFigures(
            arn=declared.arn,
            cpu_percent=_cpu_percent(before, database.measured),
            connections=used.connections,
            free_storage_bytes=max(0, declared.storage_gib * 2**30 - disk_bytes(database.cluster.data)),
            freeable_memory_bytes=max(0, memory_bytes(declared.instance_class) - used.memory_bytes),
        )

    def _data(self, address: str) -> Path:
        return self._folder / f"db-{address}"

    def _snapshot(self, name: str) -> Path:
        return self._folder / name


def refuse_engine(engine: str) -> None:
    """Raise `CloudError` for an engine that does not run here."""
    if engine != "postgres":
        raise CloudError(
            f"the local cloud runs PostgreSQL only, not {engine}: set database.engine to postgres in"
            f" the stack file, or use a real account for {engine}"
        )


def _refuse_broken(database: Database) -> None:
    if database.broken_by:
        raise CloudError(
            f"database {database.declared.identifier} is kept dead by fault {database.broken_by}: run"
            f" `local-cloud fault clear {database.broken_by}` first"
        )


def _cpu_percent(before: tuple[float, float] | None, now: tuple[float, float]) -> float:
    """Of all cores; 0 at the first time, and after a restart."""
    if before is None or now[0] <= before[0]:
        return 0.0
    return min(100.0, max(0.0, 100 * (now[1] - before[1]) / (now[0] - before[0]) / CORES))


def _new_master(master: Master) -> str:
    """RDS's master user owns what it makes and makes databases and roles, but is no superuser."""
    name = quote_name(master.user)
    return (
        f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD {quote_text(master.password)};"
        f"GRANT pg_monitor, pg_signal_backend TO {name} WITH ADMIN OPTION;"
        f"GRANT ALL ON DATABASE postgres TO {name};"
    )


def _new_database(name: str, master: Master) -> str:
    return f"CREATE DATABASE {quote_name(name)} OWNER {quote_name(master.user)};"
