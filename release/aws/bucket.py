"""S3: objects that are written once and never again, and copies that move no byte through this machine."""

import base64
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from release.aws.session import AwsSession, aws_call, aws_code
from release.errors import Broken

COPY_LIMIT = 5 * 1024**3  # CopyObject takes 5 GiB at most (S3 API reference, CopyObject)
ATTEMPTS = 4  # for a write that met another one of the same key: S3 asks to try again, the object may not be there


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
            f"write {key} to {self.name}",
            lambda: put(Bucket=self.name, Key=key, IfNoneMatch="*", Body=body, ContentType=content_type),
        )

    def upload_new(self, key: str, path: Path, digest: str) -> bool:
        """Upload a file under a key that must not exist yet; S3 refuses it when its SHA-256 is not ``digest`` (hex)."""

        def put() -> None:
            with path.open("rb") as file:
                self._client.put_object(
                    Bucket=self.name,
                    Key=key,
                    IfNoneMatch="*",
                    Body=file,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=_base64(digest),
                )

        return self._write_once(f"upload {key} to {self.name}", put)

    def get(self, key: str) -> bytes | None:
        """An object's bytes; None when there is no such object."""
        try:
            with aws_call(f"read {key} of {self.name}"):
                return bytes(self._client.get_object(Bucket=self.name, Key=key)["Body"].read())
        except Broken as error:
            if aws_code(error) == "NoSuchKey":
                return None
            raise

    def digest(self, key: str) -> str | None:
        """The SHA-256 that S3 computed of an object, in hex; None when there is no object, or S3 has none of it."""
        head = self._head(key)
        found = (head or {}).get("ChecksumSHA256")
        return base64.b64decode(found).hex() if found else None

    def keys(self, prefix: str) -> tuple[str, ...]:
        """The keys below a prefix."""
        with aws_call(f"list {self.name}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            return tuple(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def copy_new_from(self, source: "Bucket", key: str) -> None:
        """Copy an object from another bucket on the server side; one that is here already stays as it is."""
        head = source._head(key)
        if head is None:
            raise Broken(f"{key} is not in {source.name}", hint="publish the release again from its build")
        if head["ContentLength"] > COPY_LIMIT:
            raise Broken(f"{key} has {head['ContentLength']} bytes, one copy request takes {COPY_LIMIT} at most")
        copy, place = self._client.copy_object, {"Bucket": source.name, "Key": key}
        self._write_once(
            f"copy {key} from {source.name} to {self.name}",
            lambda: copy(Bucket=self.name, Key=key, CopySource=place, IfNoneMatch="*", ChecksumAlgorithm="SHA256"),
        )

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            with aws_call(f"look at {key} of {self.name}"):
                return dict(self._client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED"))
        except Broken as error:
            if aws_code(error) in ("NoSuchKey", "404"):
                return None
            raise

    def _write_once(self, doing: str, write: Callable[[], Any]) -> bool:
        for attempt in range(ATTEMPTS):
            try:
                with aws_call(doing):
                    write()
                    return True
            except Broken as error:
                if aws_code(error) == "PreconditionFailed":
                    return False
                if aws_code(error) != "ConditionalRequestConflict" or attempt == ATTEMPTS - 1:
                    raise
            time.sleep(0.2 * 2**attempt * random.uniform(0.5, 1.5))
        return False

    @property
    def _client(self) -> Any:
        return self._session.client("s3")


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()
