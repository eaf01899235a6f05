"""The S3 bucket of the Pulumi state, where ``PULUMI_BACKEND_URL`` names one."""

from release.aws.session import AwsSession, aws_call, aws_code
from release.errors import Broken


def ensure_state_bucket(session: AwsSession, name: str) -> bool:
    """Make the bucket unless it is there, versioned and closed in any case; whether it was made."""
    client, made = session.client("s3"), not _exists(session, name)
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


def _exists(session: AwsSession, name: str) -> bool:
    try:
        with aws_call(f"look for the state bucket {name}"):
            session.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=session.account)
    except Broken as error:
        if aws_code(error) == "404":
            return False
        raise
    return True
