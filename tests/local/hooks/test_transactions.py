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
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from local.hooks.transactions import install_transactions
from tests.aws_clients import aws_client

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


def test_a_write_during_a_failing_transaction_is_kept(
    dynamodb: Any, fixed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_while_another_writes(dynamodb, monkeypatch)
    assert value(dynamodb, "other") == "acknowledged"


def test_without_the_fix_that_write_is_lost(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_while_another_writes(dynamodb, monkeypatch)
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


def test_a_transaction_copies_only_the_items_it_touches(
    dynamodb: Any, fixed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        dynamodb.put_item(TableName="ledger", Item={**key(f"event-{number}"), "v": {"S": "x"}})
    sizes = copied_tables(monkeypatch)
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


def fail_while_another_writes(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction whose condition fails; while it is judged, another thread writes (or waits until it may)."""
    other = Thread(
        target=dynamodb.put_item, kwargs={"TableName": "ledger", "Item": {**key("other"), "v": {"S": "acknowledged"}}}
    )
    look = Table.get_item

    def look_slowly(table: Table, *args: Any) -> Any:
        monkeypatch.setattr(Table, "get_item", look)
        other.start()
        other.join(timeout=0.5)
        return look(table, *args)

    monkeypatch.setattr(Table, "get_item", look_slowly)
    assert not written(dynamodb, put("mine", "x", ConditionExpression="attribute_exists(pk)"))
    other.join()


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


def copied_tables(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of items of each table that is copied from now on."""
    sizes: list[int] = []
    deepcopy = copy.deepcopy

    def counting(thing: Any, *args: Any) -> Any:
        if isinstance(thing, Table):
            sizes.append(len(thing.items))
        return deepcopy(thing, *args)

    monkeypatch.setattr(copy, "deepcopy", counting)
    return sizes
