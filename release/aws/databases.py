"""RDS: snapshots of an environment's database, and where its master password is."""

import time
from typing import Any

from release.aws.session import AwsSession, aws_call, aws_code
from release.deployment.interruption import INTERRUPTION
from release.errors import Broken

SNAPSHOT_LIMIT = 25 * 60  # seconds
POLL = 0.5, 15.0  # seconds: the first pause between two looks, and the longest


class Databases:
    """What ``release`` asks of RDS: the snapshots before a deployment, and the secret of the master user."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def start_snapshot(self, database: str, snapshot: str, tags: dict[str, str]) -> None:
        """Ask for a snapshot of the instance ``database``; one that was asked for before is not asked for twice."""
        try:
            with aws_call(f"snapshot the database {database}"):
                self._client.create_db_snapshot(
                    DBInstanceIdentifier=database,
                    DBSnapshotIdentifier=snapshot,
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                )
        except Broken as error:
            if aws_code(error) != "DBSnapshotAlreadyExists":
                raise

    def wait_for_snapshot(self, snapshot: str, limit: float = SNAPSHOT_LIMIT) -> None:
        """Return when the snapshot is available; Broken when it failed or ``limit`` seconds went by."""
        end, (pause, longest) = time.monotonic() + limit, POLL
        while (status := self._status(snapshot)) != "available":
            if status == "failed" or time.monotonic() > end:
                raise Broken(
                    f"the snapshot {snapshot} is {status} after {limit:.0f} s at most",
                    hint="the deployment was not started; look at the database in the RDS console",
                )
            INTERRUPTION.check()
            time.sleep(pause)
            pause = min(pause * 2, longest)

    def master_secret(self, database: str) -> str:
        """The ARN of the secret in which RDS keeps the master user's password."""
        with aws_call(f"look at the database {database}"):
            found = self._client.describe_db_instances(DBInstanceIdentifier=database)["DBInstances"][0]
        if "MasterUserSecret" not in found:
            raise Broken(f"RDS keeps no master password of {database}", hint="run pulumi up on the environment")
        return str(found["MasterUserSecret"]["SecretArn"])

    def _status(self, snapshot: str) -> str:
        with aws_call(f"look at the snapshot {snapshot}"):
            answer = self._client.describe_db_snapshots(DBSnapshotIdentifier=snapshot)
        return str(answer["DBSnapshots"][0]["Status"])

    @property
    def _client(self) -> Any:
        return self._session.client("rds")
