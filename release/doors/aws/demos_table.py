"""The DynamoDB table of a project's demos: an item for each, by its stack. Every write states what it found.

Without `version` nothing would tell two writers apart; by the `nonce` a writer whose reply was lost knows its own item.
"""

from dataclasses import dataclass
from typing import Any

from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.doors.aws.tables import create_table, protect, table_exists
from release.process.errors import Broken

LOST = "ConditionalCheckFailedException"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An item: `body` is the demo as JSON, `version` counts its writes from 1."""

    stack: str
    body: str
    version: int
    nonce: str


class DemosTable:
    """The table of one account and region."""

    def __init__(self, session: AwsSession, name: str) -> None:
        self.name = name
        self._session = session

    def ensure(self, tags: dict[str, str]) -> bool:
        """Make the table unless it is there, with point-in-time recovery and deletion protection; whether it was made.

        It is of the project, so no tag may name an environment.
        """
        made = not table_exists(self._client, self.name, self.name)
        if made:
            create_table(self._client, self.name, self.name, {"stack": "S"}, tags)
        protect(self._session, self.name)
        return made

    def get(self, stack: str) -> Kept | None:
        """One item, read consistently; None when there is none."""
        with aws_call(f"read {stack} of {self.name}"):
            answer = self._client.get_item(TableName=self.name, Key=_key(stack), ConsistentRead=True)
        return _kept(answer["Item"]) if "Item" in answer else None

    def all(self) -> tuple[Kept, ...]:
        """Every item, read consistently."""
        pages = self._client.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        with aws_call(f"read {self.name}"):
            return tuple(_kept(item) for page in pages for item in page["Items"])

    def put(self, kept: Kept) -> bool:
        """Write an item after the one of the version before, the first one where there is none; False where there is
        another. A retried write of our own counts as written.
        """
        before = {":before": {"N": str(kept.version - 1)}}
        found = "attribute_not_exists(stack)" if kept.version == 1 else "version = :before"
        given = {} if kept.version == 1 else {"ExpressionAttributeValues": before}
        item = {**_key(kept.stack), "body": {"S": kept.body}, "nonce": {"S": kept.nonce}}
        try:
            with aws_call(f"write {kept.stack} to {self.name}"):
                self._client.put_item(
                    TableName=self.name,
                    Item={**item, "version": {"N": str(kept.version)}},
                    ConditionExpression=found,
                    **given,
                )
        except Broken as error:
            if aws_code(error) != LOST:
                raise
            return self.get(kept.stack) == kept
        return True

    def remove(self, kept: Kept) -> bool:
        """Delete an item that is still this one; False where it is another by now. One that is gone is deleted."""
        try:
            with aws_call(f"delete {kept.stack} of {self.name}"):
                self._client.delete_item(
                    TableName=self.name,
                    Key=_key(kept.stack),
                    ConditionExpression="version = :version",
                    ExpressionAttributeValues={":version": {"N": str(kept.version)}},
                )
        except Broken as error:
            if aws_code(error) != LOST:
                raise
            return self.get(kept.stack) is None
        return True

    @property
    def _client(self) -> Any:
        return self._session.client("dynamodb")


def _key(stack: str) -> dict[str, Any]:
    return {"stack": {"S": stack}}


def _kept(item: dict[str, Any]) -> Kept:
    """What somebody took away by hand is empty here: reading the body tells of it."""
    return Kept(
        stack=item["stack"]["S"],
        body=item.get("body", {}).get("S", ""),
        version=int(item.get("version", {}).get("N", "0")),
        nonce=item.get("nonce", {}).get("S", ""),
    )
