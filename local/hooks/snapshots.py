"""Database snapshots hold rows. The real copy is known by its name, kept on moto's model as `local_copy`.

As on AWS, none is taken of a database that is not at rest, and an account has 100 manual ones in a region; moto asks
for neither, and counts the automated ones too.
"""

import functools
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from moto.rds.exceptions import RDSClientError, SnapshotQuotaExceededFault
from moto.rds.models import RDSBackend

from local.databases import Databases
from local.hooks.parts import Function
from local.hooks.rds_errors import as_rds_error
from local.hooks.replacing import replace

QUOTA = 100  # manual snapshots of an account in a region, if AWS was not asked for more
QUOTA_VARIABLE = "MOTO_RDS_SNAPSHOT_LIMIT"
AT_REST = ("available", "storage-optimization")


def install_snapshots(installed: ExitStack, databases: Databases) -> None:
    """Hook moto's database snapshots until `installed` is closed."""
    replace(installed, RDSBackend, "SNAPSHOT_QUOTA", _counted_here)
    replace(installed, RDSBackend, "create_db_snapshot", _with_copy(databases))
    replace(installed, RDSBackend, "copy_db_snapshot", _with_second_copy(databases))
    replace(installed, RDSBackend, "delete_db_snapshot", _without_copy(databases))


def _with_copy(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_db_snapshot(
            backend: Any,
            db_instance_identifier: str,
            db_snapshot_identifier: str,
            snapshot_type: str = "manual",
            *args: Any,
            **kwargs: Any,
        ) -> Any:
            if snapshot_type == "manual":
                _refuse_unless_at_rest(backend, db_instance_identifier)
                _refuse_beyond_quota(backend, db_snapshot_identifier)
            snapshot = original(backend, db_instance_identifier, db_snapshot_identifier, snapshot_type, *args, **kwargs)
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
        def copy_db_snapshot(
            backend: Any,
            source_db_snapshot_identifier: str,
            target_db_snapshot_identifier: str,
            *args: Any,
            **more: Any,
        ) -> Any:
            _refuse_beyond_quota(backend, target_db_snapshot_identifier)
            source = backend.get_db_snapshot(source_db_snapshot_identifier)
            snapshot = original(backend, source_db_snapshot_identifier, target_db_snapshot_identifier, *args, **more)
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


def _counted_here(original: Any) -> Any:
    return property(lambda backend: sys.maxsize)


def _refuse_unless_at_rest(backend: Any, identifier: str) -> None:
    """What is not there is moto's to refuse."""
    instance = backend.databases.get(identifier)
    if instance is not None and instance.status not in AT_REST:
        raise RDSClientError(
            "InvalidDBInstanceState", f"Instance {identifier} is not currently in the available state."
        )


def _refuse_beyond_quota(backend: Any, name: str) -> None:
    """A name that is taken is moto's to refuse."""
    manual = [one for one in backend.database_snapshots.values() if one.snapshot_type == "manual"]
    if name not in backend.database_snapshots and len(manual) >= int(os.environ.get(QUOTA_VARIABLE, QUOTA)):
        raise SnapshotQuotaExceededFault
