"""What a permission reaches: things by their name where Stageline names them, by the environment's tags elsewhere.

Texts in braces are filled in by `place.py` with an environment's names. `{service}` is the service of the action: `OWN`
is whatever of that service carries the environment's tags, `NEW` whatever is made with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Resources and the condition under which they may be touched. `before`: they are of the environment before."""

    resources: tuple[str, ...]
    condition: Condition = field(default_factory=dict)
    before: bool = False


TAGS = {"project": "{project}", "environment": "{environment}"}
CARRIES_TAGS: Condition = {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in TAGS.items()}}
GETS_TAGS: Condition = {"StringEquals": {f"aws:RequestTag/{key}": value for key, value in TAGS.items()}}
IS_NOBODYS: Condition = {"Null": {"aws:ResourceTag/environment": "true"}}
IS_BOUNDED: Condition = {"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}}


def of_account(service: str, *names: str) -> tuple[str, ...]:
    """ARNs of things in the environment's account and region."""
    return tuple(f"arn:aws:{service}:{{region}}:{{account}}:{name}" for name in names)


def behind(alias: str, *, before: bool = False) -> Scope:
    """The KMS key that an alias leads to."""
    condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    return Scope(resources=of_account("kms", "key/*"), condition=condition, before=before)


def new(*kinds: str) -> Scope:
    """Things of EC2 that are made with the environment's tags; EC2 asks for each kind that a call makes or uses."""
    return Scope(resources=of_account("ec2", *(f"{kind}/*" for kind in kinds)), condition=GETS_TAGS)


ANYTHING = Scope(resources=("*",))
OWN = Scope(resources=of_account("{service}", "*"), condition=CARRIES_TAGS)
NEW = Scope(resources=of_account("{service}", "*"), condition=GETS_TAGS)
NOBODYS = Scope(resources=of_account("{service}", "*"), condition={**GETS_TAGS, **IS_NOBODYS})
DEPLOYMENTS_SNAPSHOT = "snapshot:{prefix}-????????-??????-*"  # date and time of a deployment; no final snapshot
NEW_SNAPSHOT = Scope(resources=of_account("rds", DEPLOYMENTS_SNAPSHOT), condition={**GETS_TAGS, **IS_NOBODYS})
OWN_SNAPSHOTS = Scope(resources=of_account("rds", DEPLOYMENTS_SNAPSHOT), condition=CARRIES_TAGS)
OWN_DATABASE = Scope(resources=of_account("rds", "db:*"), condition=CARRIES_TAGS)
NEW_KEY = Scope(resources=("*",), condition=GETS_TAGS)  # a key has no name before it is made
PARTS_OF_SERVERS = Scope(
    resources=(*of_account("ec2", "network-interface/*", "volume/*"), "arn:aws:ec2:{region}::image/*")
)
NEW_RULE = Scope(
    resources=of_account("ec2", "security-group-rule/*"),
    condition={
        "StringEquals": {**GETS_TAGS["StringEquals"], "ec2:CreateAction": "AuthorizeSecurityGroupIngress"},
    },
)
GROUPS = Scope(resources=of_account("ec2", "security-group/*", "security-group-rule/*"))

LEDGER = Scope(resources=of_account("dynamodb", "table/{ledger_table}"))
LEDGER_BEFORE = Scope(resources=of_account("dynamodb", "table/{ledger_table_before}"), before=True)
HEADS = Scope(  # and the stops beside them: items of these kinds in any ledger of the project, and no event
    resources=of_account("dynamodb", "table/{project}-*-ledger"),
    condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ("HEAD", "STOPS")}},
)
DEMOS = Scope(resources=of_account("dynamodb", "table/{project}-demos"))
DEMO_SECRETS = Scope(resources=of_account("secretsmanager", "secret:{project}/demo-*"))
SIGNING_KEY = behind("{signing_alias}")
SIGNING_KEY_BEFORE = behind("{signing_alias_before}", before=True)
STATE_KEY = behind("{state_alias}")
DATABASE_KEY = Scope(
    resources=of_account("kms", "key/*"),
    condition={
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "{database_alias}"},
        "StringEquals": {"kms:ViaService": "rds.{region}.amazonaws.com"},
    },
)
ALIASES = Scope(resources=of_account("kms", "{signing_alias}", "{state_alias}", "{database_alias}"))
SECRETS = Scope(resources=of_account("secretsmanager", "secret:{path}/*"))
CONFIGURATION = Scope(resources=of_account("secretsmanager", "secret:{path}+configuration/*"))
DATABASE_SECRETS = Scope(
    resources=of_account("secretsmanager", "secret:rds!db-*"),
    condition={"StringEquals": {"aws:ResourceTag/aws:secretsmanager:owningService": "rds"}},
)
PARAMETERS = Scope(resources=of_account("ssm", "parameter/{path}/*"))
MIGRATION = Scope(resources=of_account("ssm", "parameter{migration_parameter}"))
DASHBOARDS = Scope(resources=("arn:aws:cloudwatch::{account}:dashboard/{prefix}",))

