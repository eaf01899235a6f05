"""The contract of the in-memory AWS: each behaviour is run against its own clients, against boto3's while they are
answered by it, and against moto, through the genuine doors.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from release.doors.aws.bucket import Bucket
from release.doors.aws.databases import Databases, SnapshotOrder
from release.doors.aws.keys import SigningKey
from release.doors.aws.parts import encoded
from release.doors.aws.table import LedgerTable, Write
from release.process.canonical import sha256_hex
from release.process.errors import Broken
from release.process.signature import sign_document, verify_document
from tests.release.clients import answering
from tests.release.crash.memory import ACCOUNT, Cloud, MemorySession
from tests.release.world import make_key, shared_session
from tests.there import there

BUCKETS = ("one-bucket", "other-bucket")
ALIAS = "alias/signing"
DIGEST = sha256_hex(b"bytes")


@dataclass(frozen=True)
class Doors:
    """The doors that lead to one AWS."""

    table: LedgerTable
    bucket: Bucket
    other: Bucket
    key: SigningKey
    databases: Databases
    missing: LedgerTable
    session: Any


@pytest.fixture(params=["in memory", "boto3 in memory", "moto"])
def doors(request: pytest.FixtureRequest) -> Iterator[Doors]:
    with ExitStack() as ended:
        session = _memory() if request.param == "in memory" else _boto3(request, ended)
        yield Doors(
            session=session,
            table=LedgerTable(session, "ledger"),
            bucket=Bucket(session, BUCKETS[0]),
            other=Bucket(session, BUCKETS[1]),
            key=SigningKey(session, ALIAS),
            databases=Databases(session),
            missing=LedgerTable(session, "no-ledger"),
        )


def _memory() -> Any:
    return MemorySession(Cloud(tables={"ledger": {}}, buckets={name: {} for name in BUCKETS}, keys=(ALIAS,)))


def _boto3(request: pytest.FixtureRequest, ended: ExitStack) -> Any:
    request.getfixturevalue("aws")
    if request.param != "moto":
        ended.enter_context(answering(Cloud()))
    session = shared_session(ACCOUNT, "eu-central-1")
    LedgerTable(session, "ledger").create({})
    place = {"LocationConstraint": "eu-central-1"}
    for name in BUCKETS:
        session.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    make_key(session, ALIAS)
    session.client("rds").create_db_instance(
        DBInstanceIdentifier="db-1", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20
    )
    return session


def put(kind: str, body: str, condition: str = "attribute_not_exists(body)", **more: Any) -> Write:
    return Write(kind=kind, body=body, condition=condition, **{"values": {}, **more})


def test_an_item_that_must_be_new_is_written_once(doors: Doors) -> None:
    assert doors.table.write_together([put("EVENT", "a", seq=1, nonce="n")])
    assert not doors.table.write_together([put("EVENT", "b", seq=1)])
    item = there(doors.table.get("EVENT", 1))
    assert (item.body, item.nonce, item.seq) == ("a", "n", 1)


def test_what_was_never_written_is_none(doors: Doors) -> None:
    assert doors.table.get("HEAD") is None


def test_one_condition_that_does_not_hold_keeps_every_item_out(doors: Doors) -> None:
    doors.table.write_together([put("HEAD", "a", nonce="n1", fence=1)])
    stale = {"values": {":nonce": "n0", ":fence": 1}, "nonce": "n2", "fence": 2}
    together = [put("EVENT", "e", seq=2), put("HEAD", "b", "nonce = :nonce AND fence = :fence", **stale)]
    assert not doors.table.write_together(together)
    assert (doors.table.get("EVENT", 2), there(doors.table.get("HEAD")).body) == (None, "a")


@pytest.mark.parametrize(
    ("values", "written"),
    [
        pytest.param({":nonce": "n1", ":fence": 1}, True, id="as-read"),
        pytest.param({":nonce": "n1", ":fence": 2}, False, id="other-fence"),
        pytest.param({":nonce": "other", ":fence": 1}, False, id="other-nonce"),
    ],
)
def test_head_is_replaced_only_as_it_was_read(doors: Doors, values: dict[str, int | str], written: bool) -> None:
    doors.table.write_together([put("HEAD", "a", nonce="n1", fence=1)])
    after = put("HEAD", "b", "nonce = :nonce AND fence = :fence", values=values, nonce="n2", fence=1)
    assert doors.table.write_together([after]) is written
    assert there(doors.table.get("HEAD")).body == ("b" if written else "a")


@pytest.mark.parametrize(
    ("condition", "values", "written"),
    [
        pytest.param("body = :lease", {":lease": "old"}, True, id="same-body"),
        pytest.param("body = :lease", {":lease": "another"}, False, id="other-body"),
        pytest.param("fence = :fence", {":fence": 3}, True, id="same-fence"),
        pytest.param("fence = :fence", {":fence": 4}, False, id="other-fence"),
        pytest.param("NOT body > :before", {":before": "a"}, False, id="a-body"),
        pytest.param("NOT body > :before", {":before": "z"}, True, id="no-more-than"),
    ],
)
def test_a_lease_is_replaced_on_its_condition(
    doors: Doors, condition: str, values: dict[str, int | str], written: bool
) -> None:
    doors.table.write_together([put("LEASE", "old", fence=3)])
    assert doors.table.write_together([put("LEASE", "new", condition, values=values, fence=3)]) is written


def test_a_condition_on_what_is_not_there_does_not_hold(doors: Doors) -> None:
    assert not doors.table.write_together([put("LEASE", "new", "fence = :fence", values={":fence": 0})])


def test_events_come_in_the_order_of_their_numbers(doors: Doors) -> None:
    for seq in (10, 2, 9):
        doors.table.write_together([put("EVENT", str(seq), seq=seq)])
    assert [item.body for item in doors.table.events()] == ["2", "9", "10"]
    assert [item.body for item in doors.table.events(newest_first=True)] == ["10", "9", "2"]


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
def test_items_come_all_in_pages_of_any_size_from_a_number_on(doors: Doors, newest_first: bool) -> None:
    for seq in range(5):
        doors.table.write_together([put("EVENT", str(seq), seq=seq)])
    found = [item.body for item in doors.table.items("EVENT", first=1, size=2, newest_first=newest_first)]
    assert found == (["4", "3", "2", "1"] if newest_first else ["1", "2", "3", "4"])


def test_what_is_written_by_hand_is_there_and_what_is_deleted_by_hand_is_gone(doors: Doors) -> None:
    client, key = doors.session.client("dynamodb"), {"kind": {"S": "EVENT"}, "seq": {"N": "7"}}
    client.put_item(TableName="ledger", Item={**key, "body": {"S": "by hand"}})
    assert there(doors.table.get("EVENT", 7)).body == "by hand"
    assert client.scan(TableName="ledger")["Items"] == [{**key, "body": {"S": "by hand"}}]
    client.delete_item(TableName="ledger", Key=key)
    assert doors.table.get("EVENT", 7) is None


def test_a_table_is_made_once_and_is_gone_when_it_was_deleted(doors: Doors) -> None:
    assert (doors.table.exists(), doors.missing.exists()) == (True, False)
    with pytest.raises(Broken, match="ResourceInUseException"):
        doors.table.create({})
    client = doors.session.client("dynamodb")
    client.update_table(TableName="ledger", DeletionProtectionEnabled=False)
    client.delete_table(TableName="ledger")
    assert not doors.table.exists()


def test_a_table_that_is_not_there_is_told_as_such(doors: Doors) -> None:
    with pytest.raises(Broken, match="ResourceNotFoundException"):
        doors.missing.get("HEAD")


def test_an_object_is_written_once_and_keeps_its_first_bytes(doors: Doors) -> None:
    assert doors.bucket.put_new("a", b"first")
    assert not doors.bucket.put_new("a", b"second")
    assert (doors.bucket.get("a"), doors.bucket.get("b")) == (b"first", None)


def test_an_object_that_was_removed_is_gone_and_removing_it_again_changes_nothing(doors: Doors) -> None:
    doors.bucket.put_new("a", b"first")
    doors.bucket.put_new("ab", b"another")
    for _ in range(2):
        doors.bucket.remove("a")
        assert doors.bucket.keys("") == ("ab",)


def test_whoever_writes_by_hand_may_write_over_an_object_and_gets_a_checksum_when_asked_for(doors: Doors) -> None:
    doors.bucket.put_new("a", b"first")
    s3 = doors.session.client("s3")
    s3.put_object(Bucket=BUCKETS[0], Key="a", Body=b"bytes", ChecksumAlgorithm="SHA256")
    assert (doors.bucket.get("a"), doors.bucket.checksum("a")) == (b"bytes", encoded(DIGEST))
    s3.delete_object(Bucket=BUCKETS[0], Key="a")
    assert doors.bucket.get("a") is None


def test_a_bucket_is_there_until_it_was_deleted(doors: Doors) -> None:
    assert doors.bucket.exists()
    doors.session.client("s3").delete_bucket(Bucket=BUCKETS[0])
    assert not doors.bucket.exists()
    with pytest.raises(Broken, match="NoSuchBucket"):
        doors.bucket.put_new("a", b"")


def test_an_uploaded_file_keeps_its_checksum(doors: Doors, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    assert doors.bucket.upload_new("a", path, DIGEST, None)
    assert not doors.bucket.upload_new("a", path, DIGEST, None)
    assert doors.bucket.checksum("a") == encoded(DIGEST)
    assert doors.bucket.checksum("b") is None


def test_a_copy_has_the_same_bytes_and_checksum_and_is_made_once(doors: Doors, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    doors.bucket.upload_new("a", path, DIGEST, None)
    assert doors.other.copy_new_from(doors.bucket, "a", DIGEST, None)
    assert not doors.other.copy_new_from(doors.bucket, "a", DIGEST, None)
    assert (doors.other.get("a"), doors.other.checksum("a")) == (b"bytes", encoded(DIGEST))


def test_keys_are_listed_below_a_prefix_in_order(doors: Doors) -> None:
    for key in ("x/b", "y/c", "x/a"):
        doors.bucket.put_new(key, b"")
    assert doors.bucket.keys("x/") == ("x/a", "x/b")


def test_a_signature_is_verified_with_the_public_key(doors: Doors) -> None:
    signed = sign_document({"a": 1}, kind="manifest", environment="dev", key_name=ALIAS, sign=doors.key.sign)
    public = doors.key.public_key()
    assert verify_document(signed, kind="manifest", environment="dev", public_key=public) == {"a": 1}


def test_a_snapshot_that_was_asked_for_is_not_asked_for_twice_and_is_available(doors: Doors) -> None:
    tags = {"project": "stageline", "environment": "dev", "deployment": "d-1"}
    order = SnapshotOrder(database="db-1", name="snapshot-1", tags=tags)
    started = doors.databases.start_snapshot(order)
    assert doors.databases.start_snapshot(order) == started == "snapshot-1"
    assert doors.databases.wait_for_snapshot(order, started) == started
    assert [one.name for one in doors.databases.manual_snapshots()] == ["snapshot-1"]
