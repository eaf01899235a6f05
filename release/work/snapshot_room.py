"""Room for snapshots: AWS counts the manual ones of an account and region against one quota, whoever made them.

Asked before a promotion begins, so that it is refused while nothing has changed, and shown by `release status`. A
rollback is never asked: it goes back without a snapshot.
"""

from collections.abc import Mapping
from typing import Any

from release.environment import Environment
from release.process.errors import Refused, StagelineError
from release.rules.snapshot_room import Room, holders, remedy, shares, snapshot_room


def snapshot_count(environment: Environment) -> dict[str, Any]:
    """The account's manual snapshots against the quota, for `release status`; ``error`` where RDS did not tell."""
    try:
        room, by_holder = _room(environment)
    except StagelineError as error:
        return {"error": str(error)}
    hint = "" if room.verdict == "enough" else remedy(by_holder, environment.name, environment.settings.project)
    return {"count": room.count, "quota": room.quota, "room": room.verdict, "of": by_holder, "hint": hint}


def count_text(counted: Mapping[str, Any]) -> str:
    """The same as a line."""
    if "error" in counted:
        return f"the account's snapshots were not counted: {counted['error']}"
    line = f"snapshots: {counted['count']} of {counted['quota']} that the account may have ({shares(counted['of'])})"
    return f"{line}; {counted['hint']}" if counted["hint"] else line


def refuse_without_room(environment: Environment) -> dict[str, Any]:
    """The evidence that the snapshot of a promotion will fit; Refused, with numbers and remedy, when it will not.

    A quota that cannot be asked now is no reason to refuse: the step that takes the snapshot finds out.
    """
    if environment.settings.backup.before == "none":
        return {"snapshots": "none is taken: backup.before is none"}
    try:
        room, by_holder = _room(environment)
    except StagelineError as error:
        return {"snapshots": f"could not be counted: {error}"}
    if room.verdict == "none":
        raise Refused(
            f"there is no room for the snapshot of the database: {room} are there ({shares(by_holder)})",
            hint=remedy(by_holder, environment.name, environment.settings.project),
        )
    return {"snapshots": str(room), "room": room.verdict}


def _room(environment: Environment) -> tuple[Room, dict[str, int]]:
    """Whether one more fits, and who has those that are there."""
    settings = environment.settings
    found = environment.databases.manual_snapshots()
    room = snapshot_room(len(found), settings.backup.quota, warn_at=settings.backup.warn_at)
    return room, holders(found, settings.project)
