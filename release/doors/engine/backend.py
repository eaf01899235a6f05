"""Where the backend of a stack keeps its locks, by the backend's URL."""

from pathlib import Path

from release.doors.aws.session import AwsSession
from release.doors.aws.state_bucket import BucketLocks
from release.doors.engine.locks import FOLDER, FolderLocks, Locks, bucket_of, folder_of


def locks_at(backend: str, session: AwsSession, project_dir: Path, stack: str) -> Locks | None:
    """The locks of ``stack`` ("PROJECT/ENVIRONMENT") in this backend; None where they are no files that we can read."""
    if backend.startswith("file://"):
        return FolderLocks(folder_of(backend, project_dir) / FOLDER / stack)
    if backend.startswith("s3://"):
        bucket, prefix = bucket_of(backend)
        return BucketLocks(session, bucket, f"{prefix}{FOLDER}/{stack}/")
    return None
