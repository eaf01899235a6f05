"""What a call wants of IAM: actions under IAM's names, each on a resource where the request says which.

IAM knows most calls by their own names. The others are listed here, as far as Stageline makes them. A resource is told
by its name for S3, DynamoDB, Secrets Manager and Parameter Store; of other services it is not known here.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.gate.calls import Call

LONGEST_BODY = 16 * 1024 * 1024
SERVICES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}  # by IAM's names where boto3 has others
ACTIONS: Mapping[str, str] = {
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:UploadPart": "s3:PutObject",
    "s3:UploadPartCopy": "s3:PutObject",
}
IN_TRANSACTIONS = {"ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Put": "PutItem",
                   "Update": "UpdateItem"}  # fmt: skip
NAMED_IN = {"dynamodb": "TableName", "secretsmanager": "SecretId", "ssm": "Name"}
OF_SECRETS = "-AbCdEf"  # AWS ends a secret's ARN with six characters of its own


@dataclass(frozen=True, kw_only=True)
class Want:
    """An action of IAM, and the ARN that it is wanted on; no ARN where the request does not tell it by name."""

    action: str
    resource: str = ""


def wants(call: Call, environ: dict[str, Any], place: str) -> list[Want]:
    """What has to be allowed for a call; `place` is region and account as ARNs have them: `eu-central-1:1234…`."""
    action = ACTIONS.get(call.name, f"{SERVICES.get(call.service, call.service)}:{call.operation}")
    if call.service == "s3":
        return [Want(action=action, resource=f"arn:aws:s3:::{environ.get('PATH_INFO', '').strip('/')}")]
    if call.service not in NAMED_IN:
        return [Want(action=action)]
    said = _body(environ)
    if call.name == "dynamodb:TransactWriteItems":
        return list(_in_transaction(said, place))
    name = said.get(NAMED_IN[call.service])
    return [Want(action=action, resource=_arn(call.service, name, place) if isinstance(name, str) else "")]


def _in_transaction(said: Mapping[str, Any], place: str) -> Iterator[Want]:
    """IAM asks for each write of a transaction as if it came alone."""
    for item in said.get("TransactItems", []):
        for kind, write in item.items():
            table = _arn("dynamodb", write.get("TableName", ""), place)
            yield Want(action=f"dynamodb:{IN_TRANSACTIONS.get(kind, kind)}", resource=table)


def _arn(service: str, name: str, place: str) -> str:
    if name.startswith("arn:"):
        return name
    parts = {"dynamodb": f"table/{name}", "secretsmanager": f"secret:{name}{OF_SECRETS}", "ssm": f"parameter{name}"}
    return f"arn:aws:{service}:{place}:{parts[service]}"


def _body(environ: dict[str, Any]) -> Mapping[str, Any]:
    """What a JSON request says; moto reads a copy."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > LONGEST_BODY:
        return {}
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
