"""AWS in memory: the few calls of DynamoDB, S3, KMS, RDS and STS that a deployment makes, answered at once.

The doors of ``release.doors.aws`` are the genuine ones; only boto3's clients below them are made by hand here, with
AWS's conditions and error codes. ``test_memory`` runs every behaviour against these and against moto, so that none of
them can promise what AWS does not.

Everything that goes out passes ``Points``: each call is seen just before it acts and just after it acted.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ACCOUNT = "123456789012"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/ops"
T = TypeVar("T")

Row = dict[str, dict[str, str]]


class Points:
    """The points of a process at which it can be stopped, by name; ``visit`` is told of each as it is passed."""

    def __init__(self, visit: Callable[[str], None] = lambda point: None) -> None:
        self.names: list[str] = []
        self._visit = visit

    def passed(self, name: str) -> None:
        """The process is here."""
        self.names.append(name)
        self._visit(name)

    def call(self, name: str, act: Callable[[], T]) -> T:
        """Do something outside of the process: with a point before it, and one after it whose answer is not read."""
        self.passed(f"before {name}")
        answer = act()
        self.passed(f"after {name}")
        return answer


@dataclass(frozen=True)
class Stored:
    """An object of S3: its bytes, and the SHA-256 (base 64) that S3 keeps when it was told to."""

    body: bytes
    checksum: str | None


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of RDS: of which database, how it went, and its tags as RDS tells them."""

    database: str
    status: str
    tags: tuple[dict[str, str], ...]


@dataclass
class Cloud:
    """What AWS keeps. Rows, objects and snapshots are never changed in place: a copy of the dicts is a copy of all."""

    tables: dict[str, dict[tuple[str, int], Row]] = field(default_factory=dict)
    buckets: dict[str, dict[str, Stored]] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    snapshots_fail: bool = False
    writes_fail: bool = False  # of the ledger, for as long as its table is throttled

    def copy(self) -> "Cloud":
        return Cloud(
            tables={name: dict(rows) for name, rows in self.tables.items()},
            buckets={name: dict(objects) for name, objects in self.buckets.items()},
            keys=self.keys,
            snapshots=dict(self.snapshots),
            snapshots_fail=self.snapshots_fail,
            writes_fail=self.writes_fail,
        )


class MemorySession:
    """An ``AwsSession`` whose clients are the ones below."""

    def __init__(self, cloud: Cloud, points: Points | None = None) -> None:
        self.account = ACCOUNT
        points = points or Points()
        makers = {"dynamodb": DynamoDb, "s3": S3, "kms": Kms, "rds": Rds}
        self._clients = {service: make(cloud, points) for service, make in makers.items()}

    def client(self, service: str) -> Any:
        return self._clients[service]

    def caller(self) -> str:
        return CALLER


