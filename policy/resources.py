"""What a rule may look at: one resource as the program declares it, and the environment that it belongs to."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from settings.model import Settings

BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_ENCRYPTION: Final = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
BUCKET_LOCK: Final = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
BUCKET_CLOSED: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_VERSIONS: Final = "aws:s3/bucketVersioning:BucketVersioning"
DATABASE: Final = "aws:rds/instance:Instance"
DATABASE_PARAMETERS: Final = "aws:rds/parameterGroup:ParameterGroup"
DEFAULT_GROUP: Final = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
GROUP_INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
INSTANCE: Final = "aws:ec2/instance:Instance"
KEY: Final = "aws:kms/key:Key"
LISTENER: Final = "aws:lb/listener:Listener"
LOAD_BALANCER: Final = "aws:lb/loadBalancer:LoadBalancer"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
ROLE: Final = "aws:iam/role:Role"
TOPIC: Final = "aws:sns/topic:Topic"
VPC: Final = "aws:ec2/vpc:Vpc"

UNKNOWN: Final = object()
"""An input that nobody knows before something else is made. Judged when it is known: before the resource is made."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource. `after` are the URNs that it depends on, `provider` the inputs of the provider that makes it."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False
    after: frozenset[str] = frozenset()
    provider: Mapping[str, Any] | None = None

    def setting(self, path: str) -> Any:
        """The input at a dotted path, or None. A list on the way stands for its only or first item."""
        value: Any = self.inputs
        for key in path.split("."):
            value = value[0] if isinstance(value, list) and value else value
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a resource is judged by.

    `settings` are those that the program was run with, `tracked` those of the stack file beside the rules. They
    differ on the local cloud only, whose copies of stack files have other ports and no certificates.
    `resources` are all of the environment's, where a rule needs them.
    """

    settings: Settings
    tracked: Settings
    resources: tuple[Resource, ...] = field(default=(), repr=False)

    def of(self, resource: Resource, type: str) -> Iterator[Resource]:
        """The resources of a type that were declared for another resource, like the policy of a bucket."""
        return (one for one in self.resources if one.type == type and resource.urn in one.after)


def document(text: Any) -> list[Mapping[str, Any]]:
    """The statements of an IAM policy document; none while it is not known. Raises ValueError for anything else."""
    if text is UNKNOWN or text is None:
        return []
    statements = json.loads(text)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def listed(value: Any) -> list[Any]:
    """What IAM lets be written as one or as a list of several, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
