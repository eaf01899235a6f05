"""Racing conditional transactions lose no acknowledged write, and copy only what they touch."""

import copy
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier, Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table

from local.hooks.transactions import install_transactions
from tests.aws_clients import REGION, aws_client

RACERS = 8
ROUNDS = 30


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns far more often, so that a race that can happen does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = aws_client("dynamodb")
        client.create_table(
            TableName="ledger",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        yield client


@pytest.fixture
def fixed() -> Iterator[None]:
    with ExitStack() as installed:
        install_transactions(installed)
        yield


def test_a_write_during_a_failing_transaction_is_kept(dynamodb: Any, fixed: None) -> None:
    fail_while_another_writes(dynamodb)
    assert value(dynamodb, "other") == "acknowledged"


def test_without_the_fix_that_write_is_lost(dynamodb: Any) -> None:
    fail_while_another_writes(dynamodb)
    assert value(dynamodb, "other") is None


def test_racing_transactions_lose_no_acknowledged_write(dynamodb: Any, quick_switches: None, fixed: None) -> None:
    acknowledged, kept = race(dynamodb)
    assert kept == acknowledged
    assert acknowledged == RACERS * ROUNDS


def test_of_racing_transactions_on_one_condition_exactly_one_wins(
    dynamodb: Any, quick_switches: None, fixed: None
) -> None:
    barrier = Barrier(RACERS)

    def take(racer: int) -> bool:
        barrier.wait()
        return written(dynamodb, put("lease", str(racer), ConditionExpression="attribute_not_exists(pk)"))

    with ThreadPoolExecutor(RACERS) as pool:
        assert sum(pool.map(take, range(RACERS))) == 1


def test_a_cancelled_transaction_leaves_every_item_as_it_was(dynamodb: Any, fixed: None) -> None:
    dynamodb.transact_write_items(TransactItems=[put("head", "1")])
    update = {
        "Update": {
            "TableName": "ledger",
            "Key": key("head"),
            "UpdateExpression": "SET v = :v",
            "ExpressionAttributeValues": {":v": {"S": "2"}},
        }
    }
    failing = put("event", "2", ConditionExpression="attribute_exists(pk)")
    with pytest.raises(ClientError, match="TransactionCanceled"):
        dynamodb.transact_write_items(TransactItems=[update, failing])
    assert value(dynamodb, "head") == "1"
    assert value(dynamodb, "event") is None


def test_a_transaction_deletes_and_updates_and_creates(dynamodb: Any, fixed: None) -> None:
    dynamodb.transact_write_items(TransactItems=[put("old", "1"), put("head", "1"), put("bystander", "1")])
    dynamodb.transact_write_items(
        TransactItems=[
            {"Delete": {"TableName": "ledger", "Key": key("old")}},
            {
                "Update": {
                    "TableName": "ledger",
                    "Key": key("head"),
                    "UpdateExpression": "SET v = :v",
                    "ExpressionAttributeValues": {":v": {"S": "2"}},
                }
            },
            put("new", "2"),
        ]
    )
    assert {name: value(dynamodb, name) for name in ("old", "head", "new", "bystander")} == {
        "old": None,
        "head": "2",
        "new": "2",
        "bystander": "1",
    }


def test_a_transaction_copies_only_the_items_it_touches(dynamodb: Any, fixed: None) -> None:
    for number in range(20):
        dynamodb.put_item(TableName="ledger", Item={**key(f"event-{number}"), "v": {"S": "x"}})
    sizes = copied_tables()
    dynamodb.transact_write_items(TransactItems=[put("event-3", "y"), put("head", "y")])
    assert sizes
    assert max(sizes) <= 2


def test_taking_the_fix_off_restores_the_original_methods(dynamodb: Any) -> None:
    before = DynamoDBBackend.transact_write_items
    with ExitStack() as installed:
        install_transactions(installed)
    assert DynamoDBBackend.transact_write_items is before


def race(dynamodb: Any) -> tuple[int, int]:
    """Racers append events, each conditional on its own absence; how many were acknowledged, how many are there.

    Each tries every write twice, because a loss happens when a failing transaction puts the table back.
    """
    barrier = Barrier(RACERS)

    def append(racer: int) -> int:
        barrier.wait()
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        return sum(written(dynamodb, put(f"{racer}-{number // 2}", "x", **condition)) for number in range(2 * ROUNDS))

    with ThreadPoolExecutor(RACERS) as pool:
        acknowledged = sum(pool.map(append, range(RACERS)))
    return acknowledged, dynamodb.scan(TableName="ledger", Select="COUNT")["Count"]


def fail_while_another_writes(dynamodb: Any) -> None:
    """A transaction whose condition fails; while it is judged, another thread writes (or waits until it may)."""
    item = {**key("other"), "v": {"S": "acknowledged"}}
    others = [Thread(target=dynamodb.put_item, kwargs={"TableName": "ledger", "Item": item})]
    started: list[Thread] = []

    class Slow(Table):  # type: ignore[misc]  # moto has no types
        def get_item(self, *args: Any) -> Any:
            if others:
                started.append(others.pop())
                started[0].start()
                started[0].join(timeout=0.5)
            return super().get_item(*args)

    ledger().__class__ = Slow
    assert not written(dynamodb, put("mine", "x", ConditionExpression="attribute_exists(pk)"))
    started[0].join()


def written(dynamodb: Any, operation: dict[str, Any]) -> bool:
    try:
        dynamodb.transact_write_items(TransactItems=[operation])
    except ClientError as error:
        assert error.response["Error"]["Code"] == "TransactionCanceledException"
        return False
    return True


def put(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "ledger", "Item": {**key(name), "v": {"S": text}}, **more}}


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "-"}}


def value(dynamodb: Any, name: str) -> str | None:
    item = dynamodb.get_item(TableName="ledger", Key=key(name)).get("Item")
    return str(item["v"]["S"]) if item else None


def copied_tables() -> list[int]:
    """The number of items of the table each time that it is copied from now on."""
    sizes: list[int] = []

    class Counted(Table):  # type: ignore[misc]  # moto has no types
        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            sizes.append(len(self.items))
            copied = copy.copy(self)
            copied.__dict__.update(copy.deepcopy(vars(self), memo))
            return copied

    ledger().__class__ = Counted
    return sizes


def ledger() -> Any:
    """The table as moto has it: a test gives this one a class of its own."""
    return dynamodb_backends[ACCOUNT_ID][REGION].tables["ledger"]
