"""Room for snapshots: refused in time with numbers, warned of before, and shown by status."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from release.doors.aws.databases import Snapshot
from release.environment import Environment
from release.process.errors import Broken, Refused
from release.rules.snapshot_room import holders
from release.work.snapshot_room import count_text, refuse_without_room, snapshot_count
from settings.model import Settings
from settings.stackfile import load
from tests.project import PROJECT


@dataclass
class Account:
    """RDS of an account with these snapshots."""

    there: Sequence[Snapshot]

    def manual_snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(self.there)


class Silent:
    """RDS that does not answer."""

    def manual_snapshots(self) -> tuple[Snapshot, ...]:
        raise Broken("cannot count the snapshots of the account: AccessDenied")


@dataclass
class Opened:
    """What is used of an environment."""

    databases: Any
    settings: Settings
    name: str = "qa"


def of(environment: str, count: int, project: str = "stageline") -> list[Snapshot]:
    tags = {"project": project, "environment": environment}
    return [
        Snapshot(name=f"{environment}-{number}", database="db", created=None, status="available", size_gb=1, tags=tags)
        for number in range(count)
    ]


def opened(databases: Any, **backup: Any) -> Any:
    settings = load(PROJECT, "qa")
    changed = settings.model_copy(update={"backup": settings.backup.model_copy(update=backup)})
    return Opened(databases, changed)


FULL = [*of("dev", 70), *of("qa", 20), *of("prod", 4), *of("shop", 5, project="other"), replace(of("x", 1)[0], tags={})]


def test_they_are_counted_by_who_has_them() -> None:
    assert holders(FULL, "stageline") == {"dev": 70, "qa": 20, "others": 6, "prod": 4}


def test_a_tag_that_cannot_name_an_environment_is_shown_to_nobody() -> None:
    assert holders(of("\x1b[2J", 2), "stageline") == {"others": 2}


def test_a_deployment_is_refused_where_there_is_no_room_with_who_has_it_and_what_makes_some() -> None:
    with pytest.raises(Refused) as refusal:
        refuse_without_room(opened(Account(FULL)))
    assert "100 of 100 manual snapshots" in str(refusal.value)
    assert "(dev 70, qa 20, others 6, prod 4)" in str(refusal.value)
    assert "release prune dev --only snapshots --yes, in the role stageline-dev-pruner" in refusal.value.hint


def test_where_others_fill_it_the_own_environment_is_named() -> None:
    with pytest.raises(Refused, match="release prune qa --only snapshots --yes"):
        refuse_without_room(opened(Account(of("shop", 100, project="other"))))


LET_THROUGH: dict[str, tuple[Callable[[], Environment], dict[str, str]]] = {
    "room": (
        lambda: opened(Account(of("qa", 3))),
        {"snapshots": "3 of 100 manual snapshots that the account may have in the region", "room": "enough"},
    ),
    "little room": (
        lambda: opened(Account(of("qa", 9)), quota=10),
        {"snapshots": "9 of 10 manual snapshots that the account may have in the region", "room": "little"},
    ),
    "no snapshot wanted": (
        lambda: opened(Silent(), before="none"),
        {"snapshots": "none is taken: backup.before is none"},
    ),
    "not to be counted": (
        lambda: opened(Silent()),
        {"snapshots": "could not be counted: cannot count the snapshots of the account: AccessDenied"},
    ),
}


@pytest.mark.parametrize(("make", "evidence"), LET_THROUGH.values(), ids=LET_THROUGH.keys())
def test_else_it_is_let_through_with_the_evidence(make: Callable[[], Environment], evidence: dict[str, str]) -> None:
    assert refuse_without_room(make()) == evidence


def test_status_counts_them_and_warns_in_time() -> None:
    counted = snapshot_count(opened(Account(of("dev", 8)), quota=10))
    assert (counted["count"], counted["quota"], counted["room"], counted["of"]) == (8, 10, "little", {"dev": 8})
    text = count_text(counted)
    assert text.startswith("snapshots: 8 of 10 that the account may have (dev 8); make room with: release prune dev")


def test_status_says_no_more_than_the_count_while_there_is_room() -> None:
    text = count_text(snapshot_count(opened(Account([]))))
    assert text == "snapshots: 0 of 100 that the account may have (none)"


def test_status_bears_that_they_cannot_be_counted() -> None:
    text = count_text(snapshot_count(opened(Silent())))
    assert text == "the account's snapshots were not counted: cannot count the snapshots of the account: AccessDenied"
