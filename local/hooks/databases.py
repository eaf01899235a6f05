"""Database instances hold rows, their snapshots too, and their passwords are enforced.

What a real thing is known by is kept on moto's model, under a name of ours: `local_address` on an RDS instance,
`local_copy` on a snapshot.
"""

import functools
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, MasterUserSecret, RDSBackend

from local.databases import Databases, Master, refuse_engine
from local.errors import CloudError
from local.hooks.parts import Function, Parts
from local.hooks.replacing import replace

log = logging.getLogger(__name__)

UNSUPPORTED_DATABASE_CALLS = {
    "create_db_cluster": "clusters",
    "create_db_instance_read_replica": "read replicas",
    "restore_db_instance_to_point_in_time": "restoring to a point in time (it keeps no transaction log)",
}

_restored_from: ContextVar[str | None] = ContextVar("restored_from", default=None)


def install_databases(installed: ExitStack, parts: Parts) -> None:
    """Hook moto's databases until `installed` is closed."""
    databases = parts.databases
    replace(installed, MasterUserSecret, "_generate_secret_string", _with_its_own_password)
    replace(installed, DBInstance, "address", _real_address)
    replace(installed, RDSBackend, "create_db_instance", _with_cluster(databases))
    replace(installed, RDSBackend, "restore_db_instance_from_db_snapshot", _from_snapshot)
    replace(installed, RDSBackend, "modify_db_instance", _with_new_password(databases))
    replace(installed, RDSBackend, "delete_db_instance", _without_cluster(databases))
    replace(installed, RDSBackend, "stop_db_instance", _after_database_change(databases.stop))
    replace(installed, RDSBackend, "start_db_instance", _after_database_change(databases.start))
    replace(installed, RDSBackend, "create_db_snapshot", _with_copy(databases))
    replace(installed, RDSBackend, "copy_db_snapshot", _with_second_copy(databases))
    replace(installed, RDSBackend, "delete_db_snapshot", _without_copy(databases))
    for name, what in UNSUPPORTED_DATABASE_CALLS.items():
        replace(installed, RDSBackend, name, _unsupported(what))


def _with_its_own_password(original: Function) -> Function:
    @functools.wraps(original)
    def generate_secret_string(secret: Any) -> str:
        instance = secret.resource
        instance.master_user_password = secrets.token_urlsafe(24)
        return json.dumps({"username": instance.master_username, "password": instance._master_user_password})

    return generate_secret_string


def _real_address(original: Any) -> Any:
    def address(instance: Any) -> str:
        return str(vars(instance).get("local_address") or original.fget(instance))

    return property(address)


def _with_cluster(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_db_instance(backend: Any, db_kwargs: dict[str, Any]) -> Any:
            with _as_rds_error():
                refuse_engine(str(db_kwargs.get("engine")))
            instance = original(backend, db_kwargs)
            try:
                with _as_rds_error():
                    instance.local_address = _filled(databases, instance)
            except RDSClientError:
                del backend.databases[instance.db_instance_identifier]
                raise
            return instance

        return create_db_instance

    return wrap


def _filled(databases: Databases, instance: Any) -> str:
    """Start the instance's cluster, empty or from the snapshot being restored."""
    snapshot = _restored_from.get()
    if snapshot:
        return databases.restore(snapshot, port=int(instance.port), master=_master(instance))
    return databases.create(port=int(instance.port), master=_master(instance), name=instance.db_name)


def _from_snapshot(original: Function) -> Function:
    @functools.wraps(original)
    def restore(backend: Any, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        name = from_snapshot_id.rpartition(":snapshot:")[2]
        snapshot = backend.database_snapshots.get(name)
        before = _restored_from.set(getattr(snapshot, "local_copy", None))
        try:
            return original(backend, from_snapshot_id, overrides)
        finally:
            _restored_from.reset(before)

    return restore


def _with_new_password(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def modify_db_instance(backend: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
            before = backend.describe_db_instances(db_instance_identifier)[0]._master_user_password
            instance = original(backend, db_instance_identifier, db_kwargs)
            if instance._master_user_password != before:
                with _as_rds_error():
                    databases.set_password(instance.local_address, _master(instance))
            return instance

        return modify_db_instance

    return wrap


def _without_cluster(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_db_instance(backend: Any, *args: Any, **kwargs: Any) -> Any:
            instance = original(backend, *args, **kwargs)
            databases.delete(instance.local_address)
            return instance

        return delete_db_instance

    return wrap


def _after_database_change(change: Callable[[str], None]) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def changed(backend: Any, *args: Any, **kwargs: Any) -> Any:
            instance = original(backend, *args, **kwargs)
            with _as_rds_error():
                change(instance.local_address)
            return instance

        return changed

    return wrap


def _with_copy(databases: Databases) -> Callable[[Function], Function]:
    """An automated snapshot is taken while the instance is being made: there is nothing to copy yet."""

    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_db_snapshot(backend: Any, *args: Any, **kwargs: Any) -> Any:
            snapshot = original(backend, *args, **kwargs)
            address = vars(snapshot.database).get("local_address")
            try:
                with _as_rds_error():
                    snapshot.local_copy = databases.snapshot(address) if address else None
            except RDSClientError:
                del backend.database_snapshots[snapshot.db_snapshot_identifier]
                raise
            return snapshot

        return create_db_snapshot

    return wrap


def _with_second_copy(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def copy_db_snapshot(backend: Any, source_db_snapshot_identifier: str, *args: Any, **kwargs: Any) -> Any:
            source = backend.get_db_snapshot(source_db_snapshot_identifier)
            snapshot = original(backend, source_db_snapshot_identifier, *args, **kwargs)
            with _as_rds_error():
                snapshot.local_copy = databases.copy_snapshot(source.local_copy) if source.local_copy else None
            return snapshot

        return copy_db_snapshot

    return wrap


def _without_copy(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_db_snapshot(backend: Any, *args: Any, **kwargs: Any) -> Any:
            snapshot = original(backend, *args, **kwargs)
            if snapshot.local_copy:
                databases.delete_snapshot(snapshot.local_copy)
            return snapshot

        return delete_db_snapshot

    return wrap


def _unsupported(what: str) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def refuse(backend: Any, *args: Any, **kwargs: Any) -> Any:
            raise RDSClientError(
                "InvalidParameterCombination", f"the local cloud has no {what}: use instances and their snapshots"
            )

        return refuse

    return wrap


def _master(instance: Any) -> Master:
    return Master(user=instance.master_username, password=instance._master_user_password)


@contextmanager
def _as_rds_error() -> Iterator[None]:
    """What goes wrong with a real database is the API call's error."""
    try:
        yield
    except CloudError as error:
        raise RDSClientError("InvalidParameterValue", str(error)) from error
