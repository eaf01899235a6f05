"""What makes moto's DynamoDB safe under threads, and its transactions cheap.

moto answers each request in its own thread without any lock: of racing `TransactWriteItems` that all hold their
condition, one acknowledged write was lost. And each transaction copied its whole table, which made a ledger
slower with every event. The hook puts one re-entrant lock around the public methods of the backend and of the
request handler (which reads the items that the backend returned), and runs a transaction on a small table that
holds only the items which it touches.
"""

import copy
import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import RLock
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler

from local.hooks.replacing import replace

LOCK = RLock()

Key = tuple[DynamoType, DynamoType | None]


def install_transactions(installed: ExitStack) -> None:
    """Put the fix on moto's classes, for all accounts and regions, until `installed` is closed."""
    replace(installed, DynamoDBBackend, "transact_write_items", _touching_little)
    for name in _public_methods(DynamoDBBackend):
        replace(installed, DynamoDBBackend, name, _locked)
    replace(installed, DynamoHandler, "call_action", _locked)


def _public_methods(cls: type) -> list[str]:
    return [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and callable(value) and not isinstance(value, staticmethod)
    ]


def _locked(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with LOCK:
            return original(*args, **kwargs)

    return locked


def _touching_little(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        touched = _touched(backend, transact_items)
        if any(table.stream_shard is not None for table in touched):
            original(backend, transact_items)  # a stream refers back to its whole table: copying less would lie
            return
        _on_small_tables(backend, touched, lambda: original(backend, transact_items))

    return transact_write_items


def _on_small_tables(backend: Any, touched: dict[Any, set[Key]], run: Callable[[], None]) -> None:
    small = {table.name: _small(table, keys) for table, keys in touched.items()}
    whole, backend.tables = backend.tables, small
    try:
        run()
        results = backend.tables
    finally:
        backend.tables = whole
    for table, keys in touched.items():
        _write_back(table, results[table.name], keys)


def _touched(backend: Any, transact_items: list[dict[str, Any]]) -> dict[Any, set[Key]]:
    """The keys that the transaction names, by table. Malformed ones are left for moto to complain about."""
    touched: dict[Any, set[Key]] = {}
    for table_name, attributes in _operations(transact_items):
        table = backend.tables.get(table_name) or _by_arn(backend, table_name)
        if table:
            keys = touched.setdefault(table, set())
            keys.update(_keys(table, attributes))
    return touched


def _operations(transact_items: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in transact_items:
        for operation in item.values():
            yield operation.get("TableName", ""), operation.get("Item") or operation.get("Key") or {}


def _by_arn(backend: Any, arn: str) -> Any:
    return next((table for table in backend.tables.values() if table.table_arn == arn), None)


def _keys(table: Any, attributes: dict[str, Any]) -> Iterator[Key]:
    if all(name in attributes for name in table.table_key_attrs):
        sort = DynamoType(attributes[table.range_key_attr]) if table.has_range_key else None
        yield DynamoType(attributes[table.hash_key_attr]), sort


def _small(table: Any, keys: set[Key]) -> Any:
    """The same table with copies of only those items: moto changes items in place."""
    small = copy.copy(table)
    small.items = defaultdict(dict)
    for key in keys:
        _put(small, key, copy.deepcopy(_get(table, key)))
    return small


def _write_back(table: Any, small: Any, keys: set[Key]) -> None:
    for key in keys:
        _put(table, key, _get(small, key))


def _get(table: Any, key: Key) -> Any:
    partition, sort = key
    if sort is None:
        return table.items.get(partition)
    return table.items.get(partition, {}).get(sort)


def _put(table: Any, key: Key, item: Any) -> None:
    partition, sort = key
    if sort is None:
        _set(table.items, partition, item)
    elif item is not None or partition in table.items:
        _set(table.items[partition], sort, item)


def _set(items: Any, key: DynamoType, item: Any) -> None:
    if item is None:
        items.pop(key, None)
    else:
        items[key] = item
