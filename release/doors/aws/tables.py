"""DynamoDB tables that outlive mistakes: encrypted, with deletion protection and point-in-time recovery."""

import time
from collections.abc import Mapping
from typing import Any

from release.doors.aws.session import AwsSession, aws_call, aws_code, is_not_found
from release.process.errors import Broken

KEY_TYPES = ("HASH", "RANGE")  # of the first key and of the second one
PROTECT_ATTEMPTS, PROTECT_PAUSE = 30, 2.0  # a new table refuses point-in-time recovery for a while


def table_exists(client: Any, name: str, what: str) -> bool:
    """Whether a table is there; ``what`` is its name for people."""
    try:
        with aws_call(f"look for {what}"):
            client.describe_table(TableName=name)
    except Broken as error:
        if is_not_found(error):
            return False
        raise
    return True


def create_table(client: Any, name: str, what: str, keys: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Make a table with these keys (by name: ``S`` or ``N``), and wait until it is active."""
    with aws_call(f"create {what}"):
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, KEY_TYPES, strict=False)
            ],  # a table may have one key only
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
            SSESpecification={"Enabled": True},
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def protect(session: AwsSession, name: str) -> None:
    """Turn on a table's point-in-time recovery; one that has just become active refuses it for a while."""
    for attempt in range(PROTECT_ATTEMPTS):
        try:
            with aws_call(f"protect {name}"):
                session.client("dynamodb").update_continuous_backups(
                    TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
                )
                return
        except Broken as error:
            if aws_code(error) != "ContinuousBackupsUnavailableException" or attempt == PROTECT_ATTEMPTS - 1:
                raise
        time.sleep(PROTECT_PAUSE)
