"""S3: objects that are written once and never again, and copies that move no byte through this machine."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from release.doors.aws import multipart
from release.doors.aws.parts import ONE_REQUEST, Parts, encoded, over
from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.process.errors import Broken, Refused

VERSIONS = ("Versions", "DeleteMarkers")
ATTEMPTS = 4  # for a write that met another one of the same key: S3 asks to try again, the object may not be there


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An object as it lies there: its bytes, until when S3 lets nobody delete it (UTC), and whether somebody put a
    legal hold on it.
    """

    size: int
    kept_until: datetime | None
    held: bool


class Bucket:
    """One bucket of one environment."""

    def __init__(self, session: AwsSession, name: str) -> None:
        self.name = name
        self._session = session

    def exists(self) -> bool:
        """Whether the bucket is there."""
        try:
            with aws_call(f"look for the bucket {self.name}"):
                self._client.head_bucket(Bucket=self.name)
        except Broken as error:
            if aws_code(error) in ("404", "NoSuchBucket"):
                return False
            raise
        return True

    def put_new(self, key: str, body: bytes, content_type: str = "application/json") -> bool:
        """Write an object that must not exist yet; False when it does."""
        put = self._client.put_object
        return self._write_once(
            key,
            f"write {key} to {self.name}",
            lambda: put(Bucket=self.name, Key=key, IfNoneMatch="*", Body=body, ContentType=content_type),
        )

    def upload_new(self, key: str, path: Path, digest: str, parts: Parts | None) -> bool:
        """Upload a file under a key that must not exist yet; False when it does.

        S3 refuses bytes whose SHA-256 is not ``digest`` (hex). A file that is too large for one request goes in
        ``parts``, and becomes an object only when theirs is the one that they name.
        """
        place, size = {"Bucket": self.name, "Key": key}, path.stat().st_size

        def put() -> None:
            if parts is not None:
                multipart.upload(self._session, place, path, size, parts)
                return
            with path.open("rb") as file:
                self._client.put_object(
                    **place,
                    IfNoneMatch="*",
                    Body=file,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=encoded(digest),
                )

        return self._write_once(key, f"upload {key} to {self.name}", put)

    def get(self, key: str) -> bytes | None:
        """An object's bytes; None when there is no such object."""
        try:
            with aws_call(f"read {key} of {self.name}"):
                return bytes(self._client.get_object(Bucket=self.name, Key=key)["Body"].read())
        except Broken as error:
            if aws_code(error) == "NoSuchKey":
                return None
            raise

    def checksum(self, key: str) -> str | None:
        """What S3 says of an object's bytes (see ``checksum``); None when there is no object, or S3 has none."""
        found = (self._head(key) or {}).get("ChecksumSHA256")
        return str(found) if found else None

    def stored(self, key: str) -> Stored | None:
        """What S3 says of an object; None when there is none."""
        head = self._head(key)
        if head is None:
            return None
        kept = head.get("ObjectLockRetainUntilDate")
        return Stored(size=head["ContentLength"], kept_until=kept, held=head.get("ObjectLockLegalHoldStatus") == "ON")

    def remove(self, key: str) -> None:
        """Delete every version of an object. Refused, with what S3 says, when it keeps one."""
        with aws_call(f"list the versions of {key} in {self.name}"):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=key)
            found = [one for page in pages for kind in VERSIONS for one in page.get(kind, []) if one["Key"] == key]
        if not found:
            return
        versions = [{"Key": key, "VersionId": one["VersionId"]} for one in found]
        with aws_call(f"delete {key} of {self.name}"):
            answer = self._client.delete_objects(Bucket=self.name, Delete={"Objects": versions, "Quiet": True})
        if errors := answer.get("Errors"):
            raise Refused(
                f"{key} of {self.name} cannot be deleted: {errors[0]['Code']}: {errors[0].get('Message', '')}",
                hint="it is under a retention lock, or you are not who may prune: see the runbook, Prune artifacts",
            )

    def keys(self, prefix: str) -> tuple[str, ...]:
        """The keys below a prefix."""
        with aws_call(f"list {self.name}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            return tuple(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def copy_new_from(
        self, source: "Bucket", key: str, digest: str, parts: Parts | None, *, to: str | None = None
    ) -> bool:
        """Copy an object from another bucket on the server side, under the same key or ``to`` another one; False when
        there is one here already.

        In ``parts`` where it is too large for one request, and as one part where S3 does not take ``If-None-Match``
        with CopyObject: its pages disagree on that, and completing a multipart upload takes it everywhere.
        """
        head = source._head(key)
        if head is None:
            raise Broken(f"{key} is not in {source.name}", hint="publish the release again from its build")
        size, doing = head["ContentLength"], f"copy {key} from {source.name} to {self.name}"
        place, origin = {"Bucket": self.name, "Key": to or key}, {"Bucket": source.name, "Key": key}
        if parts is None and size > ONE_REQUEST:
            raise Broken(f"{key} has {size} bytes, and its manifest does not name their parts", hint="publish it again")
        as_one = Parts(size=max(size, 1), digest=over([bytes.fromhex(digest)]))
        in_parts = partial(multipart.copy, self._session, place, origin, size)
        if parts is not None:
            return self._write_once(to or key, doing, partial(in_parts, parts))
        try:
            copy = partial(self._client.copy_object, **place, CopySource=origin, ChecksumAlgorithm="SHA256")
            return self._write_once(to or key, doing, partial(copy, IfNoneMatch="*"))
        except Broken as error:
            if aws_code(error) != "NotImplemented":
                raise
        return self._write_once(to or key, doing, partial(in_parts, as_one))

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            with aws_call(f"look at {key} of {self.name}"):
                return dict(self._client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED"))
        except Broken as error:
            if aws_code(error) in ("NoSuchKey", "404"):
                return None
            raise

    def _write_once(self, key: str, doing: str, write: Callable[[], Any]) -> bool:
        for attempt in range(ATTEMPTS):
            try:
                with aws_call(doing):
                    write()
                    return True
            except Broken as error:
                if aws_code(error) == "PreconditionFailed" or self._was_completed(key, error):
                    return False
                if aws_code(error) != "ConditionalRequestConflict" or attempt == ATTEMPTS - 1:
                    raise
            time.sleep(0.2 * 2**attempt * random.uniform(0.5, 1.5))
        return False

    def _was_completed(self, key: str, error: Broken) -> bool:
        """Whether an upload is gone because it is done: by somebody else, or by us, and the reply was lost."""
        return aws_code(error) == "NoSuchUpload" and self._head(key) is not None

    @property
    def _client(self) -> Any:
        return self._session.client("s3")
