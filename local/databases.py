"""RDS behind the API: one PostgreSQL cluster per instance, each on its own address with the instance's own port.

A cluster is a copy of a template that `initdb` made once and that outlives the cloud. A snapshot is a copy taken
from the running cluster; restoring starts a new cluster from it. The master user has the password of the RDS
managed secret, and PostgreSQL checks it. Clusters are known by their address, snapshots by a name given here.
"""

import logging
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from local.addresses import AddressPool
from local.errors import CloudError
from local.postgres import (
    ACCESS,
    SETTINGS,
    Cluster,
    Programs,
    copy_cluster,
    make_template,
    quote_name,
    quote_text,
)

log = logging.getLogger(__name__)

POSTGRES_ENGINES = ("postgres",)


@dataclass(frozen=True, kw_only=True)
class Master:
    """The master user of an instance."""

    user: str
    password: str


def refuse_engine(engine: str) -> None:
    """Raise `CloudError` for an engine that does not run here."""
    if engine not in POSTGRES_ENGINES:
        raise CloudError(
            f"the local cloud runs PostgreSQL only, not {engine}: set database.engine to postgres in"
            f" the stack file, or use a real account for {engine}"
        )


class Databases:
    """All clusters and snapshots of one cloud, in `folder`; the template is kept in `cache`."""

    def __init__(self, folder: Path, cache: Path, pool: AddressPool, programs: Programs) -> None:
        self._folder = folder
        self._template = Template(cache, programs)
        self._pool = pool
        self._programs = programs
        self._clusters: dict[str, Cluster] = {}
        self._locks: dict[str, RLock] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Make the template if it is not there, so that the first database need not wait for it."""
        self._template.folder()

    def create(self, *, port: int, master: Master, name: str | None) -> str:
        """A new cluster with the master user and, if named, its database. Its address."""
        address = self._start(self._template.folder(), port)
        try:
            self._clusters[address].execute(_new_master(master))
            if name and name != "postgres":
                self._clusters[address].execute(_new_database(name, master))
        except CloudError:
            self.delete(address)
            raise
        return address

    def restore(self, snapshot: str, *, port: int, master: Master) -> str:
        """A new cluster with the snapshot's rows and the given master password. Its address."""
        address = self._start(self._snapshot(snapshot), port)
        self.set_password(address, master)
        return address

    def snapshot(self, address: str) -> str:
        """Copy the cluster as it is now. The snapshot's name."""
        snapshot = f"snapshot-{secrets.token_hex(8)}"
        with self._locks[address]:
            cluster = self._clusters[address]
            if cluster.running:
                cluster.copy_to(self._snapshot(snapshot))
            else:
                copy_cluster(self._programs, cluster.data, self._snapshot(snapshot))
        return snapshot

    def copy_snapshot(self, snapshot: str) -> str:
        """A second snapshot of the same content, so that deleting one keeps the other."""
        copied = f"snapshot-{secrets.token_hex(8)}"
        copy_cluster(self._programs, self._snapshot(snapshot), self._snapshot(copied))
        return copied

    def delete_snapshot(self, snapshot: str) -> None:
        shutil.rmtree(self._snapshot(snapshot))

    def set_password(self, address: str, master: Master) -> None:
        with self._locks[address]:
            self._clusters[address].execute(
                f"ALTER ROLE {quote_name(master.user)} PASSWORD {quote_text(master.password)};"
            )

    def stop(self, address: str) -> None:
        with self._locks[address]:
            self._clusters[address].stop()

    def start(self, address: str) -> None:
        with self._locks[address]:
            self._clusters[address].start()

    def delete(self, address: str) -> None:
        with self._locks.pop(address):
            cluster = self._clusters.pop(address)
            cluster.stop()
        shutil.rmtree(cluster.data)
        self._pool.give_back(address)

    def status(self) -> list[dict[str, Any]]:
        return [
            {"address": cluster.address, "port": cluster.port, "running": cluster.running}
            for cluster in list(self._clusters.values())
        ]

    def close(self) -> None:
        """Stop all clusters, at the same time."""
        clusters = list(self._clusters.values())
        with ThreadPoolExecutor(max_workers=max(1, len(clusters))) as pool:
            list(pool.map(Cluster.stop, clusters))

    def _start(self, source: Path, port: int) -> str:
        address = self._pool.take()
        cluster = Cluster(
            self._programs,
            self._folder / f"db-{address}-{secrets.token_hex(4)}",
            address,
            port,
            self._template.admin_password(),
        )
        copy_cluster(self._programs, source, cluster.data)
        try:
            cluster.start()
        except CloudError:
            shutil.rmtree(cluster.data)
            self._pool.give_back(address)
            raise
        self._clusters[address], self._locks[address] = cluster, RLock()
        log.info("database at %s:%d started", address, port)
        return address

    def _snapshot(self, name: str) -> Path:
        return self._folder / name


class Template:
    """The cluster that all others are copies of. It and its administrator's password are kept in `cache`."""

    def __init__(self, cache: Path, programs: Programs) -> None:
        self._cluster = cache / "postgres" / "template"
        self._password = cache / "postgres" / "admin-password"
        self._programs = programs
        self._lock = Lock()

    def folder(self) -> Path:
        with self._lock:
            if not self._is_made():
                self._make()
        return self._cluster

    def admin_password(self) -> str:
        return self._password.read_text()

    def _is_made(self) -> bool:
        """The version file is written last; another PostgreSQL or other settings need a new template."""
        return self._version_file.is_file() and self._version_file.read_text() == self._version()

    @property
    def _version_file(self) -> Path:
        return self._password.with_name("made-by")

    def _version(self) -> str:
        version = self._programs.run("postgres", "--version")
        return repr((version, self._programs.prefix, SETTINGS, ACCESS))

    def _make(self) -> None:
        shutil.rmtree(self._cluster.parent, ignore_errors=True)
        self._cluster.parent.mkdir(parents=True)
        self._password.touch(mode=0o600)
        self._password.write_text(secrets.token_urlsafe(24))
        make_template(self._programs, self._cluster, self.admin_password())
        self._version_file.write_text(self._version())


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
