"""Database instances hold rows, and their passwords are enforced. The real one's address is kept on moto's model
as `local_address`.

Where moto itself is mended: each instance has a resource id of its own, a rename never takes another instance's name,
the first automated snapshot is taken when there is something to copy (and only if backups are kept), a rotated
password is a new one, and a database is not deleted without saying what becomes of its rows.
"""

import functools
import json
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBParameterGroupNotFoundError,
    RDSClientError,
)
from moto.rds.models import DBInstance, MasterUserSecret, RDSBackend

from local.databases import Databases, Declared, Master, refuse_engine
from local.hooks.parts import Function, Parts
from local.hooks.rds_errors import as_rds_error
from local.hooks.replacing import replace
from local.hooks.snapshots import install_snapshots

RESOURCE_ID = string.ascii_uppercase + string.digits
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
    replace(installed, MasterUserSecret, "rotate_secret", _with_a_new_version)
    replace(installed, DBInstance, "address", _real_address)
    replace(installed, DBInstance, "save_automated_backup", _when_there_is_something)
    replace(installed, RDSBackend, "create_db_instance", _with_cluster(databases))
    replace(installed, RDSBackend, "restore_db_instance_from_db_snapshot", _from_snapshot)
    replace(installed, RDSBackend, "modify_db_instance", _followed(databases))
    replace(installed, RDSBackend, "modify_db_parameter_group", _with_parameters(databases))
    replace(installed, RDSBackend, "delete_db_instance", _without_cluster(databases))
    replace(installed, RDSBackend, "stop_db_instance", _stopped(databases))
    replace(installed, RDSBackend, "start_db_instance", _started(databases))
    replace(installed, RDSBackend, "reboot_db_instance", _rebooted(databases))
    install_snapshots(installed, databases)
    for name, what in UNSUPPORTED_DATABASE_CALLS.items():
        replace(installed, RDSBackend, name, _unsupported(what))


def declared(instance: Any) -> Declared:
    """What moto's model says about a database."""
    return Declared(
        arn=instance.db_instance_arn,
        storage_gib=int(instance.allocated_storage),
        instance_class=instance.db_instance_class,
        parameters=_parameters(instance.db_parameter_groups()),
    )


def _parameters(groups: Iterable[Any]) -> dict[str, str]:
    """What people set; everything else in a group is as AWS has it."""
    return {
        name: str(parameter["ParameterValue"])
        for group in groups
        for name, parameter in group.parameters.items()
        if parameter.get("ParameterValue") is not None
    }


def _with_its_own_password(original: Function) -> Function:
    @functools.wraps(original)
    def generate_secret_string(secret: Any) -> str:
        instance = secret.resource
        instance.master_user_password = secrets.token_urlsafe(24)
        return json.dumps({"username": instance.master_username, "password": instance._master_user_password})

    return generate_secret_string


def _with_a_new_version(original: Function) -> Function:
    """Moto would wait for a Lambda function; the new password is set in PostgreSQL by `_followed`."""

    @functools.wraps(original)
    def rotate_secret(secret: Any) -> None:
        secret.secretsmanager.put_secret_value(
            secret_id=secret.secret.arn,
            secret_string=secret._generate_secret_string(),
            secret_binary=None,
            client_request_token=None,
            version_stages=["AWSCURRENT"],
        )

    return rotate_secret


def _real_address(original: Any) -> Any:
    def address(instance: Any) -> str:
        return str(vars(instance).get("local_address") or original.fget(instance))

    return property(address)


def _when_there_is_something(original: Function) -> Function:
    """Moto takes it before there is a cluster; `_with_cluster` asks again."""

    @functools.wraps(original)
    def save_automated_backup(instance: Any) -> None:
        if vars(instance).get("local_address") and instance.backup_retention_period:
            original(instance)

    return save_automated_backup


