"""Room for snapshots: AWS counts the manual ones of an account and region against one quota, whoever made them.

Asked before a promotion begins, so that it is refused while nothing has changed, and shown by `release status`. A
rollback is never asked: it goes back without a snapshot.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from release.doors.aws.databases import Snapshot, make_room
from release.environment import Environment
from release.process.errors import Refused, StagelineError
from settings.names import is_environment_name

OTHERS = "others"  # whoever is no environment of the project


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many manual snapshots there are, how many there may be, and what follows from that."""

    count: int
    quota: int
    verdict: Literal["enough", "little", "none"]

    def __str__(self) -> str:
        return f"{self.count} of {self.quota} manual snapshots that the account may have in the region"


def snapshot_room(count: int, quota: int, needed: int = 1, *, warn_at: int = 80) -> Room:
    """Whether ``needed`` more snapshots fit into ``quota``; *little* from ``warn_at`` percent of it on."""
    if count + needed > quota:
        return Room(count=count, quota=quota, verdict="none")
    little = 100 * count >= warn_at * quota
    return Room(count=count, quota=quota, verdict="little" if little else "enough")


def holders(snapshots: Iterable[Snapshot], project: str) -> dict[str, int]:
    """How many snapshots each environment of the project has, by their tags, and how many are of others; most first."""
    return dict(Counter(_holder(one, project) for one in snapshots).most_common())


def remedy(by_holder: Mapping[str, int], environment: str, project: str) -> str:
    """What makes room: pruning the environment of the project that has the most."""
    return make_room(project, next((name for name in by_holder if name != OTHERS), environment))


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
    line = f"snapshots: {counted['count']} of {counted['quota']} that the account may have ({_shares(counted['of'])})"
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
            f"there is no room for the snapshot of the database: {room} are there ({_shares(by_holder)})",
            hint=remedy(by_holder, environment.name, environment.settings.project),
        )
    return {"snapshots": str(room), "room": room.verdict}


def _room(environment: Environment) -> tuple[Room, dict[str, int]]:
    """Whether one more fits, and who has those that are there."""
    settings = environment.settings
    found = environment.databases.manual_snapshots()
    room = snapshot_room(len(found), settings.backup.quota, warn_at=settings.backup.warn_at)
    return room, holders(found, settings.project)


def _shares(by_holder: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in by_holder.items()) or "none"


def _holder(snapshot: Snapshot, project: str) -> str:
    name = snapshot.tags.get("environment", "")
    return name if snapshot.tags.get("project") == project and is_environment_name(name) else OTHERS