class DynamoDb:
    """Items by kind and number; written together, each on its condition."""

    def __init__(self, cloud: Cloud, points: Points) -> None:
        self._cloud = cloud
        self._points = points

    def create_table(self, *, TableName: str, **_: Any) -> dict[str, Any]:
        if TableName in self._cloud.tables:
            raise _error("ResourceInUseException", "CreateTable")
        self._cloud.tables[TableName] = {}
        return {}

    def describe_table(self, *, TableName: str) -> dict[str, Any]:
        self._table(TableName, "DescribeTable")
        return {"Table": {"TableStatus": "ACTIVE"}}

    def update_table(self, *, TableName: str, **_: Any) -> dict[str, Any]:
        return self.describe_table(TableName=TableName)

    def update_continuous_backups(self, *, TableName: str, **_: Any) -> dict[str, Any]:
        return self.describe_table(TableName=TableName)

    def delete_table(self, *, TableName: str) -> dict[str, Any]:
        self._table(TableName, "DeleteTable")
        del self._cloud.tables[TableName]
        return {}

    def get_item(self, *, TableName: str, Key: Row, ConsistentRead: bool = False) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            found = self._table(TableName, "GetItem").get(_row_key(Key))
            return {"Item": found} if found else {}

        return self._points.call("dynamodb:GetItem", read)

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        return self._points.call("dynamodb:TransactWriteItems", lambda: self._put_together(TransactItems))

    def put_item(self, *, TableName: str, Item: Row) -> dict[str, Any]:
        """By hand: the ledger never writes an item alone."""
        self._table(TableName, "PutItem")[_row_key(Item)] = Item
        return {}

    def delete_item(self, *, TableName: str, Key: Row) -> dict[str, Any]:
        """By hand."""
        self._table(TableName, "DeleteItem").pop(_row_key(Key), None)
        return {}

    def scan(self, *, TableName: str, ConsistentRead: bool = False) -> dict[str, Any]:
        return {"Items": [*self._table(TableName, "Scan").values()]}

    def get_paginator(self, operation: str) -> "DynamoDb":
        assert operation == "query"
        return self

    def paginate(self, *, PaginationConfig: dict[str, Any], **asked: Any) -> Iterator[dict[str, Any]]:
        yield self.query(**asked)

    def query(
        self,
        *,
        TableName: str,
        ScanIndexForward: bool,
        ExpressionAttributeValues: Row,
        Limit: int | None = None,
        ExclusiveStartKey: Row | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        kind, first = ExpressionAttributeValues[":kind"]["S"], int(ExpressionAttributeValues[":first"]["N"])

        def read() -> dict[str, Any]:
            rows = self._table(TableName, "Query")
            places = sorted((key for key in rows if key[0] == kind and key[1] >= first), reverse=not ScanIndexForward)
            begin = places.index(_row_key(ExclusiveStartKey)) + 1 if ExclusiveStartKey else 0
            page = places[begin:][:Limit]
            more = len(places) > begin + len(page)
            last = {"LastEvaluatedKey": {name: rows[page[-1]][name] for name in ("kind", "seq")}} if more else {}
            return {"Items": [rows[place] for place in page], **last}

        return self._points.call("dynamodb:Query", read)

    def _put_together(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        if self._cloud.writes_fail:
            raise _error("ThrottlingException", "TransactWriteItems")
        puts = [item["Put"] for item in items]
        tables = [self._table(put["TableName"], "TransactWriteItems") for put in puts]
        held = [
            _holds(put.get("ConditionExpression", ""), table.get(_row_key(put["Item"])), put)
            for put, table in zip(puts, tables, strict=True)
        ]
        if not all(held):
            reasons = [{"Code": "None" if one else "ConditionalCheckFailed"} for one in held]
            raise _error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
        for put, table in zip(puts, tables, strict=True):
            table[_row_key(put["Item"])] = put["Item"]
        return {}

    def _table(self, name: str, operation: str) -> dict[tuple[str, int], Row]:
        if name not in self._cloud.tables:
            raise _error("ResourceNotFoundException", operation)
        return self._cloud.tables[name]


class S3:
    """Objects that are written once."""

    def __init__(self, cloud: Cloud, points: Points) -> None:
        self._cloud = cloud
        self._points = points

    def create_bucket(self, *, Bucket: str, **_: Any) -> dict[str, Any]:
        assert Bucket not in self._cloud.buckets
        self._cloud.buckets[Bucket] = {}
        return {}

    def head_bucket(self, *, Bucket: str) -> dict[str, Any]:
        if Bucket not in self._cloud.buckets:
            raise _error("404", "HeadBucket")
        return {}

    def delete_bucket(self, *, Bucket: str) -> dict[str, Any]:
        assert self._bucket(Bucket, "DeleteBucket") == {}
        del self._cloud.buckets[Bucket]
        return {}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: Any,
        IfNoneMatch: str = "",
        ChecksumSHA256: str | None = None,
        ChecksumAlgorithm: str = "",
        **_: Any,
    ) -> dict[str, Any]:
        def write() -> dict[str, Any]:
            body = Body if isinstance(Body, bytes) else Body.read()
            checksum = ChecksumSHA256 or (_sha256(body) if ChecksumAlgorithm == "SHA256" else None)
            return self._write(Bucket, Key, Stored(body, checksum), "PutObject", is_new=bool(IfNoneMatch))

        return self._points.call("s3:PutObject", write)

    def copy_object(
        self, *, Bucket: str, Key: str, CopySource: dict[str, str], IfNoneMatch: str = "", **_: Any
    ) -> dict[str, Any]:
        def copy() -> dict[str, Any]:
            origin = self._object(CopySource["Bucket"], CopySource["Key"], "NoSuchKey", "CopyObject")
            copied = Stored(origin.body, _sha256(origin.body))
            return self._write(Bucket, Key, copied, "CopyObject", is_new=bool(IfNoneMatch))

        return self._points.call("s3:CopyObject", copy)

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            return {"Body": io.BytesIO(self._object(Bucket, Key, "NoSuchKey", "GetObject").body)}

        return self._points.call("s3:GetObject", read)

    def head_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            found = self._object(Bucket, Key, "404", "HeadObject")
            checksum = {"ChecksumSHA256": found.checksum} if found.checksum else {}
            return {"ContentLength": len(found.body), **checksum}

        return self._points.call("s3:HeadObject", read)

    def delete_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        """By hand. Nothing here has versions."""
        self._bucket(Bucket, "DeleteObject").pop(Key, None)
        return {}

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any], **_: Any) -> dict[str, Any]:
        for one in Delete["Objects"]:
            self.delete_object(Bucket=Bucket, Key=one["Key"])
        return {}

    def get_paginator(self, operation: str) -> "_Whole":
        listings = {"list_objects_v2": self.list_objects_v2, "list_object_versions": self.list_object_versions}
        return _Whole(listings[operation])

    def list_objects_v2(self, *, Bucket: str, Prefix: str = "", **_: Any) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            keys = sorted(key for key in self._bucket(Bucket, "ListObjectsV2") if key.startswith(Prefix))
            return {"Contents": [{"Key": key} for key in keys]} if keys else {}

        return self._points.call("s3:ListObjectsV2", read)

    def list_object_versions(self, *, Bucket: str, Prefix: str = "", **_: Any) -> dict[str, Any]:
        keys = sorted(key for key in self._bucket(Bucket, "ListObjectVersions") if key.startswith(Prefix))
        return {"Versions": [{"Key": key, "VersionId": "null"} for key in keys]}

    def _write(self, bucket: str, key: str, stored: Stored, operation: str, *, is_new: bool) -> dict[str, Any]:
        objects = self._bucket(bucket, operation)
        if is_new and key in objects:
            raise _error("PreconditionFailed", operation)
        objects[key] = stored
        return {}

    def _object(self, bucket: str, key: str, code: str, operation: str) -> Stored:
        objects = self._bucket(bucket, operation)
        if key not in objects:
            raise _error(code, operation)
        return objects[key]

    def _bucket(self, name: str, operation: str) -> dict[str, Stored]:
        if name not in self._cloud.buckets:
            raise _error("NoSuchBucket", operation)
        return self._cloud.buckets[name]