def _with_cluster(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def create_db_instance(backend: Any, db_kwargs: dict[str, Any]) -> Any:
            with as_rds_error():
                refuse_engine(str(db_kwargs.get("engine")))
            instance = original(backend, db_kwargs)
            instance.dbi_resource_id = "db-" + "".join(secrets.choice(RESOURCE_ID) for _ in range(26))
            try:
                with as_rds_error():
                    instance.local_address = _filled(databases, instance)
            except RDSClientError:
                del backend.databases[instance.db_instance_identifier]
                raise
            instance.save_automated_backup()
            return instance

        return create_db_instance

    return wrap


def _filled(databases: Databases, instance: Any) -> str:
    """Start the instance's cluster, empty or from the snapshot being restored."""
    snapshot, known, port = _restored_from.get(), declared(instance), int(instance.port)
    if snapshot:
        return databases.restore(snapshot, known, port=port, master=_master(instance))
    return databases.create(known, port=port, master=_master(instance), name=instance.db_name)


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


def _followed(databases: Databases) -> Callable[[Function], Function]:
    """A changed password is set in PostgreSQL, or the call fails and the old one is still the instance's."""

    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def modify_db_instance(backend: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
            _refuse_impossible(backend, db_instance_identifier, db_kwargs)
            before = backend.describe_db_instances(db_instance_identifier)[0]._master_user_password
            instance = original(backend, db_instance_identifier, db_kwargs)
            databases.declare(instance.local_address, declared(instance))
            if instance._master_user_password != before:
                _set_password(databases, instance, before)
            return instance

        return modify_db_instance

    return wrap


def _refuse_impossible(backend: Any, identifier: str, changes: Mapping[str, Any]) -> None:
    """Moto checks these too late, or not at all, and leaves two instances under one name."""
    new_name, group = (
        str(changes.get("new_db_instance_identifier") or identifier),
        changes.get("db_parameter_group_name"),
    )
    if new_name.lower() != identifier.lower() and new_name.lower() in backend.databases:
        raise DBInstanceAlreadyExists
    if group and group not in backend.db_parameter_groups:
        raise DBParameterGroupNotFoundError(group)


def _set_password(databases: Databases, instance: Any, before: str) -> None:
    try:
        with as_rds_error():
            databases.set_password(instance.local_address, _master(instance))
    except RDSClientError:
        instance.master_user_password = before
        raise


def _with_parameters(databases: Databases) -> Callable[[Function], Function]:
    """What can change at once changes in all databases of the group, the rest when they are started next."""

    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def modify_db_parameter_group(backend: Any, name: str, parameters: Iterable[Mapping[str, Any]]) -> Any:
            given = list(parameters)
            with as_rds_error():
                databases.check_parameters({each["ParameterName"]: str(each["ParameterValue"]) for each in given})
            group = original(backend, name, given)
            for instance in backend.databases.values():
                if group in instance.db_parameter_groups():
                    databases.declare(instance.local_address, declared(instance))
                    databases.reload(instance.local_address)
            return group

        return modify_db_parameter_group

    return wrap


def _without_cluster(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def delete_db_instance(
            backend: Any,
            db_instance_identifier: str,
            final_db_snapshot_identifier: str | None = None,
            skip_final_snapshot: bool | None = False,
            delete_automated_backups: bool | None = True,
        ) -> Any:
            final = _final_snapshot(final_db_snapshot_identifier, bool(skip_final_snapshot))
            instance = original(backend, db_instance_identifier, final, skip_final_snapshot, delete_automated_backups)
            databases.delete(instance.local_address)
            return instance

        return delete_db_instance

    return wrap


def _final_snapshot(name: str | None, skip: bool) -> str | None:
    """As AWS has it: either no final snapshot, or one with a name."""
    if skip and name:
        raise RDSClientError(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true.",
        )
    if not skip and not name:
        raise RDSClientError(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )
    return name


def _stopped(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def stop_db_instance(backend: Any, *args: Any, **kwargs: Any) -> Any:
            instance = original(backend, *args, **kwargs)
            databases.stop(instance.local_address)
            return instance

        return stop_db_instance

    return wrap


def _started(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def start_db_instance(backend: Any, *args: Any, **kwargs: Any) -> Any:
            instance = original(backend, *args, **kwargs)
            try:
                _renewed(databases.start, databases, instance)
            except RDSClientError:
                instance.status = "stopped"
                raise
            return instance

        return start_db_instance

    return wrap


def _rebooted(databases: Databases) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        @functools.wraps(original)
        def reboot_db_instance(backend: Any, db_instance_identifier: str) -> Any:
            instance = original(backend, db_instance_identifier)
            if instance.status != "available":
                raise RDSClientError(
                    "InvalidDBInstanceState", f"Instance {db_instance_identifier} is {instance.status}, not available."
                )
            _renewed(databases.reboot, databases, instance)
            return instance

        return reboot_db_instance

    return wrap


def _renewed(start: Callable[[str], None], databases: Databases, instance: Any) -> None:
    """Start it with what its parameter group says now."""
    with as_rds_error():
        databases.declare(instance.local_address, declared(instance))
        start(instance.local_address)


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
