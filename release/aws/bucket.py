"""S3: objects that are written once and never again, and copies that move no byte through this machine."""

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from release.aws.session import AwsSession, aws_call, error_code
from release.errors import Broken

EXISTS = {"PreconditionFailed", "ConditionalRequestConflict"}
MISSING = {"NoSuchKey", "NoSuchBucket", "404", "NotFound"}
COPY_LIMIT = 5 * 1024**3  # CopyObject takes 5 GiB at most (S3 API reference, CopyObject)


class Bucket:
    """One bucket of one environment."""

    def __init__(self, session: AwsSession, name: str) -> None:
        self.name = name
        self._session = session

    def put_new(self, key: str, body: bytes, content_type: str = "application/json") -> bool:
        """Write an object that must not exist yet; False when it does."""
        return self._put_new(key, Body=body, ContentType=content_type)

    def upload_new(self, key: str, path: Path, sha256_base64: str) -> bool:
        """Upload a file under a key that must not exist yet, with its checksum checked by S3; False when it exists."""
        with path.open("rb") as file:
            return self._put_new(key, Body=file, ChecksumSHA256=sha256_base64)

    def get(self, key: str) -> bytes | None:
        """An object's bytes; None when there is no such object."""
        try:
            return bytes(self._client.get_object(Bucket=self.name, Key=key)["Body"].read())
        except ClientError as error:
            if error_code(error) in MISSING:
                return None
            with aws_call(f"read {key} of {self.name}"):
                raise

    def size(self, key: str) -> int | None:
        """An object's size in bytes; None when there is no such object."""
        try:
            return int(self._client.head_object(Bucket=self.name, Key=key)["ContentLength"])
        except ClientError as error:
            if error_code(error) in MISSING:
                return None
            with aws_call(f"look at {key} of {self.name}"):
                raise

    def keys(self, prefix: str) -> tuple[str, ...]:
        """The keys below a prefix."""
        with aws_call(f"list {self.name}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            return tuple(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def copy_new_from(self, source: "Bucket", key: str) -> None:
        """Copy an object from another bucket on the server side; one that is here already stays as it is."""
        size = source.size(key)
        if size is None:
            raise Broken(f"{key} is not in {source.name}", hint="publish the release again from its build")
        if size > COPY_LIMIT:
            raise Broken(f"{key} has {size} bytes, more than one copy request takes ({COPY_LIMIT})")
        try:
            self._client.copy_object(
                Bucket=self.name, Key=key, CopySource={"Bucket": source.name, "Key": key}, IfNoneMatch="*"
            )
        except ClientError as error:
            if error_code(error) not in EXISTS:
                with aws_call(f"copy {key} from {source.name} to {self.name}"):
                    raise

    def _put_new(self, key: str, **arguments: Any) -> bool:
        try:
            self._client.put_object(Bucket=self.name, Key=key, IfNoneMatch="*", **arguments)
        except ClientError as error:
            if error_code(error) in EXISTS:
                return False
            with aws_call(f"write {key} to {self.name}"):
                raise
        return True

    @property
    def _client(self) -> Any:
        return self._session.client("s3")
