"""Whether the account has room for more snapshots, and who has those that are there."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from release.doors.aws.databases import Snapshot, make_room
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


def shares(by_holder: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in by_holder.items()) or "none"


def _holder(snapshot: Snapshot, project: str) -> str:
    name = snapshot.tags.get("environment", "")
    return name if snapshot.tags.get("project") == project and is_environment_name(name) else OTHERS
