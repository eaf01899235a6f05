"""RDS: snapshots of an environment's database, and where its master password is.

AWS takes a snapshot only of an instance that is *available*: not while it backs it up every day, changes it, or has
just begun another snapshot. So whoever can wait asks again; whoever cannot is told at once why there is none.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.process.errors import Broken
from release.process.interruption import INTERRUPTION

SNAPSHOT_LIMIT = 25 * 60  # seconds, for all of it: until RDS takes it, and until it is there
POLL = 0.5, 15.0  # seconds: the first pause between two looks, and the longest
MOST_NAMES = 9  # snapshots of one deployment: each one that failed keeps its name

BUSY, TAKEN, NO_ROOM = "InvalidDBInstanceState", "DBSnapshotAlreadyExists", "SnapshotQuotaExceeded"
GONE = "DBSnapshotNotFound"
OF_US = ("project", "environment", "deployment")  # the tags by which a snapshot is of one deployment
USABLE = ("available", "creating")

# What an instance is in when no waiting helps, and what does: (AWS) "Viewing DB instance status".
HOPELESS: Mapping[str, str] = {
    "deleting": "it is being deleted",
    "failed": "restore its newest backup beside it",
    "inaccessible-encryption-credentials": "give it back the use of its KMS key",
    "inaccessible-encryption-credentials-recoverable": "give it back the use of its KMS key, and start it",
    "incompatible-network": "look at its subnets in the RDS console",
    "incompatible-option-group": "look at its option group in the RDS console",
    "incompatible-parameters": "look at its parameter group in the RDS console",
    "incompatible-restore": "restore another snapshot",
    "insufficient-capacity": "look at its instance class in the RDS console",
    "restore-error": "restore another snapshot",
    "stopped": "start it: aws rds start-db-instance",
    "stopping": "start it when it has stopped: aws rds start-db-instance",
    "storage-full": "give it more storage: database.storage_gb, and pulumi up",
}


class DatabaseBusy(Broken):
    """RDS is at work on the database: it takes the snapshot when that is done (exit code 1)."""


@dataclass(frozen=True, kw_only=True)
class SnapshotOrder:
    """The snapshot that a deployment asks for. ``tags`` name project, environment and deployment."""

    database: str
    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A manual snapshot as RDS tells it. ``created`` is None while RDS has not begun to copy; ``size_gb`` is the
    size of the database's disk, what is charged for is less.
    """

    name: str
    database: str
    created: datetime | None
    status: str
    size_gb: int
    tags: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, order: SnapshotOrder) -> bool:
        """Whether it was made of the same database for the same deployment; a name alone proves nothing."""
        same = all(self.tags.get(key) == order.tags.get(key) for key in OF_US)
        return same and self.database == order.database


