"""The backup before a deployment: database snapshot, configuration and stack state, taken together."""

from dataclasses import dataclass

from release.environment import Environment


@dataclass(frozen=True, kw_only=True)
class Backup:
    """Where the three parts are: the snapshot's identifier and two keys in the backup bucket."""

    snapshot: str
    configuration: str
    state: str


def take_backup(environment: Environment, deployment: str, database: str, state: bytes) -> Backup:
    """Back up what ``deployment`` is about to change, and return when the snapshot is available.

    The snapshot is started first; configuration and state are stored while it is made.
    """
    backup = name_backup(environment, deployment)
    tags = {**environment.settings.tags, "deployment": deployment}
    environment.databases.start_snapshot(database, backup.snapshot, tags)
    _store(environment, backup.configuration, environment.stack_file.read_bytes())
    _store(environment, backup.state, state)
    environment.databases.wait_for_snapshot(backup.snapshot)
    return backup


def name_backup(environment: Environment, deployment: str) -> Backup:
    """The names of a deployment's backup."""
    folder = f"backups/{deployment}"
    return Backup(
        snapshot=f"{environment.settings.project}-{deployment}",
        configuration=f"{folder}/{environment.stack_file.name}",
        state=f"{folder}/state.json",
    )


def _store(environment: Environment, key: str, body: bytes) -> None:
    """What is there already under this deployment's own name stays: it was stored before anything was changed."""
    environment.backups.put_new(key, body)
