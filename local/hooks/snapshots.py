"""Database snapshots hold rows. The real copy is known by its name, kept on moto's model as `local_copy`."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import RDSBackend

from local.databases import Databases
from local.hooks.parts import Function
from local.hooks.rds_errors import as_rds_error
from local.hooks.replacing import replace


def install_snapshots(installed: ExitStack, databases: Databases) -> None:
    """Hook moto's database snapshots until `installed` is closed."""
    replace(installed, RDSBackend, "create_db_snapshot", _with_copy(databases))
    replace(installed, RDSBackend, "copy_db_snapshot", _with_second_copy(databases))
    replace(installed, RDSBackend, "delete_db_snapshot", _without_copy(databases))


def _with_copy(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_db_snapshot(backend: Any, *args: Any, **kwargs: Any) -> Any:
            snapshot = original(backend, *args, **kwargs)
            try:
                with as_rds_error():
                    snapshot.local_copy = databases.snapshot(snapshot.database.local_address)
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
            try:
                with as_rds_error():
                    snapshot.local_copy = databases.copy_snapshot(source.local_copy)
            except RDSClientError:
                del backend.database_snapshots[snapshot.db_snapshot_identifier]
                raise
            return snapshot

        return copy_db_snapshot

    return wrap


def _without_copy(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_db_snapshot(backend: Any, *args: Any, **kwargs: Any) -> Any:
            snapshot = original(backend, *args, **kwargs)
            databases.delete_snapshot(snapshot.local_copy)
            return snapshot

        return delete_db_snapshot

    return wrap
