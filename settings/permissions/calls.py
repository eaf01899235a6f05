"""Every call that `release` and the components make, who makes it, and what IAM has to allow for it.

Recorded on the local cloud: `tests/e2e/test_permissions.py` runs the verbs and `pulumi up`, and fails when a call is
not here, or is made by somebody who is not meant to. A call stands under the least of those who make it: whoever
deploys also reads what approvers read, operators also do what workflows do, and administrators do everything. What
only AWS asks for (`PassRole`), or a local run never does (the state in S3, most changed settings, what the published
`aws` plugin reads beside what the stand-in reads), stands by hand.

A call is named as boto3 names it. `actions` are given where IAM calls it otherwise (`HeadObject` is `s3:GetObject`).
Something that is written anywhere, or to things of others, says `why`.
"""

from dataclasses import dataclass

from settings.permissions.identities import Party
from settings.permissions.scopes import (
    ACCOUNTS_ROLES,
    ALIASES,
    ANYTHING,
    ARTIFACT_BUCKET,
    ARTIFACT_BYTES,
    ARTIFACTS,
    ARTIFACTS_BEFORE,
    BACKUPS,
    BOUNDED_ROLES,
    BUCKET_BEFORE,
    BUCKETS,
    CONFIGURATION,
    CONFIGURED,
    DASHBOARDS,
    DATABASE_KEY,
    DATABASE_SECRETS,
    DEMO_SECRETS,
    DEMOS,
    GITHUB_PROVIDER,
    GROUPS,
    HEADS,
    KEPT_BUCKETS,
    LEDGER,
    LEDGER_BEFORE,
    MACHINE_ROLES,
    MIGRATION,
    NEW,
    NEW_KEY,
    NEW_RULE,
    NEW_SNAPSHOT,
    NOBODYS,
    OBJECTS,
    OWN,
    OWN_DATABASE,
    OWN_SNAPSHOTS,
    PARAMETERS,
    PARTS_OF_SERVERS,
    PEOPLES_ROLES,
    ROLES_FOR_FLOW_LOGS,
    ROLES_FOR_SERVERS,
    SECRETS,
    SIGNING_KEY,
    SIGNING_KEY_BEFORE,
    STATE,
    STATE_BUCKET,
    STATE_FORMAT,
    STATE_KEY,
    STATE_LOCKS,
    Scope,
    new,
)


@dataclass(frozen=True, kw_only=True)
class Permission:
    """What `who` may do `on` something, because these calls need it.

    `unprotected`: only in environments that are; `doors`: only in those that open some.
    """

    who: Party
    on: Scope
    calls: tuple[str, ...]
    actions: tuple[str, ...]
    why: str = ""
    unprotected: bool = False
    doors: bool = False


def needs(
    who: Party,
    on: Scope,
    *calls: str,
    actions: tuple[str, ...] = (),
    why: str = "",
    unprotected: bool = False,
    doors: bool = False,
) -> Permission:
    """A line of the table; IAM's name of a call is that of boto3 where nothing else is said."""
    named = actions or tuple(map(action, calls))
    return Permission(who=who, on=on, calls=calls, actions=named, why=why, unprotected=unprotected, doors=doors)


def action(call: str) -> str:
    """A call as IAM names it."""
    return call.replace("elbv2:", "elasticloadbalancing:")


def every(service: str, *calls: str) -> tuple[str, ...]:
    """Several calls of a service."""
    return tuple(f"{service}:{call}" for call in calls)


READING = (
    needs("approver", ANYTHING, "sts:GetCallerIdentity"),
    needs("approver", LEDGER, *every("dynamodb", "GetItem", "Query")),
    needs("approver", LEDGER_BEFORE, *every("dynamodb", "GetItem", "Query")),
    needs("approver", HEADS, "dynamodb:GetItem", why="a veto of any environment counts in all of them"),
    needs("approver", ARTIFACTS, "s3:GetObject", "s3:HeadObject", actions=("s3:GetObject",)),
    needs("approver", ARTIFACTS_BEFORE, "s3:GetObject", "s3:HeadObject", actions=("s3:GetObject",)),
    needs("approver", KEPT_BUCKETS, "s3:HeadBucket", "s3:ListObjectsV2", actions=("s3:ListBucket",)),
    needs("approver", BUCKET_BEFORE, "s3:HeadBucket", "s3:ListObjectsV2", actions=("s3:ListBucket",)),
    needs("approver", ANYTHING, "rds:DescribeDBSnapshots"),
    needs("approver", SIGNING_KEY, "kms:GetPublicKey"),
    needs("approver", SIGNING_KEY_BEFORE, "kms:GetPublicKey"),
)

