"""Protection: what a protected environment keeps, and what it cannot lose by accident.

A replaced database is an empty one. Policies see what a resource shall be and not what it was, so the engine refuses:
it replaces or deletes nothing that is marked `protect`, and says so in the preview. That the mark is there is a rule.
"""

from collections.abc import Iterator

from policy.resources import BUCKET, BUCKET_LOCK, BUCKET_VERSIONS, DATABASE, KEY, Environment, Resource

BACKUP_DAYS = 7
LOCKS = ("GOVERNANCE", "COMPLIANCE")


def is_kept(one: Resource, environment: Environment) -> bool:
    """Whether a resource holds what cannot be made again: the database, artifacts, backups, the signing key."""
    if one.type == BUCKET:
        names = environment.settings.names
        return one.setting("bucket") in (names.artifact_bucket, names.backup_bucket)
    return one.type == DATABASE or (one.type == KEY and one.setting("keyUsage") == "SIGN_VERIFY")


def cannot_be_replaced(one: Resource, environment: Environment) -> Iterator[str]:
    """The engine refuses to replace or delete it, in the preview already."""
    if is_kept(one, environment) and not one.protect:
        yield "could be replaced or deleted by a plain `pulumi up`: give it the option protect=True"


def refuses_deletion(one: Resource, _: Environment) -> Iterator[str]:
    """The service's own lock, which also holds against the console and other tools."""
    key = "deletionProtection" if one.type == DATABASE else "enableDeletionProtection"
    if one.setting(key) is not True:
        yield "can be deleted by one call: turn its deletion protection on"


def stands_in_two_zones(database: Resource, _: Environment) -> Iterator[str]:
    """A zone's failure must not take the data away."""
    if database.setting("multiAz") is not True:
        yield "stands in one zone: set multi_az=True"


def leaves_a_snapshot(database: Resource, _: Environment) -> Iterator[str]:
    """The last way back after a deletion that somebody meant."""
    if database.setting("skipFinalSnapshot") is not False or database.setting("finalSnapshotIdentifier") is None:
        yield "is deleted without a trace: set skip_final_snapshot=False and a final_snapshot_identifier"


def keeps_backups(database: Resource, _: Environment) -> Iterator[str]:
    """A mistake is often noticed days later."""
    days = database.setting("backupRetentionPeriod") or 0
    if days < BACKUP_DAYS:
        yield f"keeps backups for {days:g} days: set backup_retention_period to {BACKUP_DAYS} or more"


def keeps_versions(bucket: Resource, environment: Environment) -> Iterator[str]:
    """What is overwritten or deleted can be had back."""
    status = "versioningConfiguration.status"
    versions = environment.of(bucket, BUCKET_VERSIONS)
    if is_kept(bucket, environment) and not any(one.setting(status) == "Enabled" for one in versions):
        yield "forgets what is overwritten: add a BucketVersioning with status Enabled"


def keeps_objects_locked(bucket: Resource, environment: Environment) -> Iterator[str]:
    """Not even an administrator deletes what is younger."""
    mode = "rule.defaultRetention.mode"
    locks = environment.of(bucket, BUCKET_LOCK)
    if is_kept(bucket, environment) and not any(one.setting(mode) in LOCKS for one in locks):
        yield f"lets artifacts or backups be deleted: lock its objects ({' or '.join(LOCKS)})"


def is_not_emptied(bucket: Resource, _: Environment) -> Iterator[str]:
    """A destroy stops at a bucket that holds something."""
    if bucket.setting("forceDestroy"):
        yield "is emptied by a destroy: set force_destroy=False"


def users_come_by_tls(_: Resource, environment: Environment) -> Iterator[str]:
    """Judged by the tracked stack file: the local cloud has no certificates to give, so its copies state none.

    That the listeners speak TLS wherever a certificate is stated is a rule of its own. So on AWS both hold.
    """
    if environment.tracked.load_balancer.certificate is None:
        file = f"Pulumi.{environment.tracked.environment}.yaml"
        yield f"serves users in the clear: {file} must state a load_balancer.certificate"
