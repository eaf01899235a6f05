"""The S3 bucket of the Pulumi state, where ``PULUMI_BACKEND_URL`` names one."""

from pathlib import PurePosixPath

from release.doors.aws.bucket import Bucket
from release.doors.aws.session import AwsSession, aws_call, aws_code
from release.doors.engine.locks import Lock, parse_lock
from release.process.errors import Broken


def ensure_state_bucket(session: AwsSession, name: str) -> bool:
    """Make the bucket unless it is there, versioned and closed in any case; whether it was made."""
    client, made = session.client("s3"), not state_bucket_exists(session, name)
    with aws_call(f"create the state bucket {name}"):
        if made:
            place = {} if session.region == "us-east-1" else {"LocationConstraint": session.region}
            client.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        client.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
    return made


def state_bucket_exists(session: AwsSession, name: str) -> bool:
    """Whether the account has the bucket."""
    try:
        with aws_call(f"look for the state bucket {name}"):
            session.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=session.account)
    except Broken as error:
        if aws_code(error) == "404":
            return False
        raise
    return True


class BucketLocks:
    """The locks of a stack whose state is in a bucket; ``folder`` is the prefix of their keys, ending with a slash."""

    def __init__(self, session: AwsSession, bucket: str, folder: str) -> None:
        self._bucket = Bucket(session, bucket)
        self._folder = folder
        self._session = session

    def all(self) -> tuple[Lock, ...]:
        """Every lock that there is. One that goes away between two calls is none any more."""
        keys = (key for key in self._bucket.keys(self._folder) if key.endswith(".json"))
        found = ((key, self._bucket.get(key)) for key in keys)
        return tuple(parse_lock(PurePosixPath(key).stem, data) for key, data in found if data is not None)

    def remove(self, lock: Lock) -> None:
        """Take away the lock's object."""
        with aws_call(f"remove the lock {lock.id}"):
            self._session.client("s3").delete_object(Bucket=self._bucket.name, Key=f"{self._folder}{lock.id}.json")
