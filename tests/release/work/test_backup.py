"""The backup of a deployment: begun at once, waited for by what changes data, and never in the way of a rollback."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from release.doors.aws.bucket import Bucket
from release.environment import Environment
from release.process.errors import Broken, Interrupted
from release.work.backup import start_backup, take_backup, try_backup, wait_for_backup
from tests.release.world import World

STATE = b'{"version": 3}'
FOLDER = "backups/dev-1"
STACK_FILE, STACK = f"{FOLDER}/Pulumi.dev.yaml", f"{FOLDER}/state.json"


def without_snapshots(environment: Environment) -> Environment:
    backup = environment.settings.backup.model_copy(update={"before": "none"})
    return replace(environment, settings=environment.settings.model_copy(update={"backup": backup}))


def fake(world: World) -> Any:
    return world.dev.databases


def test_all_three_parts_are_taken(world: World) -> None:
    backup = take_backup(world.dev, "dev-1", "db-1", STATE)
    assert (backup.snapshot, backup.configuration, backup.state) == ("stageline-dev-1", STACK_FILE, STACK)
    assert backup.missing == ()
    assert fake(world).snapshots == ["stageline-dev-1"]
    assert world.dev.backups.keys(FOLDER) == (STACK_FILE, STACK)


def test_it_begins_without_waiting_while_rds_is_busy_and_the_wait_begins_it(world: World) -> None:
    fake(world).busy = True
    started = start_backup(world.dev, "dev-1", "db-1", STATE)
    assert (started.snapshot, fake(world).snapshots) == (None, [])
    assert world.dev.backups.keys(FOLDER) == (STACK_FILE, STACK)
    assert wait_for_backup(world.dev, started).snapshot == "stageline-dev-1"


def test_a_snapshot_that_fails_ends_the_wait(world: World) -> None:
    started = start_backup(world.dev, "dev-1", "db-1", STATE)
    fake(world).fail = True
    with pytest.raises(Broken, match="snapshot stageline-dev-1 is failed"):
        wait_for_backup(world.dev, started)


def test_where_none_is_wanted_the_files_are_stored_and_the_evidence_says_so(world: World) -> None:
    backup = take_backup(without_snapshots(world.dev), "dev-1", "db-1", STATE)
    assert (backup.snapshot, backup.configuration, backup.state) == (None, STACK_FILE, STACK)
    assert backup.missing == ("snapshot: backup.before is none",)
    assert fake(world).snapshots == []


def test_taken_again_it_keeps_what_was_stored_before_anything_changed(world: World) -> None:
    take_backup(world.dev, "dev-1", "db-1", STATE)
    take_backup(world.dev, "dev-1", "db-1", b"changed since")
    assert world.dev.backups.get(STACK) == STATE


def test_a_rollback_only_begins_its_snapshot(world: World) -> None:
    fake(world).fail = True  # whoever waits for it finds out
    backup = try_backup(world.dev, "dev-1", database=lambda: "db-1", state=lambda: STATE)
    assert (backup.snapshot, backup.configuration, backup.state) == ("stageline-dev-1", STACK_FILE, STACK)
    assert backup.missing == ()


def raising(error: Exception) -> Callable[[], Any]:
    def ask() -> Any:
        raise error

    return ask


class Gone(Bucket):
    """A bucket that nobody may write to."""

    def __init__(self) -> None:
        """It is nowhere."""

    def put_new(self, key: str, body: bytes, content_type: str = "") -> bool:
        raise Broken(f"cannot write {key}: AccessDenied")


def test_a_rollback_goes_without_a_snapshot_while_rds_is_busy(world: World) -> None:
    fake(world).busy = True
    backup = try_backup(world.dev, "dev-1", database=lambda: "db-1", state=lambda: STATE)
    assert (backup.snapshot, backup.state) == (None, STACK)
    assert backup.missing == ("snapshot: the database db-1 is backing-up",)


def test_a_rollback_takes_what_it_gets_whatever_else_is_broken(world: World) -> None:
    backup = try_backup(
        world.dev, "dev-1", database=raising(KeyError("database_id")), state=raising(Broken("no backend"))
    )
    assert (backup.snapshot, backup.configuration, backup.state) == (None, STACK_FILE, None)
    assert backup.missing == ("snapshot: 'database_id'", "state: no backend")
    backup = try_backup(
        replace(world.dev, backups=Gone()), "dev-1", database=lambda: "db-1", state=lambda: STATE
    )  # fmt: skip
    assert (backup.snapshot, backup.configuration, backup.state) == ("stageline-dev-1", None, None)


def test_a_rollback_of_an_environment_without_snapshots_does_not_ask_which_database_it_is(world: World) -> None:
    asked = raising(AssertionError("asked"))
    backup = try_backup(without_snapshots(world.dev), "dev-1", database=asked, state=lambda: STATE)
    assert (backup.snapshot, backup.missing) == (None, ("snapshot: backup.before is none",))


def test_a_signal_is_not_taken_for_a_missing_part(world: World) -> None:
    with pytest.raises(Interrupted):
        try_backup(world.dev, "dev-1", database=lambda: "db-1", state=raising(Interrupted(2, "it was interrupted")))
