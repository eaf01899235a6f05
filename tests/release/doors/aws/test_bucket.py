"""Objects of any size, written once: by one request, or from parts, and copied without passing through this machine."""

import hashlib
import io
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.s3.responses import S3Response

from local.hooks.replacing import replace
from release.doors.aws.bucket import Bucket
from release.doors.aws.multipart import Slice
from release.doors.aws.parts import Parts, encoded, over, parts, parts_of
from release.process.errors import Broken, Refused
from tests.release.world import shared_session

PART = 5 * 1024**2  # the least that S3 takes, but for the last one
SIZE = 2 * PART + 1000
KEY = "artifacts/large"
ACCOUNT, REGION = "123456789012", "eu-central-1"


@pytest.fixture
def source(aws: None) -> Bucket:
    return made("source")


@pytest.fixture
def target(aws: None) -> Bucket:
    return made("target")


def made(name: str) -> Bucket:
    client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Bucket(shared_session(ACCOUNT, REGION), name)


def client() -> Any:
    return shared_session(ACCOUNT, REGION).client("s3")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that goes in three parts, the last one short."""
    path = tmp_path / "large"
    path.write_bytes(random.Random(6).randbytes(SIZE))
    return path


@pytest.fixture
def sent(aws: None) -> Iterator[list[tuple[str, int]]]:
    """Every call to S3 from here on, with the bytes of its body."""
    calls: list[tuple[str, int]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append((model.name, length(params["body"])))

    events = client().meta.events
    events.register("before-call.s3", note, unique_id="sent")
    yield calls
    events.unregister("before-call.s3", note, unique_id="sent")


def length(body: Any) -> int:
    if isinstance(body, bytes | str):
        return len(body)
    if not hasattr(body, "seek"):
        return 0
    size: int = body.seek(0, io.SEEK_END)
    body.seek(0)
    return size


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def content(bucket: Bucket) -> bytes:
    found = bucket.get(KEY)
    assert found is not None
    return found


def unfinished(bucket: Bucket) -> list[Any]:
    return list(client().list_multipart_uploads(Bucket=bucket.name).get("Uploads", []))


class Failing:
    """S3 that answers some calls with an error, until it is mended."""

    def __init__(self, installed: ExitStack, method: str, code: str, *, after: int = 0) -> None:
        self.left = after
        self.mended = False
        self._code = code
        replace(installed, S3Response, method, self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def answer(response: Any, *args: Any, **kwargs: Any) -> Any:
            if self.mended or self.left > 0:
                self.left -= 1
                return original(response, *args, **kwargs)
            return 501, {}, f"<Error><Code>{self._code}</Code><Message>not today</Message></Error>"

        return answer


@pytest.fixture
def installed() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_large_file_is_uploaded_in_parts_and_reported_by_the_checksum_of_these(source: Bucket, large: Path) -> None:
    expected = parts_of(large, PART)
    assert source.upload_new(KEY, large, sha256(large), expected)
    assert content(source) == large.read_bytes()
    assert source.checksum(KEY) == encoded(expected.digest, 3)


def test_a_large_object_is_copied_in_parts_on_the_server_side(
    source: Bucket, target: Bucket, large: Path, sent: list[tuple[str, int]]
) -> None:
    expected = parts_of(large, PART)
    source.upload_new(KEY, large, sha256(large), expected)
    sent.clear()
    assert target.copy_new_from(source, KEY, sha256(large), expected)
    assert [name for name, _ in sent].count("UploadPartCopy") == 3
    assert sum(size for _, size in sent) < 2000
    assert "GetObject" not in {name for name, _ in sent}
    assert content(target) == large.read_bytes()
    assert target.checksum(KEY) == source.checksum(KEY)


def test_a_small_object_is_copied_by_one_request(
    source: Bucket, target: Bucket, large: Path, sent: list[tuple[str, int]]
) -> None:
    source.upload_new(KEY, large, sha256(large), None)
    sent.clear()
    assert target.copy_new_from(source, KEY, sha256(large), None)
    assert [name for name, _ in sent] == ["HeadObject", "CopyObject"]
    assert target.checksum(KEY) == encoded(sha256(large))


@pytest.mark.parametrize("in_parts", [True, False], ids=["in-parts", "by-one-request"])
def test_a_copy_may_have_another_key(source: Bucket, large: Path, in_parts: bool) -> None:
    expected = parts_of(large, PART) if in_parts else None
    source.upload_new(KEY, large, sha256(large), expected)
    assert source.copy_new_from(source, KEY, sha256(large), expected, to="demos/1/large")
    assert source.copy_new_from(source, KEY, sha256(large), expected, to="demos/1/large") is False
    assert source.checksum("demos/1/large") == source.checksum(KEY)


def test_where_a_copy_cannot_be_conditional_it_goes_as_one_part(
    source: Bucket, target: Bucket, large: Path, installed: ExitStack
) -> None:
    source.upload_new(KEY, large, sha256(large), None)
    Failing(installed, "copy_object", "NotImplemented")
    assert target.copy_new_from(source, KEY, sha256(large), None)
    assert content(target) == large.read_bytes()
    assert target.checksum(KEY) == encoded(over([bytes.fromhex(sha256(large))]), 1)


@pytest.mark.parametrize("in_parts", [True, False], ids=["in-parts", "by-one-request"])
def test_what_is_there_is_never_written_again(source: Bucket, target: Bucket, large: Path, in_parts: bool) -> None:
    expected = parts_of(large, PART) if in_parts else None
    source.upload_new(KEY, large, sha256(large), expected)
    target.put_new(KEY, b"planted")
    assert source.upload_new(KEY, large, sha256(large), expected) is False
    assert target.copy_new_from(source, KEY, sha256(large), expected) is False
    assert content(target) == b"planted"
    assert unfinished(target) == unfinished(source) == []


def test_row_05_parts_that_are_other_bytes_never_become_an_object(source: Bucket, target: Bucket, large: Path) -> None:
    client().put_object(Bucket=source.name, Key=KEY, Body=b"\0" * SIZE)
    with pytest.raises(Refused, match=r"are other bytes .*; the file or the object it comes from changed"):
        target.copy_new_from(source, KEY, sha256(large), parts_of(large, PART))
    assert target.checksum(KEY) is None
    assert unfinished(target) == []


@pytest.mark.parametrize("after", range(3))
def test_a_copy_that_fails_leaves_no_parts(
    source: Bucket, target: Bucket, large: Path, installed: ExitStack, after: int
) -> None:
    expected = parts_of(large, PART)
    source.upload_new(KEY, large, sha256(large), expected)
    broken = Failing(installed, "upload_part_copy", "NotImplemented", after=after)
    with pytest.raises(Broken, match="cannot copy artifacts/large from source to target: NotImplemented"):
        target.copy_new_from(source, KEY, sha256(large), expected)
    assert unfinished(target) == []
    broken.mended = True
    assert target.copy_new_from(source, KEY, sha256(large), expected)


def test_an_upload_that_fails_leaves_no_parts(source: Bucket, large: Path, installed: ExitStack) -> None:
    Failing(installed, "upload_part", "NotImplemented", after=1)
    with pytest.raises(Broken, match="cannot upload artifacts/large to source: NotImplemented"):
        source.upload_new(KEY, large, sha256(large), parts_of(large, PART))
    assert unfinished(source) == []


def test_parts_that_a_killed_run_left_are_removed_by_the_next_one(source: Bucket, target: Bucket, large: Path) -> None:
    expected = parts_of(large, PART)
    source.upload_new(KEY, large, sha256(large), expected)
    left = client().create_multipart_upload(Bucket=target.name, Key=KEY)["UploadId"]
    client().upload_part(Bucket=target.name, Key=KEY, UploadId=left, PartNumber=1, Body=b"half")
    other = client().create_multipart_upload(Bucket=target.name, Key=f"{KEY}r")["UploadId"]
    assert target.copy_new_from(source, KEY, sha256(large), expected)
    assert [upload["UploadId"] for upload in unfinished(target)] == [other]


def test_row_04_an_upload_that_somebody_else_completed_was_done(
    source: Bucket, target: Bucket, large: Path, installed: ExitStack
) -> None:
    """By two at once, or by us: the reply that says so is lost, and asking again finds no upload any more."""
    expected = parts_of(large, PART)
    source.upload_new(KEY, large, sha256(large), expected)

    def losing(original: Callable[..., Any]) -> Callable[..., Any]:
        def complete(response: Any, request: Any, body: bytes, bucket: str, query: Any, key: str) -> Any:
            answer = original(response, request, body, bucket, query, key)
            if "uploadId" not in query:
                return answer
            return 404, {}, "<Error><Code>NoSuchUpload</Code><Message>it is gone</Message></Error>"

        return complete

    replace(installed, S3Response, "_key_response_post", losing)
    assert target.copy_new_from(source, KEY, sha256(large), expected) is False
    assert content(target) == large.read_bytes()


def test_a_copy_of_what_is_not_there_is_broken(source: Bucket, target: Bucket) -> None:
    with pytest.raises(Broken, match=f"{KEY} is not in source"):
        target.copy_new_from(source, KEY, "0" * 64, None)


def test_every_version_of_an_object_is_removed(source: Bucket) -> None:
    client().put_bucket_versioning(Bucket=source.name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        client().put_object(Bucket=source.name, Key=KEY, Body=body)
    client().delete_object(Bucket=source.name, Key=KEY)
    client().put_object(Bucket=source.name, Key=f"{KEY}r", Body=b"of another")
    source.remove(KEY)
    left = client().list_object_versions(Bucket=source.name)
    assert [version["Key"] for version in left["Versions"]] == [f"{KEY}r"]
    assert "DeleteMarkers" not in left
    source.remove(KEY)


def test_what_is_under_a_lock_is_refused_with_what_s3_says(aws: None) -> None:
    client().create_bucket(
        Bucket="locked",
        CreateBucketConfiguration={"LocationConstraint": REGION},
        ObjectLockEnabledForBucket=True,
    )
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}}
    client().put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=rule)
    bucket = Bucket(shared_session(ACCOUNT, REGION), "locked")
    client().put_object(Bucket="locked", Key=KEY, Body=b"x", ChecksumAlgorithm="SHA256")
    stored = bucket.stored(KEY)
    assert stored is not None and stored.kept_until is not None
    with pytest.raises(Refused, match=r"cannot be deleted: AccessDenied.*retention lock"):
        bucket.remove(KEY)
    assert bucket.stored(KEY) == stored


@given(st.integers(1, 200), st.integers(1, 60))
def test_parts_are_the_whole_without_gaps(size: int, part: int) -> None:
    found = [*parts(size, part)]
    assert [one.number for one in found] == [*range(1, len(found) + 1)]
    assert [one.start for one in found] == [*range(0, size, part)]
    assert sum(one.length for one in found) == size
    assert all(one.length == part for one in found[:-1])


@given(st.binary(min_size=1, max_size=50), st.integers(0, 49), st.integers(1, 50), st.integers(-1, 60))
def test_a_slice_of_a_file_is_read_like_a_file(data: bytes, start: int, count: int, read: int) -> None:
    start = min(start, len(data) - 1)
    wanted = data[start : start + count]
    piece = Slice(io.BytesIO(data), start, len(wanted))
    first = piece.read(read)
    assert first == (wanted if read < 0 else wanted[:read])
    assert first + piece.read() == wanted
    assert piece.seek(0, io.SEEK_END) == len(wanted)
    assert piece.seek(0) == 0 and piece.read() == wanted


def test_the_parts_of_one_file_have_one_name(large: Path) -> None:
    data = large.read_bytes()
    pieces = [hashlib.sha256(data[start : start + PART]).digest() for start in range(0, SIZE, PART)]
    assert parts_of(large, PART) == Parts(size=PART, digest=hashlib.sha256(b"".join(pieces)).hexdigest())
