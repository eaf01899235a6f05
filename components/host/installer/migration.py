"""The migration of a release: run for the very deployment that is asked to migrate, and never told as not begun."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.host.installer.aws import aws, parameter_call, retried
from components.host.installer.environment import application_environment
from components.host.installer.errors import Failure, Refused
from components.host.installer.files import write_durably
from components.host.installer.order import Content, checked_text
from components.host.installer.programs import OUTPUT_LIMIT, hear
from components.host.installer.slots import Server, Slot
from components.host.installer.told import Said, Tail, half_a_secret, last_line, scrubbed
from contract.commands import migrate_command, runnable
from contract.layout import RELEASE
from contract.migration import NO_MIGRATION, let_of
from contract.shebang import why_not_run

MIGRATE_LIMIT = 1800.0  # seconds


@dataclass
class Migration:
    """What became of bin/migrate in this run so far: none, not asked for, failed (also while it runs), done."""

    outcome: str = "none"


def migrate(slot: Slot, content: Content, server: Server, migration: Migration) -> None:
    """Run the new release's migration, if it has one and it is asked for, while the earlier release still runs.

    Without a database there is nothing to migrate.

    That it begins is on the disk before it does: whoever asks later must never be told that nothing was changed.
    """
    release = slot.beside("new") / RELEASE
    command = migrate_command(content.commands, release)
    if not command or not server.database_parameter:
        return
    if not may_migrate(content, server):
        migration.outcome = "not asked for"
        return
    environment, secrets = application_environment(server, content, slot.beside("new"))
    write_durably(slot.migration, json.dumps({"deployment": content.deployment}))
    migration.outcome = "failed"
    words = runnable(command, release, environment)
    code, said = run_program(command[0], words, release, environment, secrets)
    slot.migrate_log.write_text(said.marked(), "utf-8")
    if code != 0:
        raise Failure(f"{command[0]} failed with {code}: {last_line(said.text)} (its output: {slot.migrate_log})")
    migration.outcome = "done"


def may_migrate(content: Content, server: Server) -> bool:
    """Whether this very deployment is asked to migrate. A server that cannot tell fails and does not guess.

    Taken for no, a release would start without its schema; taken for yes, an earlier release's migration would run
    against a newer schema.
    """
    if not server.migration_parameter:
        raise Failure("this server does not know who may migrate, it is older than that: release replace-server")
    asked, _ = let_of(retried(lambda: aws(server, *parameter_call(server.migration_parameter))))
    return asked == content.deployment and asked != NO_MIGRATION


def last_migration(slot: Slot) -> dict[str, str] | None:
    """The deployment whose migration began last on this server, in this slot; None when none ever did."""
    try:
        said = json.loads(slot.migration.read_text("utf-8"))
        return {"deployment": checked_text("deployment", said["deployment"])}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, Refused):
        raise Failure(f"{slot.migration} does not tell whose migration began last: delete it to say none") from None


def run_program(
    name: str, words: list[str], release: Path, environment: dict[str, str], secrets: Sequence[str]
) -> tuple[int, Said]:
    """How a program of a release ended, and what it said last. It may tell secrets: on the disk is only what was
    scrubbed.
    """
    said = Tail(OUTPUT_LIMIT + half_a_secret(secrets))
    try:
        code = hear(words, MIGRATE_LIMIT, said, cwd=release, env=environment)
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} did not end within {MIGRATE_LIMIT:.0f} s") from None
    except OSError as error:
        raise Failure(f"{name} cannot be started: {why_not_run(words[0], error)}") from None
    return code, scrubbed(said, secrets)