DEPLOYING = (
    needs("ci", LEDGER, *every("dynamodb", "PutItem", "TransactWriteItems"),
          actions=("dynamodb:ConditionCheckItem", "dynamodb:PutItem")),
    needs("ci", SIGNING_KEY, "kms:Sign"),
    needs("ci", STATE_KEY, *every("kms", "Decrypt", "Encrypt")),
    needs(
        "ci",
        ARTIFACTS,
        *every("s3", "PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy"),
        *every("s3", "CompleteMultipartUpload", "AbortMultipartUpload"),
        actions=("s3:PutObject", "s3:AbortMultipartUpload"),
    ),
    needs("ci", ARTIFACT_BUCKET, "s3:ListMultipartUploads", actions=("s3:ListBucketMultipartUploads",)),
    needs("ci", BACKUPS, *every("s3", "GetObject", "PutObject")),
    needs("ci", SECRETS, "secretsmanager:GetSecretValue"),
    needs("ci", PARAMETERS, "ssm:GetParameter"),
    needs("ci", MIGRATION, "ssm:PutParameter"),
    needs("ci", NEW_SNAPSHOT, "rds:CreateDBSnapshot", actions=("rds:AddTagsToResource", "rds:CreateDBSnapshot")),
    needs("ci", OWN_DATABASE, "rds:CreateDBSnapshot"),
    # RDS works with the database's key as whoever asks it to: for snapshots here, for the instance as administrators.
    needs("ci", DATABASE_KEY, "rds:CreateDBSnapshot", actions=("kms:CreateGrant", "kms:DescribeKey")),
    needs("ci", OWN_SNAPSHOTS, "rds:DeleteDBSnapshot", unprotected=True),
    needs("ci", ANYTHING, "rds:DescribeDBInstances"),
    needs("ci", ANYTHING, *every("elbv2", "DescribeListenerAttributes", "DescribeListeners", "DescribeLoadBalancers")),
    needs("ci", ANYTHING, *every("elbv2", "DescribeTags", "DescribeTargetGroups", "DescribeTargetHealth")),
    needs("ci", ANYTHING, "ec2:DescribeInstances"),
    needs("ci", OWN, "cloudwatch:PutMetricAlarm"),
    needs("ci", OWN, *every("elbv2", "DeregisterTargets", "ModifyListener", "RegisterTargets")),
    needs("ci", ANYTHING, *every("cloudwatch", "DescribeAlarms", "GetMetricData", "ListTagsForResource")),
    needs(
        "ci",
        DATABASE_SECRETS,
        "secretsmanager:GetSecretValue",
        why="RDS names its secrets and tags them with the database only, so those of other environments in the account "
        "are not told apart: separate accounts do",
    ),
)  # fmt: skip

# What `--open-door` calls, and `tick` after it. No condition of IAM tells one block or port from another.
DOORS = (
    *(needs(who, ANYTHING, "ec2:DescribeSecurityGroupRules", doors=True) for who in ("ci", "pruner")),
    *(needs(who, OWN, "ec2:RevokeSecurityGroupIngress", doors=True) for who in ("ci", "pruner")),
    needs("ci", new("security-group-rule"), "ec2:AuthorizeSecurityGroupIngress", doors=True),
    needs("ci", OWN, "ec2:AuthorizeSecurityGroupIngress", doors=True),
    needs("ci", NEW_RULE, "ec2:AuthorizeSecurityGroupIngress", actions=("ec2:CreateTags",), doors=True),
)

# The state backend in S3. Nothing of it can be recorded where the state is a local file.
STATE_BACKEND = (
    needs("ci", STATE_BUCKET, "s3:ListObjectsV2", actions=("s3:ListBucket",)),
    needs("ci", STATE_FORMAT, "s3:GetObject"),
    needs("ci", STATE, *every("s3", "GetObject", "PutObject")),
    needs("ci", STATE_LOCKS, "s3:DeleteObject"),
)

