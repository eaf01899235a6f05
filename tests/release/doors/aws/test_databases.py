"""Snapshots of RDS: asked for again while it is busy, found again by their tags, and refused in words."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from release.doors.aws.databases import (
    HOPELESS,
    MOST_NAMES,
    SNAPSHOT_LIMIT,
    DatabaseBusy,
    Databases,
    Snapshot,
    SnapshotOrder,
)
from release.process.errors import Broken

TAGS = {"project": "stageline", "environment": "dev", "deployment": "dev-20261121-084224-c700"}
ORDER = SnapshotOrder(database="stageline-dev-postgres-1", name="stageline-dev-20261121-084224-c700", tags=TAGS)
BEGUN = datetime(2026, 11, 21, 8, 42, tzinfo=UTC)


@dataclass
class Rds:
    """RDS as AWS describes it: one instance, whose snapshots are taken only while it is available."""

    status: str = "available"
    quota: int = 100
    busy_for: int = 0  # refusals until the instance is available again
    looks_until_there: int = 1
    ends_as: str = "available"
    made: dict[str, Snapshot] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def create_db_snapshot(
        self, *, DBInstanceIdentifier: str, DBSnapshotIdentifier: str, Tags: list[dict[str, str]]
    ) -> None:
        self.asked.append(DBSnapshotIdentifier)
        if DBSnapshotIdentifier in self.made:
            raise error("DBSnapshotAlreadyExists")
        if len(self.made) >= self.quota:
            raise error("SnapshotQuotaExceeded")
        if self.status != "available":
            self.busy_for -= 1
            self.status = "available" if self.busy_for == 0 else self.status
            raise error("InvalidDBInstanceState")
        tags = {tag["Key"]: tag["Value"] for tag in Tags}
        self.add(Snapshot(name=DBSnapshotIdentifier, database=DBInstanceIdentifier, created=None, status="creating",
                          size_gb=20, tags=tags))  # fmt: skip

    def add(self, snapshot: Snapshot) -> None:
        self.made[snapshot.name] = snapshot

    def describe_db_snapshots(self, *, DBSnapshotIdentifier: str) -> dict[str, Any]:
        self.looks_until_there -= 1
        if self.looks_until_there <= 0:
            self.made[DBSnapshotIdentifier] = replace(self.made[DBSnapshotIdentifier], status=self.ends_as)
        return {"DBSnapshots": [told(self.made[DBSnapshotIdentifier])]}

    def describe_db_instances(self, *, DBInstanceIdentifier: str) -> dict[str, Any]:
        return {"DBInstances": [{"DBInstanceStatus": self.status}]}

    def get_paginator(self, operation: str) -> "Rds":
        assert operation == "describe_db_snapshots"
        return self

    def paginate(self, *, SnapshotType: str, DBInstanceIdentifier: str = "") -> list[dict[str, Any]]:
        assert SnapshotType == "manual"
        there = [one for one in self.made.values() if DBInstanceIdentifier in ("", one.database)]
        return [{"DBSnapshots": [told(one)]} for one in there]

    def delete_db_snapshot(self, *, DBSnapshotIdentifier: str) -> None:
        if self.made.pop(DBSnapshotIdentifier, None) is None:
            raise error("DBSnapshotNotFound")


@dataclass
class Session:
    """An account with this RDS."""

    rds: Rds

    def client(self, service: str) -> Rds:
        assert service == "rds"
        return self.rds


@dataclass
class Time:
    """Time that passes where somebody waits."""

    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def ticks(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "CreateDBSnapshot")


def told(one: Snapshot) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": one.name,
        "DBInstanceIdentifier": one.database,
        "Status": one.status,
        "AllocatedStorage": one.size_gb,
        "TagList": [{"Key": key, "Value": value} for key, value in one.tags.items()],
        **({"SnapshotCreateTime": one.created} if one.created else {}),
    }


def databases(rds: Rds, time: Time | None = None) -> Databases:
    time = time or Time()
    session: Any = Session(rds)
    return Databases(session, pause=time.pause, ticks=time.ticks)


def ours(**other: Any) -> Snapshot:
    values = {"name": ORDER.name, "database": ORDER.database, "created": BEGUN, "status": "available", "size_gb": 20}
    return Snapshot(**{**values, "tags": TAGS, **other})


def test_a_snapshot_that_was_begun_is_not_begun_a_second_time_by_waiting_for_it() -> None:
    rds, time = Rds(looks_until_there=4), Time()
    rds_databases = databases(rds, time)
    started = rds_databases.start_snapshot(ORDER)
    assert (started, time.pauses) == (ORDER.name, [])
    assert rds_databases.wait_for_snapshot(ORDER, started) == ORDER.name
    assert rds.asked == [ORDER.name]
    assert time.pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("status", ["backing-up", "modifying", "maintenance", "upgrading", "a-status-of-next-year"])
def test_while_rds_is_busy_a_start_says_so_at_once_and_a_wait_asks_again(status: str) -> None:
    rds, time = Rds(status=status, busy_for=4), Time()
    with pytest.raises(DatabaseBusy, match=f"the database stageline-dev-postgres-1 is {status}: RDS takes no snapshot"):
        databases(rds, time).start_snapshot(ORDER)
    assert time.pauses == []
    assert databases(rds, time).wait_for_snapshot(ORDER) == ORDER.name
    assert rds.asked == [ORDER.name] * 5
    assert time.pauses == [0.5, 1.0, 2.0]


def test_one_limit_holds_for_the_busy_database_and_the_making_together() -> None:
    time, rds = Time(), Rds(status="modifying", busy_for=60, looks_until_there=10**6)
    with pytest.raises(Broken, match=r"snapshot stageline-dev-.* is creating, after 25 minutes of waiting"):
        databases(rds, time).wait_for_snapshot(ORDER)
    assert time.seconds == SNAPSHOT_LIMIT


def test_a_database_that_stays_busy_ends_the_wait_in_words() -> None:
    time = Time()
    with pytest.raises(Broken, match=r"is modifying: RDS takes no snapshot of it, after 25 minutes of waiting"):
        databases(Rds(status="modifying", busy_for=10**6), time).wait_for_snapshot(ORDER)
    assert (time.seconds, max(time.pauses)) == (SNAPSHOT_LIMIT, 15.0)


@pytest.mark.parametrize("status", HOPELESS)
def test_where_no_waiting_helps_it_fails_at_once_and_says_what_does(status: str) -> None:
    time = Time()
    with pytest.raises(Broken, match=f"is {status}: RDS takes no snapshot of it; ") as failure:
        databases(Rds(status=status, busy_for=10**6), time).wait_for_snapshot(ORDER)
    assert not isinstance(failure.value, DatabaseBusy)
    assert (failure.value.hint, time.pauses) == (HOPELESS[status], [])


def test_a_full_quota_names_the_verb_and_the_role_that_make_room() -> None:
    rds = Rds(quota=0)
    with pytest.raises(Broken, match="SnapshotQuotaExceeded") as failure:
        databases(rds).wait_for_snapshot(ORDER)
    assert "release prune dev --only snapshots --yes, in the role stageline-dev-pruner" in failure.value.hint


REFUSED_BY_ITSELF: dict[str, Callable[[], Rds]] = {
    "the name is taken": Rds,
    "it has the last place of the quota": lambda: Rds(quota=1),
    "it keeps the database busy": lambda: Rds(status="backing-up", busy_for=10**6),
}


@pytest.mark.parametrize("rds", [make() for make in REFUSED_BY_ITSELF.values()], ids=REFUSED_BY_ITSELF.keys())
def test_what_this_deployment_began_before_is_found_whatever_aws_refuses_first(rds: Rds) -> None:
    begun = ours(status="creating", name=f"{ORDER.name}-2" if rds.status != "available" else ORDER.name)
    rds.add(begun)
    assert databases(rds).start_snapshot(ORDER) == begun.name
    assert len(rds.made) == 1


NOT_OURS = {
    "of another deployment": ours(tags={**TAGS, "deployment": "dev-20261121-090000-0000"}),
    "of another environment": ours(tags={**TAGS, "environment": "qa"}),
    "of another database": ours(database="stageline-qa-postgres-1"),
    "without tags": ours(tags={}),
    "failed": ours(status="failed"),
}


@pytest.mark.parametrize("taken", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_a_name_that_leads_to_no_good_snapshot_of_this_deployment_gets_a_number(taken: Snapshot) -> None:
    rds = Rds()
    rds.add(taken)
    assert databases(rds).wait_for_snapshot(ORDER) == f"{ORDER.name}-2"
    assert rds.made[taken.name] == taken


def test_a_snapshot_that_fails_is_told_and_the_next_attempt_makes_another() -> None:
    rds = Rds(ends_as="failed")
    with pytest.raises(Broken, match=f"the snapshot {ORDER.name} is failed"):
        databases(rds).wait_for_snapshot(ORDER)
    rds.ends_as = "available"
    assert databases(rds).wait_for_snapshot(ORDER) == f"{ORDER.name}-2"


def test_the_names_come_to_an_end() -> None:
    rds = Rds()
    for number in ("", *(f"-{one}" for one in range(2, MOST_NAMES + 1))):
        rds.add(ours(name=f"{ORDER.name}{number}", status="failed"))
    with pytest.raises(Broken, match=r"9 snapshots called stageline-dev-.* are there, and none of them is good"):
        databases(rds).start_snapshot(ORDER)


def test_an_error_that_is_none_of_these_is_passed_on() -> None:
    class Denying(Rds):
        def create_db_snapshot(self, **_: Any) -> None:
            raise error("AccessDenied")

    with pytest.raises(Broken, match=r"cannot snapshot the database .*: AccessDenied"):
        databases(Denying()).wait_for_snapshot(ORDER)


def test_all_manual_snapshots_are_listed_over_all_pages() -> None:
    rds = Rds()
    rds.add(ours())
    rds.add(ours(name="by-hand", database="another", tags={}, created=None, status="creating"))
    assert databases(rds).manual_snapshots() == tuple(rds.made.values())


def test_a_snapshot_is_deleted_and_one_that_is_gone_is_no_error() -> None:
    rds = Rds()
    rds.add(ours())
    databases(rds).delete_snapshot(ORDER.name)
    databases(rds).delete_snapshot(ORDER.name)
    assert rds.made == {}
