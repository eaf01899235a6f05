"""Every rule in both directions: what it lets pass, and what it refuses in which words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from policy import permissions
from policy.resources import (
    BUCKET,
    BUCKET_CLOSED,
    BUCKET_ENCRYPTION,
    BUCKET_LOCK,
    BUCKET_POLICY,
    BUCKET_VERSIONS,
    DATABASE,
    DATABASE_PARAMETERS,
    DEFAULT_GROUP,
    GROUP,
    GROUP_INGRESS,
    INSTANCE,
    KEY,
    LISTENER,
    LOAD_BALANCER,
    LOG_GROUP,
    ROLE,
    TOPIC,
    UNKNOWN,
    VPC,
    Environment,
    Resource,
)
from policy.rules import RULES, faults
from settings.model import Settings
from tests.components.recording import settings_of

PROD, DEV = settings_of("prod"), settings_of("dev")
PROD_IN_THE_CLEAR = PROD.model_copy(
    update={
        "load_balancer": PROD.load_balancer.model_copy(update={"certificate": None, "domain": None}),
        "database": PROD.database.model_copy(update={"tls": False}),
    }
)
ARTIFACTS = PROD.names.artifact_bucket
BY_NAME = {rule.name: rule for rule in RULES}
POLICY = "aws:iam/rolePolicy:RolePolicy"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
GITHUB = "token.actions.githubusercontent.com"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A resource, what was declared for it, and what the rule says: "" for nothing."""

    type: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    protect: bool = False
    provider: Mapping[str, Any] | None = None
    settings: Settings = PROD
    tracked: Settings = PROD
    says: str = ""


def said(rule: str, case: Case) -> list[str]:
    one = resource(case.type, case.inputs, protect=case.protect, provider=case.provider)
    beside = tuple(resource(type, inputs, after=frozenset({one.urn})) for type, inputs in case.beside.items())
    environment = Environment(settings=case.settings, tracked=case.tracked, resources=(one, *beside))
    return faults(BY_NAME[rule], one, environment)


def resource(type: str, inputs: Mapping[str, Any], **values: Any) -> Resource:
    return Resource(urn=f"urn:pulumi:prod::stageline::{type}::one", type=type, name="one", inputs=inputs, **values)


def allow(action: object, resource: object = "arn:aws:s3:::own/*", **others: object) -> dict[str, str]:
    """The inputs of a resource with a policy of one statement."""
    return {"policy": statements({"Effect": "Allow", "Action": action, "Resource": resource, **others})}


def statements(*every: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(every)})