LOOKING = (
    needs(
        "operator",
        ANYTHING,
        *every(
            "ec2",
            *("DescribeAddresses", "DescribeAddressesAttribute", "DescribeFlowLogs", "DescribeImages"),
            *("DescribeIamInstanceProfileAssociations", "DescribeInstanceAttribute", "DescribeInstanceTypes"),
            *("DescribeInstanceCreditSpecifications", "DescribeInstances", "DescribeInternetGateways"),
            *("DescribeNatGateways", "DescribeNetworkAcls", "DescribeNetworkInterfaces", "DescribePrefixLists"),
            *("DescribeRouteTables", "DescribeSecurityGroupRules", "DescribeSecurityGroups", "DescribeSubnets"),
            *("DescribeTags", "DescribeVolumes", "DescribeVpcAttribute", "DescribeVpcEndpoints", "DescribeVpcs"),
        ),
        actions=("ec2:Describe*",),
    ),
    needs(
        "operator",
        ANYTHING,
        *every("elbv2", "DescribeCapacityReservation", "DescribeLoadBalancerAttributes"),
        *every("elbv2", "DescribeTargetGroupAttributes"),
        actions=("elasticloadbalancing:Describe*",),
    ),
    needs(
        "operator",
        ANYTHING,
        *every("rds", "DescribeDBInstances", "DescribeDBParameterGroups", "DescribeDBParameters"),
        *every("rds", "DescribeDBSubnetGroups", "ListTagsForResource"),
        actions=("rds:Describe*", "rds:ListTagsForResource"),
    ),
    needs(
        "operator",
        ANYTHING,
        *every("cloudwatch", "GetDashboard"),
        *every("logs", "DescribeLogGroups", "ListTagsForResource"),
        *every("ssm", "DescribeParameters"),
        *every("kms", "ListAliases"),
    ),
    needs("operator", ANYTHING, "acm:DescribeCertificate"),
    needs(
        "operator",
        ANYTHING,
        *every("service-quotas", "GetServiceQuota", "GetAWSDefaultServiceQuota"),
        actions=("servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota"),
    ),
    needs("operator", ANYTHING, "ec2:DescribeAvailabilityZones", actions=("ec2:Describe*",)),
    needs("operator", GITHUB_PROVIDER, "iam:GetOpenIDConnectProvider"),
    needs("operator", ANYTHING, "sns:GetSubscriptionAttributes"),
    needs("operator", OWN, *every("sns", "GetTopicAttributes", "ListTagsForResource")),
    needs("operator", OWN, *every("kms", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags")),
    needs("operator", PARAMETERS, "ssm:ListTagsForResource", "ssm:GetParameters"),
    needs(
        "operator",
        BUCKETS,
        *every("s3", "HeadBucket", "GetBucketAccelerateConfiguration", "GetBucketAcl", "GetBucketCors"),
        *every("s3", "GetBucketEncryption", "GetBucketLifecycleConfiguration", "GetBucketLogging"),
        *every("s3", "GetBucketOwnershipControls", "GetBucketPolicy", "GetBucketReplication", "GetBucketTagging"),
        *every("s3", "GetBucketRequestPayment", "GetBucketVersioning", "GetBucketWebsite"),
        *every("s3", "GetObjectLockConfiguration", "GetPublicAccessBlock"),
        actions=(
            *("s3:ListBucket", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration"),
            *("s3:GetAccelerateConfiguration", "s3:GetReplicationConfiguration"),
        ),
    ),
    needs(
        "operator",
        MACHINE_ROLES,
        *every("iam", "GetInstanceProfile", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies"),
        *every("iam", "ListRolePolicies", "ListInstanceProfilesForRole"),
    ),
    needs(
        "operator",
        PEOPLES_ROLES,
        *every("iam", "GetPolicy", "GetPolicyVersion", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies"),
        *every("iam", "ListPolicyVersions", "ListRolePolicies"),
    ),
)

NETWORK = (
    needs(
        "operator",
        NOBODYS,
        "ec2:CreateTags",
        why="a thing gets its tags as it is made; what carries somebody's tags cannot be taken over",
    ),
    needs("operator", OWN, *every("ec2", "CreateTags", "DeleteTags")),
    needs("operator", new("subnet"), "ec2:CreateSubnet"),
    needs("operator", new("route-table"), "ec2:CreateRouteTable"),
    needs("operator", new("security-group"), "ec2:CreateSecurityGroup"),
    needs("operator", new("natgateway"), "ec2:CreateNatGateway"),
    needs("operator", new("elastic-ip"), "ec2:AllocateAddress"),
    needs("operator", new("security-group-rule"), *every("ec2", "AuthorizeSecurityGroupEgress")),
    needs("operator", new("security-group-rule"), *every("ec2", "AuthorizeSecurityGroupIngress")),
    needs(
        "operator",
        OWN,
        *every("ec2", "AllocateAddress", "AssociateAddress", "AssociateRouteTable", "AuthorizeSecurityGroupEgress"),
        *every("ec2", "AuthorizeSecurityGroupIngress", "CreateNatGateway", "CreateRoute", "CreateRouteTable"),
        *every("ec2", "CreateSecurityGroup", "CreateSubnet", "DeleteNatGateway", "DeleteRoute", "DeleteRouteTable"),
        *every("ec2", "DeleteSecurityGroup", "DeleteSubnet", "DisassociateAddress", "DisassociateRouteTable"),
        *every("ec2", "ModifySecurityGroupRules", "ModifySubnetAttribute", "ModifyVpcAttribute", "ModifyVpcEndpoint"),
        *every("ec2", "ReleaseAddress", "ReplaceRoute", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
    ),
    needs("administrator", new("vpc"), "ec2:CreateVpc"),
    needs("administrator", new("internet-gateway"), "ec2:CreateInternetGateway"),
    needs("administrator", new("vpc-endpoint"), "ec2:CreateVpcEndpoint"),
    needs("administrator", new("vpc-flow-log"), "ec2:CreateFlowLogs"),
    needs("administrator", ROLES_FOR_FLOW_LOGS, "ec2:CreateFlowLogs", actions=("iam:PassRole",)),
    needs(
        "administrator",
        GROUPS,
        *every("ec2", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
        why="a VPC's default group comes without tags, and is emptied before it gets them",
    ),
    needs(
        "administrator",
        OWN,
        *every("ec2", "AttachInternetGateway", "CreateFlowLogs", "CreateVpcEndpoint", "DeleteFlowLogs"),
        *every("ec2", "DeleteInternetGateway", "DeleteVpc", "DeleteVpcEndpoints", "DetachInternetGateway"),
    ),
)

SERVERS = (
    needs("operator", new("instance"), "ec2:RunInstances"),
    needs("operator", OWN, "ec2:RunInstances"),
    needs(
        "operator",
        PARTS_OF_SERVERS,
        "ec2:RunInstances",
        why="disks and network interfaces are made with a server and get its tags later; images are others'",
    ),
    needs("operator", ROLES_FOR_SERVERS, "ec2:RunInstances", actions=("iam:PassRole",)),
    needs(
        "operator",
        OWN,
        *every("ec2", "AssociateIamInstanceProfile", "DisassociateIamInstanceProfile", "ModifyInstanceAttribute"),
        *every("ec2", "ModifyInstanceMetadataOptions", "ModifyVolume", "ReplaceIamInstanceProfileAssociation"),
        *every("ec2", "StartInstances", "StopInstances", "TerminateInstances"),
    ),
    needs(
        "operator",
        MACHINE_ROLES,
        *every("iam", "AddRoleToInstanceProfile", "CreateInstanceProfile", "DeleteInstanceProfile", "DeleteRole"),
        *every("iam", "RemoveRoleFromInstanceProfile", "TagInstanceProfile", "TagRole", "UntagInstanceProfile"),
        *every("iam", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole"),
    ),
    needs(
        "operator",
        BOUNDED_ROLES,
        *every("iam", "CreateRole", "DeleteRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy"),
    ),
)

BALANCER = (
    needs("operator", NEW, *every("elbv2", "CreateListener", "CreateTargetGroup", "CreateLoadBalancer")),
    needs("operator", NOBODYS, "elbv2:AddTags", why="a thing gets its tags as it is made"),
    needs(
        "operator",
        OWN,
        *every("elbv2", "AddTags", "DeleteListener", "DeleteTargetGroup"),
        *every("elbv2", "ModifyLoadBalancerAttributes", "ModifyTargetGroup", "ModifyTargetGroupAttributes"),
        *every("elbv2", "RemoveTags", "SetSecurityGroups", "SetSubnets"),
    ),
    needs("administrator", OWN, "elbv2:DeleteLoadBalancer"),
    needs("administrator", ACCOUNTS_ROLES, *every("elbv2", "CreateLoadBalancer"), *every("rds", "CreateDBInstance"),
          actions=("iam:CreateServiceLinkedRole",),
          why="AWS makes the roles of its own services with the first balancer and database of an account"),
)  # fmt: skip

MONITORING = (
    needs("operator", NEW, "cloudwatch:PutMetricAlarm", "logs:CreateLogGroup", "sns:CreateTopic"),
    needs("operator", NOBODYS, "cloudwatch:TagResource", "logs:TagResource", "sns:TagResource",
          why="a thing gets its tags as it is made"),
    needs("operator", OWN, *every("cloudwatch", "DeleteAlarms", "TagResource", "UntagResource")),
    needs("operator", DASHBOARDS, *every("cloudwatch", "DeleteDashboards", "PutDashboard")),
    needs("operator", OWN, *every("logs", "AssociateKmsKey", "PutRetentionPolicy", "TagResource", "UntagResource")),
    needs("operator", OWN, *every("sns", "SetTopicAttributes", "Subscribe", "TagResource", "UntagResource")),
    needs("operator", ANYTHING, *every("sns", "SetSubscriptionAttributes", "Unsubscribe"),
          why="IAM cannot tell the subscriptions of one topic from those of another"),
    needs("administrator", OWN, "logs:DeleteLogGroup", "sns:DeleteTopic"),
)  # fmt: skip

STORAGE = (
    needs(
        "operator",
        BUCKETS,
        "s3:PutBucketEncryption",
        "s3:PutBucketPolicy",
        "s3:PutBucketTagging",
        "s3:PutPublicAccessBlock",
        actions=(
            *("s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging"),
            "s3:PutEncryptionConfiguration",
        ),
    ),
    needs(
        "administrator",
        BUCKETS,
        *every("s3", "CreateBucket", "DeleteBucket", "DeleteBucketEncryption", "DeleteBucketLifecycle"),
        *every("s3", "DeleteBucketPolicy", "DeletePublicAccessBlock", "ListObjectVersions"),
        *every("s3", "PutBucketLifecycleConfiguration", "PutBucketVersioning", "PutObjectLockConfiguration"),
        actions=(
            *("s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:ListBucketVersions"),
            *("s3:PutBucketObjectLockConfiguration", "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning"),
            *("s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"),
        ),
    ),
    needs(
        "administrator",
        OBJECTS,
        "s3:DeleteObjects",
        actions=("s3:DeleteObject", "s3:DeleteObjectVersion"),
    ),
    needs("operator", NOBODYS, "kms:TagResource", why="a key gets its tags as it is made"),
    needs("operator", OWN, *every("kms", "EnableKeyRotation", "TagResource", "UntagResource", "UpdateKeyDescription")),
    needs("administrator", NEW_KEY, "kms:CreateKey"),
    needs("administrator", ALIASES, *every("kms", "CreateAlias", "DeleteAlias")),
    needs("administrator", OWN, *every("kms", "CreateAlias", "DeleteAlias", "PutKeyPolicy", "ScheduleKeyDeletion")),
)

DATABASE = (
    needs("operator", NEW, *every("rds", "CreateDBParameterGroup", "CreateDBSubnetGroup")),
    needs("operator", NOBODYS, "rds:AddTagsToResource", why="a thing gets its tags as it is made"),
    needs(
        "operator",
        OWN,
        *every("rds", "AddTagsToResource", "DeleteDBParameterGroup", "DeleteDBSubnetGroup", "ModifyDBInstance"),
        *every("rds", "ModifyDBParameterGroup", "ModifyDBSubnetGroup", "RemoveTagsFromResource"),
        *every("rds", "ResetDBParameterGroup"),
    ),
    needs("operator", PARAMETERS, *every("ssm", "AddTagsToResource", "PutParameter", "RemoveTagsFromResource")),
    needs("administrator", NEW, "rds:CreateDBInstance"),
    needs(
        "administrator",
        DATABASE_SECRETS,
        "rds:CreateDBInstance",
        actions=("secretsmanager:CreateSecret", "secretsmanager:TagResource"),
    ),
    needs("administrator", OWN, "rds:DeleteDBInstance"),
    needs("administrator", NEW, "rds:DeleteDBInstance", actions=("rds:CreateDBSnapshot",)),
    needs("administrator", PARAMETERS, "ssm:DeleteParameter"),
)

# What comes before the first `up` and stays after a destroy.
FOUNDING = (
    needs("administrator", LEDGER, *every("dynamodb", "CreateTable", "DescribeTable", "UpdateContinuousBackups"),
          actions=("dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:TagResource",
                   "dynamodb:UpdateContinuousBackups")),
    needs("administrator", SECRETS, *every("secretsmanager", "CreateSecret", "PutSecretValue"),
          actions=("secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:TagResource")),
    needs("administrator", STATE_KEY, "kms:DescribeKey"),
    needs("administrator", STATE_BUCKET, *every("s3", "CreateBucket", "HeadBucket", "PutBucketVersioning"),
          *every("s3", "PutPublicAccessBlock"),
          actions=("s3:CreateBucket", "s3:ListBucket", "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning")),
    needs("administrator", STATE_FORMAT, "s3:PutObject"),
    needs("administrator", STATE, "s3:DeleteObject"),
    needs("administrator", GITHUB_PROVIDER, *every("iam", "AddClientIDToOpenIDConnectProvider"),
          *every("iam", "CreateOpenIDConnectProvider", "GetOpenIDConnectProvider"),
          actions=("iam:AddClientIDToOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider",
                   "iam:GetOpenIDConnectProvider", "iam:TagOpenIDConnectProvider")),
    needs("administrator", PEOPLES_ROLES,
          *every("iam", "AttachRolePolicy", "CreatePolicy", "CreatePolicyVersion", "CreateRole", "DeletePolicy"),
          *every("iam", "DeletePolicyVersion", "DeleteRole", "DetachRolePolicy", "TagPolicy", "TagRole"),
          *every("iam", "UntagPolicy", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole")),
)  # fmt: skip

# The secrets of the application: whoever deploys names a version of them, and reads none.
CONFIGURING = (
    needs("operator", CONFIGURATION, *every("secretsmanager", "CreateSecret", "GetSecretValue"),
          actions=("secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "secretsmanager:TagResource")),
    needs("pruner", CONFIGURATION, "secretsmanager:DeleteSecret"),
    needs("pruner", CONFIGURED, "s3:DeleteObjects", actions=("s3:DeleteObject", "s3:DeleteObjectVersion")),
)  # fmt: skip

PRUNING = (
    needs("pruner", OWN_SNAPSHOTS, "rds:DeleteDBSnapshot"),
    needs("pruner", BACKUPS, "s3:DeleteObjects", actions=("s3:DeleteObject", "s3:DeleteObjectVersion")),
    needs("pruner", ARTIFACT_BYTES, "s3:DeleteObjects", actions=("s3:DeleteObject", "s3:DeleteObjectVersion")),
    needs("pruner", ARTIFACT_BYTES, "s3:HeadObject", actions=("s3:GetObjectLegalHold", "s3:GetObjectRetention")),
    needs("pruner", KEPT_BUCKETS, "s3:ListObjectVersions", actions=("s3:ListBucketVersions",)),
    needs("pruner", LEDGER, "dynamodb:TransactWriteItems", actions=("dynamodb:ConditionCheckItem", "dynamodb:PutItem")),
)

# Whoever reads an environment sees the demos on it, and tick looks what is due. To make and to end one takes whoever
# may make servers, balancers and roles: no role of an environment may, as these are not the environment's.
OF_DEMOS = (
    needs("approver", DEMOS, *every("dynamodb", "GetItem", "Scan")),
    needs("administrator", DEMOS, *every("dynamodb", "CreateTable", "DescribeTable", "UpdateContinuousBackups"),
          *every("dynamodb", "DeleteItem", "PutItem"),
          actions=("dynamodb:CreateTable", "dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:PutItem",
                   "dynamodb:TagResource", "dynamodb:UpdateContinuousBackups")),
    needs("administrator", DEMO_SECRETS, *every("secretsmanager", "CreateSecret", "DeleteSecret", "GetSecretValue"),
          actions=("secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue",
                   "secretsmanager:TagResource")),
    needs("administrator", ANYTHING, *every("iam", "ListInstanceProfiles", "ListRoles")),
)  # fmt: skip

TABLE = (
    *READING,
    *DEPLOYING,
    *DOORS,
    *STATE_BACKEND,
    *LOOKING,
    *NETWORK,
    *SERVERS,
    *BALANCER,
    *MONITORING,
    *STORAGE,
    *DATABASE,
    *FOUNDING,
    *CONFIGURING,
    *PRUNING,
    *OF_DEMOS,
)