ARTIFACTS = Scope(resources=("arn:aws:s3:::{artifact_bucket}/*",))
ARTIFACT_BYTES = Scope(resources=("arn:aws:s3:::{artifact_bucket}/artifacts/*",))
CONFIGURED = Scope(resources=("arn:aws:s3:::{artifact_bucket}/configurations/*",))
ARTIFACT_BUCKET = Scope(resources=("arn:aws:s3:::{artifact_bucket}",))
ARTIFACTS_BEFORE = Scope(resources=("arn:aws:s3:::{artifact_bucket_before}/*",), before=True)
BACKUPS = Scope(resources=("arn:aws:s3:::{backup_bucket}/*",))
KEPT_BUCKETS = Scope(resources=("arn:aws:s3:::{artifact_bucket}", "arn:aws:s3:::{backup_bucket}"))
BUCKET_BEFORE = Scope(resources=("arn:aws:s3:::{artifact_bucket_before}",), before=True)
BUCKETS = Scope(resources=(*KEPT_BUCKETS.resources, "arn:aws:s3:::env-logs-access-*"))  # Pulumi names that of logs
OBJECTS = Scope(resources=tuple(f"{bucket}/*" for bucket in BUCKETS.resources))

STATE_BUCKET = Scope(resources=("arn:aws:s3:::{state_bucket}",))
STATE = Scope(
    resources=tuple(
        f"arn:aws:s3:::{{state_bucket}}/.pulumi/{folder}/{{project}}/{{environment}}{rest}"
        for folder, rest in (("stacks", ".*"), ("history", "/*"), ("backups", "/*"), ("locks/organization", "/*"))
    )
)
STATE_FORMAT = Scope(resources=("arn:aws:s3:::{state_bucket}/.pulumi/meta.yaml",))
STATE_LOCKS = Scope(
    resources=("arn:aws:s3:::{state_bucket}/.pulumi/locks/organization/{project}/{environment}/*",),
)

MACHINES = tuple(f"arn:aws:iam::{{account}}:{kind}{{machine_path}}*" for kind in ("role", "instance-profile"))
MACHINE_ROLES = Scope(resources=MACHINES)
BOUNDED_ROLES = Scope(resources=MACHINES[:1], condition=IS_BOUNDED)
PASSED_TO = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
ROLES_FOR_SERVERS = Scope(resources=MACHINES[:1], condition=PASSED_TO)
ROLES_FOR_FLOW_LOGS = Scope(
    resources=MACHINES[:1], condition={"StringEquals": {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}}
)
PEOPLES_ROLES = Scope(
    resources=tuple(f"arn:aws:iam::{{account}}:{kind}{{access_path}}*" for kind in ("role", "policy"))
)
GITHUB_PROVIDER = Scope(resources=("{github}",))
ACCOUNTS_ROLES = Scope(resources=("arn:aws:iam::{account}:role/aws-service-role/*",))
