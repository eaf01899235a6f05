"""The table: every resource type that the local AWS provider knows, by its token.

A type that is not here is refused. To add one, write its entry in the module of its service and give it cases in
tests/e2e/aws_provider_cases/: tests fail for a type, an input or a change without one.
"""

from local.aws_provider.model import ResourceType
from local.aws_provider.types import (
    addresses,
    cloudwatch,
    ec2,
    endpoints,
    flow_logs,
    iam,
    iam_policies,
    kms,
    lb,
    lb_listeners,
    lb_targets,
    logs,
    rds,
    rds_parameters,
    s3,
    s3_lifecycle,
    security_groups,
    sns,
    ssm,
    vpc,
)

MODULES = (
    vpc,
    endpoints,
    security_groups,
    ec2,
    addresses,
    flow_logs,
    s3,
    s3_lifecycle,
    kms,
    rds,
    rds_parameters,
    ssm,
    iam,
    iam_policies,
    lb,
    lb_targets,
    lb_listeners,
    cloudwatch,
    logs,
    sns,
)

TYPES: dict[str, ResourceType] = {kind.token: kind for module in MODULES for kind in module.ENTRIES}
