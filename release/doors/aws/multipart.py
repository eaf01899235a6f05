"""S3: an object put together from parts, because it is too large for one request. Seen complete, or not at all.

S3 reports the SHA-256 of every part that it got; the object is made only when these are the expected ones. When
anything fails the upload is aborted, and its parts go. What a killed run left is found by the next one that writes the
same key, and aborted first: keys of artifacts name their bytes, so nobody else's work is lost by that.
"""

import base64
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from release.doors.aws.parts import Part, Parts, over, parts
from release.doors.aws.session import AwsSession
from release.process.errors import Refused

AT_ONCE = 8  # parts under way at a time
ObjectName = dict[str, str]  # Bucket and Key


@dataclass(frozen=True, kw_only=True)
class Written:
    """A part as S3 has it: its number, its ETag, and its SHA-256 in base 64."""

    number: int
    etag: str
    sha256: str


WritePart = Callable[[str, Part], Written]


def upload(session: AwsSession, name: ObjectName, path: Path, size: int, expected: Parts) -> None:
    """Write a file as an object that must not exist yet."""
    client = session.client("s3")

    def write(upload_id: str, part: Part) -> Written:
        with path.open("rb") as file:
            answer = client.upload_part(
                **name,
                UploadId=upload_id,
                PartNumber=part.number,
                Body=Slice(file, part.start, part.length),
                ContentLength=part.length,
                ChecksumAlgorithm="SHA256",
            )
        return Written(number=part.number, etag=answer["ETag"], sha256=answer["ChecksumSHA256"])

    _put_together(client, name, [*parts(size, expected.size)], write, expected.digest)


def copy(session: AwsSession, name: ObjectName, source: ObjectName, size: int, expected: Parts) -> None:
    """Copy an object on the server side to a place where there must be none."""
    client = session.client("s3")

    def write(upload_id: str, part: Part) -> Written:
        answer = client.upload_part_copy(
            **name,
            UploadId=upload_id,
            PartNumber=part.number,
            CopySource=source,
            CopySourceRange=f"bytes={part.start}-{part.start + part.length - 1}",
        )["CopyPartResult"]
        return Written(number=part.number, etag=answer["ETag"], sha256=answer["ChecksumSHA256"])

    _put_together(client, name, [*parts(size, expected.size)], write, expected.digest)


def _abort_left(client: Any, name: ObjectName) -> None:
    """Abort uploads of this key that nobody ended, and so remove their parts."""
    pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=name["Bucket"], Prefix=name["Key"])
    left = [upload for page in pages for upload in page.get("Uploads", []) if upload["Key"] == name["Key"]]
    for upload in left:
        with suppress(client.exceptions.NoSuchUpload):
            client.abort_multipart_upload(**name, UploadId=upload["UploadId"])


def _put_together(client: Any, name: ObjectName, wanted: Sequence[Part], write: WritePart, expected: str) -> None:
    _abort_left(client, name)
    upload_id = client.create_multipart_upload(**name, ChecksumAlgorithm="SHA256")["UploadId"]
    try:
        written = _all_written(wanted, lambda part: write(upload_id, part))
        _refuse_other_bytes(written, expected, name)
        client.complete_multipart_upload(
            **name,
            UploadId=upload_id,
            IfNoneMatch="*",
            MultipartUpload={
                "Parts": [
                    {"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": part.sha256} for part in written
                ]
            },
        )
    except BaseException:
        with suppress(ClientError, BotoCoreError):  # the next run finds it
            client.abort_multipart_upload(**name, UploadId=upload_id)
        raise


def _all_written(wanted: Sequence[Part], write: Callable[[Part], Written]) -> list[Written]:
    """Every part, some at a time. When one fails those that have not begun never do, and none is left running."""
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    try:
        return list(pool.map(write, wanted))
    finally:
        pool.shutdown(cancel_futures=True)


def _refuse_other_bytes(written: Sequence[Written], expected: str, name: ObjectName) -> None:
    found = over([base64.b64decode(part.sha256) for part in written])
    if found != expected:
        raise Refused(
            f"what was written of {name['Key']} to {name['Bucket']} are other bytes (sha256 of its parts "
            f"{found[:12]}, not {expected[:12]})",
            hint="the file or the object it comes from changed meanwhile; nothing was stored",
        )


class Slice:
    """A part of an open file, as a file: botocore reads it, and goes back to its beginning to try again."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file, self._start, self._length = file, start, length
        self.seek(0)

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, all that are left where it is negative."""
        left = self._length - self.tell()
        return self._file.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, counted from the slice's beginning, from here, or from its end."""
        base = (0, self.tell(), self._length)[whence]
        self._file.seek(self._start + base + offset)
        return self.tell()

    def tell(self) -> int:
        """Where it is, counted from the slice's beginning."""
        return self._file.tell() - self._start
