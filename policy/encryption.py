"""Encryption: nothing is stored or sent in the clear, and no secret passes through the program."""

from collections.abc import Iterator, Mapping
from typing import Any

from policy.resources import (
    BUCKET_ENCRYPTION,
    BUCKET_POLICY,
    INSTANCE,
    UNKNOWN,
    Environment,
    Resource,
    document,
    listed,
)

ALGORITHMS = ("AES256", "aws:kms", "aws:kms:dsse")
# What makes a database refuse connections without TLS, by parameter, and the values that turn it on.
FORCE_TLS = {"rds.force_ssl": ("1",), "require_secure_transport": ("1", "ON")}
FIRST_POSTGRES_THAT_FORCES_TLS = 15
MODERN_TLS = ("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06")


def bucket_is_encrypted(bucket: Resource, environment: Environment) -> Iterator[str]:
    """S3 encrypts with a key of its own where nobody says anything: it is said, so that a change is seen."""
    algorithm = "rules.applyServerSideEncryptionByDefault.sseAlgorithm"
    if not any(one.setting(algorithm) in ALGORITHMS for one in environment.of(bucket, BUCKET_ENCRYPTION)):
        yield f"has no {BUCKET_ENCRYPTION.rsplit(':', 1)[1]} with {' or '.join(ALGORITHMS)}: add one"


def bucket_is_reached_by_tls_only(bucket: Resource, environment: Environment) -> Iterator[str]:
    """Without this statement S3 answers plain HTTP as well."""
    policies = [one.setting("policy") for one in environment.of(bucket, BUCKET_POLICY)]
    if UNKNOWN not in policies and not any(refuses_plain_http(one) for text in policies for one in document(text)):
        yield "has no policy that denies s3:* to everyone where aws:SecureTransport is false: add the statement"


def refuses_plain_http(statement: Mapping[str, Any]) -> bool:
    """Whether a statement denies everything, on the bucket and what is in it, to whoever comes without TLS."""
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and "s3:*" in listed(statement.get("Action"))
        and len(listed(statement.get("Resource"))) == 2
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


def database_is_encrypted(database: Resource, _: Environment) -> Iterator[str]:
    """Cannot be turned on later without another instance. What AWS's own key encrypts never leaves the account."""
    if database.setting("storageEncrypted") is not True:
        yield "stores its rows in the clear: set storage_encrypted=True"
    if database.setting("kmsKeyId") is None:
        yield "has no key of this environment: set kms_key_id"


def database_forces_tls(database: Resource, environment: Environment) -> Iterator[str]:
    """By its parameter group; PostgreSQL does so by itself since version 15.

    That it shall is judged by the tracked stack file: the local cloud's databases speak no TLS, and its copies say so.
    """
    if not environment.tracked.database.tls:
        yield f"answers without TLS: Pulumi.{environment.tracked.environment}.yaml must leave database.tls true"
    if database.setting("parameterGroupName") is None and not forces_tls_by_itself(database):
        yield "answers without TLS: give it a parameter group that forces it"


def parameters_force_tls(group: Resource, environment: Environment) -> Iterator[str]:
    """Wherever the settings that the program was run with ask for it."""
    asked = environment.settings.database.tls
    if asked and not any(forces_tls(one) for one in listed(group.inputs.get("parameters"))):
        yield f"does not force TLS: set {' or '.join(FORCE_TLS)} to 1"


def forces_tls_by_itself(database: Resource) -> bool:
    """Whether AWS's own parameter group for this engine and version asks for TLS."""
    major = str(database.setting("engineVersion")).split(".")[0]
    is_postgres = database.setting("engine") == "postgres"
    return is_postgres and major.isdecimal() and int(major) >= FIRST_POSTGRES_THAT_FORCES_TLS


def forces_tls(parameter: Mapping[str, Any]) -> bool:
    """Whether a database's parameter refuses connections without TLS."""
    return str(parameter.get("value")).upper() in FORCE_TLS.get(str(parameter.get("name")), ())


def disks_are_encrypted(one: Resource, _: Environment) -> Iterator[str]:
    """Of a server the root disk and every other one; or a volume of its own."""
    if one.type == INSTANCE:
        disks = [*listed(one.inputs.get("rootBlockDevice") or {}), *listed(one.inputs.get("ebsBlockDevices"))]
    else:
        disks = [one.inputs]
    if not all(disk.get("encrypted") is True for disk in disks):
        yield "has a disk in the clear: set encrypted=True on each"


def topic_is_encrypted(topic: Resource, _: Environment) -> Iterator[str]:
    """SNS stores messages in the clear where no key is named."""
    if not topic.setting("kmsMasterKeyId"):
        yield "stores its messages in the clear: set kms_master_key_id"


def log_group_is_encrypted_and_ends(group: Resource, _: Environment) -> Iterator[str]:
    """CloudWatch keeps logs for ever where nothing is said, and encrypts them with a key that all share."""
    if not group.setting("kmsKeyId"):
        yield "has no key of this environment: set kms_key_id"
    if not group.setting("retentionInDays"):
        yield "keeps its logs for ever: set retention_in_days"


def key_is_rotated(key: Resource, _: Environment) -> Iterator[str]:
    """Once a year, by KMS. It cannot do so for a key that signs; that one is replaced by hand or not at all."""
    encrypts = key.setting("keyUsage") in (None, "ENCRYPT_DECRYPT")
    if encrypts and key.setting("enableKeyRotation") is not True:
        yield "encrypts with the same key for ever: set enable_key_rotation=True"


def database_makes_its_password(database: Resource, _: Environment) -> Iterator[str]:
    """A password in an input is a password in the stack's state."""
    if database.setting("manageMasterUserPassword") is not True or database.setting("password") is not None:
        yield "gets its password from the program: set manage_master_user_password=True and no password"


def secret_is_made_elsewhere(_: Resource, __: Environment) -> Iterator[str]:
    """Types that cannot be declared without a secret in the stack's state."""
    yield "keeps a secret in the stack's state: let AWS make it, or `release init`"


def listener_speaks_tls(listener: Resource, environment: Environment) -> Iterator[str]:
    """Wherever a certificate is stated; a listener that only sends users on to HTTPS needs none."""
    protocol, policy = listener.setting("protocol"), listener.setting("sslPolicy")
    if protocol == "HTTPS" and policy not in MODERN_TLS:
        yield f"takes old TLS ({policy}): set ssl_policy to {' or '.join(MODERN_TLS)}"
    certified = environment.settings.load_balancer.certificate is not None
    if protocol != "HTTPS" and certified and not only_redirects(listener):
        yield f"speaks {protocol} although there is a certificate: set protocol to HTTPS"


def only_redirects(listener: Resource) -> bool:
    """Whether all that a listener does is to send users to HTTPS."""
    actions = listed(listener.inputs.get("defaultActions"))
    return bool(actions) and all((one.get("redirect") or {}).get("protocol") == "HTTPS" for one in actions)