def trust(principal: object, **others: object) -> dict[str, str]:
    """The inputs of a role that a principal may assume."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **others}
    return {"assumeRolePolicy": statements(statement)}


def github(subject: object) -> dict[str, str]:
    condition = {"StringEquals": {f"{GITHUB}:sub": subject, f"{GITHUB}:aud": "sts.amazonaws.com"}}
    return trust({"Federated": f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}"}, Condition=condition)


def ingress(port: int, block: str, **others: object) -> dict[str, Any]:
    return {"ipProtocol": "tcp", "fromPort": float(port), "toPort": float(port), "cidrIpv4": block, **others}


def encryption(algorithm: str) -> dict[str, Any]:
    return {BUCKET_ENCRYPTION: {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}}]}}


def lock(mode: str) -> dict[str, Any]:
    return {BUCKET_LOCK: {"rule": {"defaultRetention": {"mode": mode, "days": 30.0}}}}


TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::own", "arn:aws:s3:::own/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
CLOSED = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
TOKENS = {"httpTokens": "required", "httpPutResponseHopLimit": 1.0}
KEPT = {"bucket": ARTIFACTS}
MYSQL = {"engine": "mysql", "engineVersion": "8.4"}
TAGS = {"defaultTags": {"tags": PROD.tags}}
MODERN, OLD = "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08"
REDIRECT = {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
FORWARD = {"type": "forward", "targetGroupArn": "arn"}

CASES: dict[str, dict[str, Case]] = {
    "bucket-encrypted": {
        "by S3": Case(type=BUCKET, beside=encryption("AES256")),
        "by KMS": Case(type=BUCKET, beside=encryption("aws:kms")),
        "not stated": Case(type=BUCKET, says="add one"),
        "by an unknown algorithm": Case(type=BUCKET, beside=encryption("ROT13"), says="AES256"),
    },
    "bucket-tls-only": {
        "denied": Case(type=BUCKET, beside={BUCKET_POLICY: {"policy": statements(TLS_ONLY)}}),
        "not known yet": Case(type=BUCKET, beside={BUCKET_POLICY: {"policy": UNKNOWN}}),
        "no policy": Case(type=BUCKET, says="aws:SecureTransport is false"),
        "denied for one action": Case(
            type=BUCKET,
            beside={BUCKET_POLICY: {"policy": statements({**TLS_ONLY, "Action": "s3:GetObject"})}},
            says="aws:SecureTransport is false",
        ),
        "denied on the bucket alone": Case(
            type=BUCKET,
            beside={BUCKET_POLICY: {"policy": statements({**TLS_ONLY, "Resource": "arn:aws:s3:::own"})}},
            says="aws:SecureTransport is false",
        ),
        "allowed": Case(
            type=BUCKET,
            beside={BUCKET_POLICY: {"policy": statements({**TLS_ONLY, "Effect": "Allow"})}},
            says="aws:SecureTransport is false",
        ),
    },
    "database-encrypted": {
        "encrypted": Case(type=DATABASE, inputs={"storageEncrypted": True, "kmsKeyId": "own"}),
        "with a key to be made": Case(type=DATABASE, inputs={"storageEncrypted": True, "kmsKeyId": UNKNOWN}),
        "not stated": Case(type=DATABASE, inputs={"kmsKeyId": "own"}, says="storage_encrypted=True"),
        "in the clear": Case(
            type=DATABASE, inputs={"storageEncrypted": False, "kmsKeyId": "own"}, says="storage_encrypted=True"
        ),
        "with AWS's key": Case(type=DATABASE, inputs={"storageEncrypted": True}, says="set kms_key_id"),
    },
    "database-tls-only": {
        "PostgreSQL 17": Case(type=DATABASE, inputs={"engine": "postgres", "engineVersion": "17.4"}),
        "MySQL with parameters": Case(type=DATABASE, inputs={**MYSQL, "parameterGroupName": "own"}),
        "MySQL with parameters to be made": Case(type=DATABASE, inputs={**MYSQL, "parameterGroupName": UNKNOWN}),
        "PostgreSQL 14": Case(
            type=DATABASE, inputs={"engine": "postgres", "engineVersion": "14.9"}, says="answers without TLS"
        ),
        "MySQL": Case(type=DATABASE, inputs=MYSQL, says="answers without TLS"),
        "switched off in the stack file": Case(
            type=DATABASE,
            inputs={"parameterGroupName": "own"},
            tracked=PROD_IN_THE_CLEAR,
            says="Pulumi.prod.yaml must leave database.tls true",
        ),
        "switched off on the local cloud": Case(
            type=DATABASE, inputs={"parameterGroupName": "own"}, settings=PROD_IN_THE_CLEAR
        ),
    },
    "parameters-tls-only": {
        "parameters of PostgreSQL": Case(
            type=DATABASE_PARAMETERS, inputs={"parameters": [{"name": "rds.force_ssl", "value": "1"}]}
        ),
        "parameters of MySQL": Case(
            type=DATABASE_PARAMETERS, inputs={"parameters": [{"name": "require_secure_transport", "value": "on"}]}
        ),
        "switched off on the local cloud": Case(type=DATABASE_PARAMETERS, settings=PROD_IN_THE_CLEAR),
        "parameters that turn it off": Case(
            type=DATABASE_PARAMETERS,
            inputs={"parameters": [{"name": "rds.force_ssl", "value": "0"}]},
            says="does not force TLS",
        ),
        "other parameters": Case(type=DATABASE_PARAMETERS, says="does not force TLS"),
    },
    "database-own-password": {
        "by RDS": Case(type=DATABASE, inputs={"manageMasterUserPassword": True}),
        "not stated": Case(type=DATABASE, says="manage_master_user_password=True"),
        "by both": Case(
            type=DATABASE, inputs={"manageMasterUserPassword": True, "password": "canary"}, says="no password"
        ),
    },
    "disk-encrypted": {
        "root": Case(type=INSTANCE, inputs={"rootBlockDevice": {"encrypted": True}}),
        "volume": Case(type="aws:ebs/volume:Volume", inputs={"encrypted": True}),
        "root not stated": Case(type=INSTANCE, says="disk in the clear"),
        "second disk in the clear": Case(
            type=INSTANCE,
            inputs={"rootBlockDevice": {"encrypted": True}, "ebsBlockDevices": [{"encrypted": False}]},
            says="disk in the clear",
        ),
        "volume in the clear": Case(type="aws:ebs/volume:Volume", says="disk in the clear"),
    },
    "topic-encrypted": {
        "with a key": Case(type=TOPIC, inputs={"kmsMasterKeyId": "alias/aws/sns"}),
        "with a key to be made": Case(type=TOPIC, inputs={"kmsMasterKeyId": UNKNOWN}),
        "without": Case(type=TOPIC, says="kms_master_key_id"),
    },
    "logs-encrypted": {
        "with a key and days": Case(type=LOG_GROUP, inputs={"kmsKeyId": "arn:of:a-key", "retentionInDays": 30}),
        "with a key to be made": Case(type=LOG_GROUP, inputs={"kmsKeyId": UNKNOWN, "retentionInDays": 30}),
        "with AWS's key": Case(type=LOG_GROUP, inputs={"retentionInDays": 30}, says="kms_key_id"),
        "for ever": Case(type=LOG_GROUP, inputs={"kmsKeyId": "arn:of:a-key"}, says="retention_in_days"),
        "for ever, said so": Case(
            type=LOG_GROUP, inputs={"kmsKeyId": "arn:of:a-key", "retentionInDays": 0}, says="retention_in_days"
        ),
    },
    "key-rotated": {
        "rotated": Case(type=KEY, inputs={"enableKeyRotation": True}),
        "signs": Case(type=KEY, inputs={"keyUsage": "SIGN_VERIFY"}),
        "not rotated": Case(type=KEY, says="enable_key_rotation=True"),
    },
    "no-secret-in-state": {
        "a secret without a value": Case(type="aws:secretsmanager/secret:Secret"),
        "a value": Case(type="aws:secretsmanager/secretVersion:SecretVersion", says="stack's state"),
        "an access key": Case(type="aws:iam/accessKey:AccessKey", says="stack's state"),
        "a password": Case(type="random:index/randomPassword:RandomPassword", says="stack's state"),
    },
    "listener-tls": {
        "modern": Case(type=LISTENER, inputs={"protocol": "HTTPS", "sslPolicy": MODERN}),
        "sends to HTTPS": Case(type=LISTENER, inputs={"protocol": "HTTP", "defaultActions": [REDIRECT]}),
        "no certificate": Case(type=LISTENER, inputs={"protocol": "HTTP"}, settings=DEV, tracked=DEV),
        "no certificate on the local cloud": Case(
            type=LISTENER, inputs={"protocol": "HTTP"}, settings=PROD_IN_THE_CLEAR
        ),
        "old": Case(type=LISTENER, inputs={"protocol": "HTTPS", "sslPolicy": OLD}, says="takes old TLS"),
        "AWS's choice": Case(type=LISTENER, inputs={"protocol": "HTTPS"}, says="takes old TLS (None)"),
        "plain": Case(
            type=LISTENER, inputs={"protocol": "HTTP", "defaultActions": [FORWARD]}, says="although there is a certif"
        ),
        "sends some to HTTPS": Case(
            type=LISTENER, inputs={"protocol": "HTTP", "defaultActions": [REDIRECT, FORWARD]}, says="protocol to HTTPS"
        ),
    },
    "bucket-closed": {
        "closed": Case(type=BUCKET, beside={BUCKET_CLOSED: CLOSED}),
        "not stated": Case(type=BUCKET, says="BucketPublicAccessBlock"),
        "one lock open": Case(
            type=BUCKET, beside={BUCKET_CLOSED: {**CLOSED, "restrictPublicBuckets": False}}, says="to the public"
        ),
    },
    "bucket-acl-private": {
        "private": Case(type="aws:s3/bucketAcl:BucketAcl", inputs={"acl": "private"}),
        "public": Case(type="aws:s3/bucketAcl:BucketAcl", inputs={"acl": "public-read"}, says="the ACL public-read"),
    },
    "database-private": {
        "private": Case(type=DATABASE, inputs={"publiclyAccessible": False}),
        "not stated": Case(type=DATABASE, says="publicly_accessible=False"),
        "public": Case(type=DATABASE, inputs={"publiclyAccessible": True}, says="publicly_accessible=False"),
    },
    "world-reaches-live-only": {
        "live": Case(type=GROUP_INGRESS, inputs=ingress(443, "0.0.0.0/0")),
        "live by IPv6": Case(type=GROUP_INGRESS, inputs={**ingress(443, ""), "cidrIpv4": None, "cidrIpv6": "::/0"}),
        "SSH for an office": Case(type=GROUP_INGRESS, inputs=ingress(22, "203.0.113.0/24")),
        "SSH for a group": Case(type=GROUP_INGRESS, inputs={**ingress(22, ""), "cidrIpv4": None}),
        "a block to be made": Case(type=GROUP_INGRESS, inputs={**ingress(22, ""), "cidrIpv4": UNKNOWN}),
        "SSH": Case(type=GROUP_INGRESS, inputs=ingress(22, "0.0.0.0/0"), says="0.0.0.0/0 reach ports 22"),
        "SSH by IPv6": Case(type=GROUP_INGRESS, inputs=ingress(22, "10.0.0.0/8", cidrIpv6="::/0"), says="::/0 reach"),
        "SSH for half the world": Case(type=GROUP_INGRESS, inputs=ingress(22, "128.0.0.0/1"), says="128.0.0.0/1"),
        "preview": Case(type=GROUP_INGRESS, inputs=ingress(8443, "0.0.0.0/0"), says="are for everyone"),
        "a range around live": Case(
            type=GROUP_INGRESS, inputs=ingress(443, "0.0.0.0/0", toPort=8443.0), says="ports 443.0 to 8443.0"
        ),
        "all protocols": Case(
            type=GROUP_INGRESS, inputs={"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}, says="are for everyone"
        ),
    },
    "group-without-rules-inside": {
        "group": Case(type=GROUP),
        "default group": Case(type=DEFAULT_GROUP, inputs={"ingress": [], "egress": []}),
        "ingress": Case(type=GROUP, inputs={"ingress": [{"protocol": "-1"}]}, says="rules inside"),
        "default group with egress": Case(type=DEFAULT_GROUP, inputs={"egress": [{}]}, says="has none at all"),
    },
    "default-group-emptied": {
        "emptied": Case(type=VPC, beside={DEFAULT_GROUP: {}}),
        "left": Case(type=VPC, says="default security group"),
    },
    "imdsv2": {
        "required": Case(type=INSTANCE, inputs={"metadataOptions": TOKENS}),
        "optional": Case(
            type=INSTANCE, inputs={"metadataOptions": {**TOKENS, "httpTokens": "optional"}}, says="IMDSv1"
        ),
        "two hops": Case(
            type=INSTANCE, inputs={"metadataOptions": {**TOKENS, "httpPutResponseHopLimit": 2.0}}, says="to 1"
        ),
    },
    "balancer-strict-headers": {
        "drops": Case(type=LOAD_BALANCER, inputs={"dropInvalidHeaderFields": True}),
        "passes on": Case(type=LOAD_BALANCER, says="drop_invalid_header_fields=True"),
    },
    "no-star": {
        "named": Case(type=POLICY, inputs=allow("s3:GetObject")),
        "objects below a prefix": Case(type=POLICY, inputs=allow("s3:PutObject", "arn:aws:s3:::own/artifacts/*")),
        "a secret's random end": Case(
            type=POLICY,
            inputs=allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu:1:secret:stageline/prod/x-??????"),
        ),
        "harmless on everything": Case(type=POLICY, inputs=allow(["ec2:Describe*", "s3:ListAllMyBuckets"], "*")),
        "denied": Case(type=POLICY, inputs={"policy": statements({**TLS_ONLY, "Resource": "*"})}),
        "not known yet": Case(type=POLICY, inputs={"policy": UNKNOWN}),
        "exempted": Case(type=POLICY, inputs=allow("cloudwatch:PutMetricData", "*")),
        "a key's own policy": Case(type=KEY, inputs=allow("kms:*", "*", Principal={"AWS": "arn:aws:iam::1:root"})),
        "a role's trust": Case(type=ROLE, inputs=trust({"Service": "ec2.amazonaws.com"})),
        "any instance of this environment": Case(
            type=POLICY,
            inputs=allow("ec2:StopInstances", "*", Condition={"StringEquals": {"aws:ResourceTag/environment": "prod"}}),
        ),
        "any instance with any tag": Case(
            type=POLICY,
            inputs=allow("ec2:StopInstances", "*", Condition={"StringLike": {"aws:ResourceTag/environment": "*"}}),
            says="allows ec2:StopInstances on *",
        ),
        "any instance without another tag": Case(
            type=POLICY,
            inputs=allow(
                "ec2:StopInstances", "*", Condition={"StringEqualsIfExists": {"aws:ResourceTag/environment": "prod"}}
            ),
            says="allows ec2:StopInstances on *",
        ),
        "any instance by TLS": Case(
            type=POLICY,
            inputs=allow("ec2:StopInstances", "*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
            says="allows ec2:StopInstances on *",
        ),
        "all actions on what is named": Case(
            type=POLICY,
            inputs=allow("ec2:*", "*", Condition={"StringEquals": {"aws:ResourceTag/environment": "prod"}}),
            says="allows ec2:*",
        ),
        "everything": Case(type=POLICY, inputs=allow("*", "*"), says="allows *: name the actions"),
        "writes by pattern": Case(type=POLICY, inputs=allow("s3:Put*"), says="allows s3:Put*"),
        "reads contents by pattern": Case(type=POLICY, inputs=allow("ssm:Get*"), says="allows ssm:Get*"),
        "one of several": Case(type=POLICY, inputs=allow(["s3:GetObject", "iam:*"]), says="allows iam:*"),
        "writes anywhere": Case(type=POLICY, inputs=allow("s3:PutObject", "*"), says="on *: name the resource"),
        "reads secrets anywhere": Case(
            type=POLICY, inputs=allow("secretsmanager:GetSecretValue", "*"), says="on *: name the resource"
        ),
        "any bucket": Case(type=POLICY, inputs=allow("s3:PutObject", "arn:aws:s3:::*/*"), says="arn:aws:s3:::*/*"),
        "any role": Case(type=POLICY, inputs=allow("iam:PassRole", "arn:aws:iam::1:role/*"), says="role/*: name"),
        "any log group": Case(
            type=POLICY, inputs=allow("logs:PutLogEvents", "arn:aws:logs:e:1:log-group:*"), says=":*"
        ),
        "any service": Case(type=POLICY, inputs=allow("s3:PutObject", "arn:aws:*"), says="arn:aws:*"),
        "exempted elsewhere": Case(type=POLICY, inputs=allow("kms:*", "*"), says="allows kms:*"),
    },
    "nothing-inverted": {
        "said": Case(type=POLICY, inputs=allow("s3:GetObject")),
        "all actions but": Case(
            type=POLICY,
            inputs={"policy": statements({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})},
            says="NotAction",
        ),
        "all resources but": Case(type=POLICY, inputs=allow("s3:GetObject", NotResource="a"), says="NotResource"),
        "everyone but": Case(type=BUCKET_POLICY, inputs=allow("s3:GetObject", NotPrincipal="a"), says="NotPrincipal"),
    },
    "nobody-is-everyone": {
        "a service": Case(type=ROLE, inputs=trust({"Service": "ec2.amazonaws.com"})),
        "an account": Case(type=BUCKET_POLICY, inputs=allow("s3:GetObject", Principal={"AWS": "arn:aws:iam::1:root"})),
        "everyone through an endpoint": Case(type=ENDPOINT, inputs=allow("s3:GetObject", Principal="*")),
        "everyone is denied": Case(type=BUCKET_POLICY, inputs={"policy": statements(TLS_ONLY)}),
        "one workflow": Case(type=ROLE, inputs=github("repo:own/app:environment:prod")),
        "everyone": Case(type=BUCKET_POLICY, inputs=allow("s3:GetObject", Principal="*"), says="allows everyone"),
        "every account": Case(type=ROLE, inputs=trust({"AWS": "*"}), says="allows everyone"),
        "all workflows of a repository": Case(type=ROLE, inputs=github("repo:own/app:*"), says="trusts all of GitHub"),
        "one workflow or all": Case(
            type=ROLE, inputs=github(["repo:own/app:environment:prod", "*"]), says="trusts all of GitHub"
        ),
        "no condition": Case(type=ROLE, inputs=trust({"Federated": f"arn/{GITHUB}"}), says=f"{GITHUB}:sub"),
    },
    "no-administrator": {
        "none": Case(type=ROLE),
        "one of AWS's small ones": Case(
            type=ATTACHMENT, inputs={"policyArn": "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"}
        ),
        "own": Case(type=ATTACHMENT, inputs={"policyArn": UNKNOWN}),
        "administrator": Case(
            type=ATTACHMENT, inputs={"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, says="Administrator"
        ),
        "all of a service": Case(
            type=ROLE, inputs={"managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]}, says="S3FullAcc"
        ),
    },
    "tagged": {
        "by the provider": Case(type=BUCKET, provider=TAGS),
        "by the provider, from the engine": Case(
            type=BUCKET, provider={"defaultTags": json.dumps({"tags": PROD.tags})}
        ),
        "with tags of its own": Case(type=BUCKET, provider=TAGS, inputs={"tags": {"Name": "one"}}),
        "no AWS resource": Case(type="command:remote:Command"),
        "another provider": Case(type=BUCKET, says="lacks the tags environment, managed-by, owner, project"),
        "another environment's provider": Case(
            type=BUCKET, provider={"defaultTags": {"tags": DEV.tags}}, says="lacks the tags environment: "
        ),
        "another owner": Case(type=BUCKET, provider=TAGS, inputs={"tags": {"owner": "me"}}, says="in the tags owner"),
    },
    "snapshot-tagged": {
        "copied": Case(type=DATABASE, inputs={"copyTagsToSnapshot": True}),
        "not copied": Case(type=DATABASE, says="copy_tags_to_snapshot=True"),
    },
    "kept": {
        "database": Case(type=DATABASE, protect=True),
        "bucket": Case(type=BUCKET, inputs=KEPT, protect=True),
        "signing key": Case(type=KEY, inputs={"keyUsage": "SIGN_VERIFY"}, protect=True),
        "a bucket of logs": Case(type=BUCKET, inputs={"bucket": UNKNOWN}),
        "database of dev": Case(type=DATABASE, settings=DEV, tracked=DEV),
        "database without": Case(type=DATABASE, says="protect=True"),
        "bucket without": Case(type=BUCKET, inputs=KEPT, says="protect=True"),
        "signing key without": Case(type=KEY, inputs={"keyUsage": "SIGN_VERIFY"}, says="protect=True"),
    },
    "deletion-protection": {
        "database": Case(type=DATABASE, inputs={"deletionProtection": True}),
        "balancer": Case(type=LOAD_BALANCER, inputs={"enableDeletionProtection": True}),
        "database of dev": Case(type=DATABASE, settings=DEV, tracked=DEV),
        "database without": Case(type=DATABASE, inputs={"deletionProtection": False}, says="by one call"),
        "balancer without": Case(type=LOAD_BALANCER, says="by one call"),
    },
    "multi-az": {
        "two zones": Case(type=DATABASE, inputs={"multiAz": True}),
        "one zone in dev": Case(type=DATABASE, settings=DEV, tracked=DEV),
        "one zone": Case(type=DATABASE, inputs={"multiAz": False}, says="multi_az=True"),
    },
    "final-snapshot": {
        "named": Case(type=DATABASE, inputs={"skipFinalSnapshot": False, "finalSnapshotIdentifier": UNKNOWN}),
        "none in dev": Case(type=DATABASE, settings=DEV, tracked=DEV),
        "skipped": Case(type=DATABASE, inputs={"skipFinalSnapshot": True}, says="without a trace"),
        "no name": Case(type=DATABASE, inputs={"skipFinalSnapshot": False}, says="final_snapshot_identifier"),
    },
    "backup-days": {
        "a week": Case(type=DATABASE, inputs={"backupRetentionPeriod": 7.0}),
        "a day in dev": Case(type=DATABASE, inputs={"backupRetentionPeriod": 1.0}, settings=DEV, tracked=DEV),
        "six days": Case(type=DATABASE, inputs={"backupRetentionPeriod": 6.0}, says="for 6 days"),
        "not stated": Case(type=DATABASE, says="for 0 days"),
    },
    "versions-kept": {
        "enabled": Case(
            type=BUCKET, inputs=KEPT, beside={BUCKET_VERSIONS: {"versioningConfiguration": {"status": "Enabled"}}}
        ),
        "a bucket of logs": Case(type=BUCKET, inputs={"bucket": "logs"}),
        "not stated": Case(type=BUCKET, inputs=KEPT, says="status Enabled"),
        "suspended": Case(
            type=BUCKET,
            inputs=KEPT,
            beside={BUCKET_VERSIONS: {"versioningConfiguration": {"status": "Suspended"}}},
            says="status Enabled",
        ),
    },
    "objects-locked": {
        "governance": Case(type=BUCKET, inputs=KEPT, beside=lock("GOVERNANCE")),
        "compliance": Case(type=BUCKET, inputs=KEPT, beside=lock("COMPLIANCE")),
        "a bucket of logs": Case(type=BUCKET, inputs={"bucket": "logs"}),
        "dev": Case(type=BUCKET, inputs={"bucket": DEV.names.artifact_bucket}, settings=DEV, tracked=DEV),
        "not locked": Case(type=BUCKET, inputs=KEPT, says="lock its objects"),
    },
    "bucket-not-emptied": {
        "kept": Case(type=BUCKET, inputs={"forceDestroy": False}),
        "emptied in dev": Case(type=BUCKET, inputs={"forceDestroy": True}, settings=DEV, tracked=DEV),
        "emptied": Case(type=BUCKET, inputs={"forceDestroy": True}, says="force_destroy=False"),
    },
    "users-by-tls": {
        "a certificate": Case(type=LOAD_BALANCER),
        "none on the local cloud": Case(type=LOAD_BALANCER, settings=PROD_IN_THE_CLEAR),
        "none in dev": Case(type=LOAD_BALANCER, settings=DEV, tracked=DEV),
        "none": Case(
            type=LOAD_BALANCER,
            settings=PROD_IN_THE_CLEAR,
            tracked=PROD_IN_THE_CLEAR,
            says="Pulumi.prod.yaml must state a load_balancer.certificate",
        ),
    },
}
TABLE = [
    pytest.param(rule, case, id=f"{rule}: {name}") for rule, cases in CASES.items() for name, case in cases.items()
]


@pytest.mark.parametrize(("rule", "case"), TABLE)
def test_a_rule_says_what_is_wrong_and_nothing_where_all_is_well(rule: str, case: Case) -> None:
    found = said(rule, case)
    assert bool(found) == bool(case.says)
    assert case.says in "\n".join(found)


def test_every_rule_is_tried_in_both_directions() -> None:
    tried = {rule: {bool(case.says) for case in cases.values()} for rule, cases in CASES.items()}
    assert tried == {rule.name: {True, False} for rule in RULES}


def test_what_is_wrong_in_two_ways_is_said_twice() -> None:
    assert len(said("no-star", Case(type=POLICY, inputs=allow("iam:*", "*")))) == 2


@pytest.mark.parametrize("other", [{"type": ROLE}, {"name": "b"}, {"action": "s3:Get*"}, {"resource": "arn"}], ids=str)
def test_an_exemption_is_for_what_it_names_only(other: dict[str, str]) -> None:
    entry = permissions.Exemption(type=POLICY, name="one", action="s3:Put*", resource="*", reason="it has to be")
    one = resource(POLICY, {})
    assert permissions.is_exempted(one, "s3:Put*", "*", [entry])
    assert not permissions.is_exempted(one, "s3:Put*", "*", [replace(entry, **other)])


def test_the_boundary_may_be_wide_and_no_other_policy() -> None:
    wide = allow("s3:*", "*")
    boundary = replace(resource("aws:iam/policy:Policy", wide), name="env-access-boundary")
    environment = Environment(settings=PROD, tracked=PROD)
    assert faults(BY_NAME["no-star"], boundary, environment) == []
    assert faults(BY_NAME["no-star"], replace(boundary, name="env-access-deploy"), environment) != []


def test_a_document_with_one_statement_that_is_no_list_is_judged() -> None:
    text = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:Put*", "Resource": "arn:aws:s3:::own/*"}})
    assert said("no-star", Case(type=POLICY, inputs={"policy": text})) != []
