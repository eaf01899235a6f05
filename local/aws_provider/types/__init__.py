"""The table: every resource type that the local AWS provider knows, by its token.

A type that is not here is refused. To add one, write its entry in the module of its service and give it a case in
tests/e2e/test_aws_provider.py, which fails for a type without one.
"""

from local.aws_provider.model import ResourceType
from local.aws_provider.types import ec2, iam, kms, lb, rds, s3, security_groups, ssm, vpc

TYPES: dict[str, ResourceType] = {
    kind.token: kind for module in (vpc, security_groups, ec2, s3, kms, rds, ssm, iam, lb) for kind in module.ENTRIES
}