@dataclass(frozen=True)
class _Whole:
    """A paginator all of whose answers fit into one page."""

    ask: Callable[..., dict[str, Any]]

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield self.ask(**asked)


class Kms:
    """Keys that sign, by their alias."""

    def __init__(self, cloud: Cloud, points: Points) -> None:
        self._cloud = cloud
        self._points = points

    def create_key(self, **_: Any) -> dict[str, Any]:
        return {"KeyMetadata": {"KeyId": "key"}}  # what it signs with is known by its alias

    def create_alias(self, *, AliasName: str, **_: Any) -> dict[str, Any]:
        self._cloud.keys += (AliasName,)
        return {}

    def sign(self, *, KeyId: str, Message: bytes, **_: Any) -> dict[str, Any]:
        key = self._key(KeyId, "Sign")
        return self._points.call("kms:Sign", lambda: {"Signature": key.sign(Message, ec.ECDSA(hashes.SHA256()))})

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        key = self._key(KeyId, "GetPublicKey").public_key()
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return self._points.call("kms:GetPublicKey", lambda: {"PublicKey": key.public_bytes(*form)})

    def _key(self, alias: str, operation: str) -> ec.EllipticCurvePrivateKey:
        if alias not in self._cloud.keys:
            raise _error("NotFoundException", operation)
        return private_key(alias)


