"""The S3 bucket of the Pulumi state, where ``PULUMI_BACKEND_URL`` names one."""

from botocore.exceptions import ClientError

from release.aws.session import AwsSession, aws_call, error_code


def ensure_state_bucket(session: AwsSession, name: str) -> bool:
    """Make the bucket, versioned, encrypted and closed, unless it is there; whether it was made."""
    client = session.client("s3")
    if _exists(session, name):
        return False
    with aws_call(f"create the state bucket {name}"):
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
    return True


def _exists(session: AwsSession, name: str) -> bool:
    try:
        session.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=session.account)
    except ClientError as error:
        if error_code(error) == "404":
            return False
        with aws_call(f"look for the state bucket {name}"):
            raise
    return True