class Databases:
    """What ``release`` asks of RDS: the snapshots of deployments, the secret of the master user, and its group."""

    def __init__(
        self,
        session: AwsSession,
        *,
        pause: Callable[[float], None] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._pause = pause
        self._ticks = ticks

    def start_snapshot(self, order: SnapshotOrder) -> str:
        """Ask for the snapshot, once and without waiting, and return the name that it got.

        One that this deployment asked for before is not asked for twice. Where its name is taken by one that failed,
        or by a stranger, it gets the name with a number. DatabaseBusy when it can be asked for again later.
        """
        for name in _names(order.name):
            try:
                self._create(order, name)
                return name
            except Broken as error:
                if made := self._made_before(order, aws_code(error)):
                    return made
                if aws_code(error) != TAKEN:
                    raise self._explained(error, order) from error
        raise Broken(
            f"{MOST_NAMES} snapshots called {order.name} are there, and none of them is good",
            hint="look at them in the RDS console, and delete those that failed",
        )

    def wait_for_snapshot(self, order: SnapshotOrder, started: str | None = None) -> str:
        """Return the snapshot's name when it is available. One that is not ``started`` is asked for until RDS takes it.

        Broken when it failed, when no waiting helps, or after SNAPSHOT_LIMIT seconds for all of it.
        """
        name, why = started, f"the snapshot {order.name} was not asked for"
        for _ in self._looks():
            try:
                name = name or self.start_snapshot(order)
            except DatabaseBusy as busy:
                why = str(busy)
                continue
            status = self._status(name)
            if status == "available":
                return name
            why = f"the snapshot {name} is {status}"
            if status == "failed":
                raise Broken(why, hint="see the events of the database in the RDS console, and deploy again")
        raise Broken(
            f"{why}, after {SNAPSHOT_LIMIT // 60} minutes of waiting", hint="look at the database in the RDS console"
        )

    def manual_snapshots(self) -> tuple[Snapshot, ...]:
        """Every manual snapshot of the account in the region, of whatever database: what the quota counts."""
        return tuple(self._listed("count the snapshots of the account"))

    def snapshot(self, name: str) -> Snapshot | None:
        """A snapshot as RDS tells it now; None when it is gone."""
        try:
            with aws_call(f"look at the snapshot {name}"):
                answer = self._client.describe_db_snapshots(DBSnapshotIdentifier=name)
        except Broken as error:
            if aws_code(error) == GONE:
                return None
            raise
        return _snapshot(answer["DBSnapshots"][0])

    def delete_snapshot(self, name: str) -> None:
        """Delete a manual snapshot. One that is gone already is no error."""
        try:
            with aws_call(f"delete the snapshot {name}"):
                self._client.delete_db_snapshot(DBSnapshotIdentifier=name)
        except Broken as error:
            if aws_code(error) != GONE:
                raise

    def master_secret(self, database: str) -> str:
        """The ARN of the secret in which RDS keeps the master user's password."""
        found = self._instance(database)
        if "MasterUserSecret" not in found:
            raise Broken(f"RDS keeps no master password of {database}", hint="run pulumi up on the environment")
        return str(found["MasterUserSecret"]["SecretArn"])

    def group(self, database: str) -> str:
        """The security group that says who reaches the instance."""
        return str(self._instance(database)["VpcSecurityGroups"][0]["VpcSecurityGroupId"])

    def _create(self, order: SnapshotOrder, name: str) -> None:
        with aws_call(f"snapshot the database {order.database}"):
            self._client.create_db_snapshot(
                DBInstanceIdentifier=order.database,
                DBSnapshotIdentifier=name,
                Tags=[{"Key": key, "Value": value} for key, value in order.tags.items()],
            )

    def _made_before(self, order: SnapshotOrder, code: str) -> str | None:
        """The snapshot that this deployment has already, where a refusal may come from it.

        It keeps its database busy while it is made, and takes the last place of the quota: which refusal comes first
        is AWS's choice.
        """
        if code not in (BUSY, TAKEN, NO_ROOM):
            return None
        made = self._listed(f"look at the snapshots of {order.database}", DBInstanceIdentifier=order.database)
        usable = [one for one in made if one.is_of(order) and one.status in USABLE]
        return min(usable, key=lambda one: USABLE.index(one.status)).name if usable else None

    def _explained(self, error: Broken, order: SnapshotOrder) -> Broken:
        """The refusal with what helps."""
        code = aws_code(error)
        if code == NO_ROOM:
            error.hint = make_room(order.tags.get("project", ""), order.tags.get("environment", ""))
        if code != BUSY:
            return error
        status = str(self._instance(order.database)["DBInstanceStatus"])
        what = f"the database {order.database} is {status}: RDS takes no snapshot of it"
        return Broken(what, hint=HOPELESS[status]) if status in HOPELESS else DatabaseBusy(what)

    def _looks(self) -> Iterator[None]:
        """One look after the other, with growing pauses between them, until the time is up."""
        end, (pause, longest) = self._ticks() + SNAPSHOT_LIMIT, POLL
        while True:
            INTERRUPTION.check()
            yield
            left = end - self._ticks()
            if left <= 0:
                return
            self._pause(min(pause, left))
            pause = min(pause * 2, longest)

    def _listed(self, doing: str, **of: str) -> Iterator[Snapshot]:
        with aws_call(doing):
            for page in self._client.get_paginator("describe_db_snapshots").paginate(SnapshotType="manual", **of):
                yield from map(_snapshot, page["DBSnapshots"])

    def _status(self, snapshot: str) -> str:
        with aws_call(f"look at the snapshot {snapshot}"):
            answer = self._client.describe_db_snapshots(DBSnapshotIdentifier=snapshot)
        return str(answer["DBSnapshots"][0]["Status"])

    def _instance(self, database: str) -> dict[str, Any]:
        with aws_call(f"look at the database {database}"):
            found: dict[str, Any] = self._client.describe_db_instances(DBInstanceIdentifier=database)["DBInstances"][0]
        return found

    @property
    def _client(self) -> Any:
        return self._session.client("rds")


def make_room(project: str, environment: str) -> str:
    """What to do where the account has too many snapshots, and who may."""
    verb = f"release prune {environment} --only snapshots --yes"
    return f"make room with: {verb}, in the role {project}-{environment}-pruner; or ask AWS for a higher quota"


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in range(2, MOST_NAMES + 1))


def _snapshot(told: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        name=told["DBSnapshotIdentifier"],
        database=told["DBInstanceIdentifier"],
        created=told.get("SnapshotCreateTime"),
        status=told.get("Status", "unknown"),
        size_gb=int(told.get("AllocatedStorage", 0)),
        tags={tag["Key"]: tag["Value"] for tag in told.get("TagList", ())},
    )