class Rds:
    """Snapshots that are there at once, or that failed."""

    def __init__(self, cloud: Cloud, points: Points) -> None:
        self._cloud = cloud
        self._points = points

    def create_db_snapshot(self, *, DBInstanceIdentifier: str, DBSnapshotIdentifier: str, Tags: Any) -> dict[str, Any]:
        def create() -> dict[str, Any]:
            if DBSnapshotIdentifier in self._cloud.snapshots:
                raise _error("DBSnapshotAlreadyExists", "CreateDBSnapshot")
            status = "failed" if self._cloud.snapshots_fail else "available"
            self._cloud.snapshots[DBSnapshotIdentifier] = Snapshot(DBInstanceIdentifier, status, tuple(Tags))
            return {}

        return self._points.call("rds:CreateDBSnapshot", create)

    def describe_db_snapshots(self, *, DBSnapshotIdentifier: str) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            return {"DBSnapshots": [_told(DBSnapshotIdentifier, self._cloud.snapshots[DBSnapshotIdentifier])]}

        return self._points.call("rds:DescribeDBSnapshots", read)

    def get_paginator(self, operation: str) -> "Rds":
        assert operation == "describe_db_snapshots"
        return self

    def paginate(self, *, SnapshotType: str, DBInstanceIdentifier: str | None = None) -> list[dict[str, Any]]:
        def read() -> dict[str, Any]:
            all_of_them = self._cloud.snapshots.items()
            return {
                "DBSnapshots": [
                    _told(name, one) for name, one in all_of_them if DBInstanceIdentifier in (None, one.database)
                ]
            }

        return [self._points.call("rds:DescribeDBSnapshots", read)]


def _told(name: str, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": name,
        "DBInstanceIdentifier": snapshot.database,
        "Status": snapshot.status,
        "TagList": list(snapshot.tags),
    }


@cache
def private_key(alias: str) -> ec.EllipticCurvePrivateKey:
    """The key behind an alias: one for all worlds of a process."""
    return ec.generate_private_key(ec.SECP256R1())


def _holds(condition: str, row: Row | None, put: dict[str, Any]) -> bool:
    """Whether a condition of the ledger's holds for the item as it is; what it cannot read is an error here."""
    values = put.get("ExpressionAttributeValues", {})
    return not condition or all(_clause_holds(clause, row, values) for clause in condition.split(" AND "))


def _clause_holds(clause: str, row: Row | None, values: dict[str, dict[str, str]]) -> bool:
    match clause.split(" "):
        case ["attribute_not_exists(body)"]:
            return row is None or "body" not in row
        case [name, "=", value]:
            return row is not None and row.get(name) == values[value]
        case ["NOT", "body", ">", value]:  # also where there is none
            return row is None or "body" not in row or row["body"]["S"] <= values[value]["S"]
    raise AssertionError(f"a condition that is not known here: {clause}")


def _row_key(attributes: Row) -> tuple[str, int]:
    return attributes["kind"]["S"], int(attributes["seq"]["N"])


def _sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _error(code: str, operation: str, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "in memory"}, **more}
    return ClientError(answer, operation)
