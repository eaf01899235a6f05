"""The backup of a deployment: database snapshot, configuration and stack state, taken together.

What changes data waits for its backup: `start_backup` returns at once, other work goes on, `wait_for_backup` sees it
there. What only goes back takes what it gets: `try_backup` never waits and never fails.
"""

from collections.abc import Callable
from dataclasses import dataclass

from release.doors.aws.databases import DatabaseBusy, SnapshotOrder
from release.environment import Environment
from release.process.errors import ToldToEnd

NONE_WANTED = "backup.before is none"


@dataclass(frozen=True, kw_only=True)
class Backup:
    """Where the three parts are: the snapshot's name and two keys in the backup bucket.

    A part that is not there is None, and ``missing`` says why.
    """

    snapshot: str | None
    configuration: str | None
    state: str | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Started:
    """A backup that is being made. ``order`` is None where no snapshot is wanted; ``snapshot`` is the name of the one
    that was begun, None while RDS has no time for it.
    """

    configuration: str
    state: str
    order: SnapshotOrder | None
    snapshot: str | None


def take_backup(environment: Environment, deployment: str, database: str, state: bytes) -> Backup:
    """Back up what ``deployment`` is about to change, and return when the snapshot is available."""
    return wait_for_backup(environment, start_backup(environment, deployment, database, state))


def start_backup(environment: Environment, deployment: str, database: str, state: bytes) -> Started:
    """Ask for the snapshot, which takes by far the longest, without waiting for it; store configuration and state.

    Broken when there can be none: no room in the account's quota, or a database that no waiting makes available.
    """
    order = _order(environment, deployment, lambda: database)
    begun = _begun(environment, order) if order else None
    return Started(
        configuration=_store_configuration(environment, deployment),
        state=_store_state(environment, deployment, state),
        order=order,
        snapshot=begun,
    )


def wait_for_backup(environment: Environment, started: Started) -> Backup:
    """The backup, when its snapshot is available; Broken when it failed, or took too long."""
    order = started.order
    return Backup(
        snapshot=environment.databases.wait_for_snapshot(order, started.snapshot) if order else None,
        configuration=started.configuration,
        state=started.state,
        missing=() if order else (f"snapshot: {NONE_WANTED}",),
    )


def try_backup(
    environment: Environment, deployment: str, *, database: Callable[[], str], state: Callable[[], bytes]
) -> Backup:
    """What a rollback gets as its backup: each part for itself, of a snapshot only its beginning.

    It changes no data and users wait for it, so nothing is waited for, and whatever fails (also what ``database`` and
    ``state`` cannot tell) is written down as missing. Only who ends the rollback goes through.
    """
    snapshot, why_no_snapshot = _tried(lambda: _begun_for_rollback(environment, deployment, database))
    configuration, why_no_configuration = _tried(lambda: _store_configuration(environment, deployment))
    stored, why_no_state = _tried(lambda: _store_state(environment, deployment, state()))
    reasons = {"snapshot": why_no_snapshot, "configuration": why_no_configuration, "state": why_no_state}
    return Backup(
        snapshot=snapshot,
        configuration=configuration,
        state=stored,
        missing=tuple(f"{part}: {why}" for part, why in reasons.items() if why),
    )


def _order(environment: Environment, deployment: str, database: Callable[[], str]) -> SnapshotOrder | None:
    """The snapshot of a deployment, by its name and its tags; None where the environment wants none."""
    settings = environment.settings
    if settings.backup.before == "none":
        return None
    name, tags = f"{settings.project}-{deployment}", {**settings.tags, "deployment": deployment}
    return SnapshotOrder(database=database(), name=name, tags=tags)


def _begun(environment: Environment, order: SnapshotOrder) -> str | None:
    try:
        return environment.databases.start_snapshot(order)
    except DatabaseBusy:
        return None


def _begun_for_rollback(environment: Environment, deployment: str, database: Callable[[], str]) -> str:
    order = _order(environment, deployment, database)
    if order is None:
        raise LookupError(NONE_WANTED)
    return environment.databases.start_snapshot(order)


def _tried(make: Callable[[], str]) -> tuple[str | None, str]:
    """What it makes, or why it could not, whatever that was."""
    try:
        return make(), ""
    except ToldToEnd:
        raise
    except Exception as error:
        return None, str(error) or type(error).__name__


def _store_configuration(environment: Environment, deployment: str) -> str:
    return _store(environment, deployment, environment.stack_file.name, environment.stack_file.read_bytes())


def _store_state(environment: Environment, deployment: str, state: bytes) -> str:
    return _store(environment, deployment, "state.json", state)


def _store(environment: Environment, deployment: str, name: str, body: bytes) -> str:
    """What is there already under this deployment's own name stays: it was stored before anything was changed."""
    key = f"backups/{deployment}/{name}"
    environment.backups.put_new(key, body)
    return key
