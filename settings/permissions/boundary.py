"""The boundary of every role of an environment: what none of them may do, whatever else it is given.

It gives nothing by itself: a role may do what both its own policies and its boundary allow. So the denials hold also
for a role that somebody gives more to, and nobody who is bounded can make a role that is not.
Data is denied in every environment: who destroys one is an administrator, on purpose, with credentials of their own.
"""

from typing import Any

from settings.permissions.calls import TABLE
from settings.permissions.place import Place
from settings.permissions.scopes import of_account

Statement = dict[str, Any]

LEDGER = (
    *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DeleteTable", "dynamodb:DeleteBackup"),
    *("dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PutResourcePolicy"),
    *("dynamodb:UpdateContinuousBackups", "dynamodb:UpdateItem", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"),
)
OBJECTS = (
    *("s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectLegalHold"),
    *("s3:PutObjectAcl", "s3:PutObjectRetention", "s3:PutObjectVersionAcl"),
)
DELETIONS = ("s3:DeleteObject", "s3:DeleteObjectVersion")
SIGNED = ("arn:aws:s3:::{artifact_bucket}/releases/*", "arn:aws:s3:::{artifact_bucket}/verdicts/*")
BUCKETS = (
    *("s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"),
    *("s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration"),
)
SNAPSHOTS = (
    *("ec2:DeleteSnapshot", "rds:DeleteDBClusterSnapshot", "rds:DeleteDBInstanceAutomatedBackup"),
    "rds:ModifyDBSnapshotAttribute",
)
DATABASE = ("rds:DeleteDBCluster", "rds:DeleteDBInstance")
KEYS = (
    *("kms:DeleteAlias", "kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:PutKeyPolicy"),
    *("kms:ScheduleKeyDeletion", "kms:UpdateAlias"),
)
CHANGES_OF_IAM = (
    *("iam:Add*", "iam:Attach*", "iam:Create*", "iam:Deactivate*", "iam:Delete*", "iam:Detach*", "iam:Enable*"),
    *("iam:Put*", "iam:Remove*", "iam:Set*", "iam:Tag*", "iam:Untag*", "iam:Update*", "iam:Upload*"),
)
GIVING = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")


def boundary(place: Place) -> dict[str, Any]:
    """The document of the boundary."""
    statements: list[Statement] = place.filled(
        [_allow_services(), *_keep_history(place.protected), *_keep_data(), *_keep_access()], service=""
    )
    return {"Version": "2012-10-17", "Statement": statements}


def _allow_services() -> Statement:
    """All of the services that an environment is made of: a boundary that names none allows nothing."""
    services = {action.split(":")[0] for permission in TABLE for action in permission.actions}
    return {"Effect": "Allow", "Action": sorted(f"{service}:*" for service in services), "Resource": "*"}


def _keep_history(protected: bool) -> list[Statement]:
    """The ledger, the releases and the backups; only the pruner takes old artifacts and old backups away.

    Where nothing is protected, whoever deploys also deletes the snapshots that earlier deployments made.
    """
    ledger, backups = "table/{ledger_table}", ["arn:aws:s3:::{backup_bucket}/*", "arn:aws:s3:::{state_bucket}/*"]
    buckets = ["arn:aws:s3:::{artifact_bucket}", "arn:aws:s3:::{backup_bucket}", "arn:aws:s3:::{state_bucket}"]
    return [
        _deny("KeepLedger", LEDGER, [*of_account("dynamodb", ledger, f"{ledger}/*")]),
        _deny("KeepReleases", DELETIONS, [*SIGNED]),
        _deny("KeepLocks", [one for one in OBJECTS if one not in DELETIONS], ["arn:aws:s3:::{artifact_bucket}/*"]),
        _deny("KeepArtifacts", DELETIONS, ["arn:aws:s3:::{artifact_bucket}/*"], _but_the_pruner()),
        _deny("KeepBackups", [one for one in OBJECTS if one != "s3:DeleteObject"], backups, _but_the_pruner()),
        _deny("KeepBackupsInPlace", ["s3:DeleteObject"], backups[:1], _but_the_pruner()),
        _deny("KeepBuckets", BUCKETS, buckets),
        _deny("KeepSnapshots", SNAPSHOTS, "*", _but_the_pruner()),
        _deny(
            "KeepOldSnapshots",
            ["rds:DeleteDBSnapshot"],
            "*",
            _but_the_pruner() if protected else _but("{pruner_role}", "{ci_role}", "{operator_role}"),
        ),
    ]


def _keep_data() -> list[Statement]:
    """The database, the keys that open it, and the secrets of the environment."""
    return [
        _deny("KeepDatabases", DATABASE, "*"),
        _deny("KeepDatabaseAsItIs", ["rds:ModifyDBInstance"], "*", {"ArnEquals": {"aws:PrincipalArn": "{ci_role}"}}),
        _deny("KeepKeys", KEYS, "*"),
        _deny("KeepSecrets", ["secretsmanager:DeleteSecret"], [*of_account("secretsmanager", "secret:{path}/*")]),
        _deny(
            "KeepConfiguration",
            ["secretsmanager:DeleteSecret", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret"],
            [*of_account("secretsmanager", "secret:{path}+configuration/*")],
            _but_the_pruner(),
        ),
    ]


def _keep_access() -> list[Statement]:
    """Who may do what: nobody lifts their own bounds, or makes somebody who has none."""
    people = [f"arn:aws:iam::{{account}}:{kind}{{access_path}}*" for kind in ("role", "policy")]
    others = [f"arn:aws:iam::{{account}}:{kind}/*" for kind in ("user", "group", "oidc-provider", "saml-provider")]
    return [
        _deny("KeepAccess", CHANGES_OF_IAM, [*people, *others]),
        _deny("KeepBoundaries", ["iam:DeleteRolePermissionsBoundary"], "*"),
        _deny("OnlyBoundedRoles", GIVING, "*", {"StringNotEquals": {"iam:PermissionsBoundary": "{boundary}"}}),
    ]


def _deny(
    sid: str, actions: tuple[str, ...] | list[str], resources: list[str] | str, condition: dict[str, Any] | None = None
) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _but_the_pruner() -> dict[str, Any]:
    return _but("{pruner_role}")


def _but(*roles: str) -> dict[str, Any]:
    return {"ArnNotEquals": {"aws:PrincipalArn": roles[0] if len(roles) == 1 else list(roles)}}
