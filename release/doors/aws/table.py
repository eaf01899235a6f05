"""The ledger's DynamoDB table: items of several kinds, like HEAD and EVENT, written only together and on conditions.

Key: ``kind`` (string) and ``seq`` (number, 0 where there is one of a kind). ``body`` is the value as canonical JSON;
what a condition looks at (``fence``, ``nonce``) stands beside it as an attribute of its own.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.doors.aws.tables import create_table, protect, table_exists
from release.process.errors import Broken

ATTEMPTS = 5  # for a transaction that AWS cancelled for another reason than its conditions
FIRST_PAUSE = 0.05  # seconds, doubled each time, with jitter


@dataclass(frozen=True, kw_only=True)
class Write:
    """One item to put, and the condition under which it may be put (``:name`` values are numbers or strings).

    Without a condition it is put whatever stands there: another item of the same transaction has one.
    """

    kind: str
    body: str
    seq: int = 0
    fence: int = 0
    nonce: str = ""
    condition: str
    values: dict[str, int | str]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item as it stands in the table."""

    seq: int
    body: str
    nonce: str
    fence: int


class LedgerTable:
    """The table of one environment; ``hasty`` calls give up within seconds, for what is tried again soon anyway."""

    def __init__(self, session: AwsSession, name: str, *, hasty: bool = False) -> None:
        self.name = name
        self._session = session
        self._hasty = hasty

    @property
    def region(self) -> str:
        """Where it is looked for."""
        return self._session.region

    def exists(self) -> bool:
        """Whether the table is there."""
        return table_exists(self._client, self.name, f"the ledger {self.name}")

    def create(self, tags: dict[str, str]) -> None:
        """Make the table with point-in-time recovery and deletion protection, and wait until it is active."""
        create_table(self._client, self.name, f"the ledger {self.name}", {"kind": "S", "seq": "N"}, tags)

    def protect(self) -> None:
        """Turn on point-in-time recovery."""
        protect(self._session, self.name)

    def get(self, kind: str, seq: int = 0) -> Item | None:
        """One item, read consistently; None when there is none."""
        key = {"kind": {"S": kind}, "seq": {"N": str(seq)}}
        with aws_call(f"read {kind} of the ledger {self.name}"):
            answer = self._client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        found = answer.get("Item")
        return _item(found) if found else None

    def events(self, *, newest_first: bool = False) -> Iterator[Item]:
        """The events, page by page."""
        return self.items("EVENT", newest_first=newest_first)

    def items(
        self, kind: str, *, newest_first: bool = False, first: int = 0, size: int | None = None
    ) -> Iterator[Item]:
        """The items of a kind from number ``first`` on, in the order of their numbers, in pages of ``size``."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression="kind = :kind AND seq >= :first",
            ExpressionAttributeValues={":kind": {"S": kind}, ":first": {"N": str(first)}},
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
            PaginationConfig={"PageSize": size},
        )
        with aws_call(f"read {kind} of the ledger {self.name}"):
            for page in pages:
                yield from map(_item, page["Items"])

    def write_together(self, writes: list[Write]) -> bool:
        """Put all items or none; False when a condition did not hold (which a retried write of our own also gives).

        A transaction cancelled because it met another one, or was throttled, is tried again a few times.
        """
        items = [{"Put": self._put(write)} for write in writes]
        for attempt in range(ATTEMPTS):
            try:
                with aws_call(f"write to the ledger {self.name}"):
                    self._client.transact_write_items(TransactItems=items)
                    return True
            except Broken as error:
                reasons = cancellation_reasons(error)
                if "ConditionalCheckFailed" in reasons:
                    return False
                if not reasons or attempt == ATTEMPTS - 1:
                    raise
            time.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.5))
        return False

    def _put(self, write: Write) -> dict[str, Any]:
        item = {
            "kind": {"S": write.kind},
            "seq": {"N": str(write.seq)},
            "fence": {"N": str(write.fence)},
            "nonce": {"S": write.nonce},
            "body": {"S": write.body},
        }
        put: dict[str, Any] = {"TableName": self.name, "Item": item}
        if write.condition:
            put["ConditionExpression"] = write.condition
        if write.values:
            put["ExpressionAttributeValues"] = {name: _value(value) for name, value in write.values.items()}
        return put

    @property
    def _client(self) -> Any:
        return self._session.hasty_client("dynamodb") if self._hasty else self._session.client("dynamodb")


def cancellation_reasons(error: Broken) -> set[str]:
    """Why AWS cancelled a transaction; empty when it failed in another way."""
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return set()
    reasons = cause.response.get("CancellationReasons") or []
    codes = {str(reason.get("Code")) for reason in reasons} - {"None"}
    return codes or ({aws_code(error)} & {"TransactionCanceledException", "TransactionConflictException"})


def _item(attributes: dict[str, Any]) -> Item:
    """What somebody took away by hand is empty here, so that an audit can tell of it."""
    return Item(
        seq=int(attributes["seq"]["N"]),
        body=attributes.get("body", {}).get("S", ""),
        nonce=attributes.get("nonce", {}).get("S", ""),
        fence=_whole(attributes.get("fence", {}).get("N", "")),
    )


def _whole(text: str) -> int:
    """A number that is one of ours; what is none stands for nothing."""
    return int(text) if text.isascii() and text.isdigit() else 0


def _value(value: int | str) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": value}
