"""All rules, and `faults`, which asks them.

A rule that needs other resources (`whole`) is judged when all are declared: of a preview at its end. Every other one
is judged before its resource is made, also in a `pulumi up` without preview.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policy import encryption, exposure, permissions, protection, tagging
from policy.resources import (
    BUCKET,
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
    VPC,
    Environment,
    Resource,
)

VOLUME = "aws:ebs/volume:Volume"
ACL = "aws:s3/bucketAcl:BucketAcl"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
DOCUMENTS = tuple(permissions.DOCUMENTS)
WITH_SECRETS = (
    "aws:iam/accessKey:AccessKey",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "random:index/randomPassword:RandomPassword",
)
ALL = ("aws:",)
"""Types are compared by their beginnings."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`judge` yields what is wrong with a resource whose type begins with one of `types`: nothing, or a few words."""

    name: str
    says: str
    types: tuple[str, ...]
    judge: Callable[[Resource, Environment], Iterator[str]]
    protected_only: bool = False
    whole: bool = False


RULES = (
    # encryption
    Rule(
        name="bucket-encrypted",
        says="Every bucket states how it is encrypted.",
        types=(BUCKET,),
        judge=encryption.bucket_is_encrypted,
        whole=True,
    ),
    Rule(
        name="bucket-tls-only",
        says="Every bucket refuses requests without TLS.",
        types=(BUCKET,),
        judge=encryption.bucket_is_reached_by_tls_only,
        whole=True,
    ),
    Rule(
        name="database-encrypted",
        says="Databases are encrypted where they are stored, with a key of the environment.",
        types=(DATABASE,),
        judge=encryption.database_is_encrypted,
    ),
    Rule(
        name="database-tls-only",
        says="Databases refuse connections without TLS.",
        types=(DATABASE,),
        judge=encryption.database_forces_tls,
    ),
    Rule(
        name="parameters-tls-only",
        says="Parameter groups of databases refuse connections without TLS.",
        types=(DATABASE_PARAMETERS,),
        judge=encryption.parameters_force_tls,
    ),
    Rule(
        name="database-own-password",
        says="RDS makes and rotates the master password.",
        types=(DATABASE,),
        judge=encryption.database_makes_its_password,
    ),
    Rule(
        name="disk-encrypted",
        says="Disks of servers are encrypted.",
        types=(INSTANCE, VOLUME),
        judge=encryption.disks_are_encrypted,
    ),
    Rule(
        name="topic-encrypted",
        says="Topics are encrypted with a key.",
        types=(TOPIC,),
        judge=encryption.topic_is_encrypted,
    ),
    Rule(
        name="logs-encrypted",
        says="Log groups are encrypted with a key of the environment, and what is in them goes after days.",
        types=(LOG_GROUP,),
        judge=encryption.log_group_is_encrypted_and_ends,
    ),
    Rule(
        name="key-rotated",
        says="Keys that encrypt are rotated.",
        types=(KEY,),
        judge=encryption.key_is_rotated,
    ),
    Rule(
        name="no-secret-in-state",
        says="No secret passes through the program.",
        types=WITH_SECRETS,
        judge=encryption.secret_is_made_elsewhere,
    ),
    Rule(
        name="listener-tls",
        says="Listeners speak modern TLS where a certificate is stated.",
        types=(LISTENER,),
        judge=encryption.listener_speaks_tls,
    ),
    # exposure
    Rule(
        name="bucket-closed",
        says="No bucket can be opened to the public.",
        types=(BUCKET,),
        judge=exposure.bucket_is_closed,
        whole=True,
    ),
    Rule(
        name="bucket-acl-private",
        says="No ACL gives a bucket away.",
        types=(ACL,),
        judge=exposure.acl_is_private,
    ),
    Rule(
        name="database-private",
        says="No database has a public address.",
        types=(DATABASE,),
        judge=exposure.database_is_private,
    ),
    Rule(
        name="world-reaches-live-only",
        says="Only the live listener is for everyone: never SSH, never the preview.",
        types=(GROUP_INGRESS,),
        judge=exposure.world_reaches_live_only,
    ),
    Rule(
        name="group-without-rules-inside",
        says="Each rule of a security group is a resource of its own; the default group has none.",
        types=(GROUP, DEFAULT_GROUP),
        judge=exposure.group_has_no_rules_inside,
    ),
    Rule(
        name="default-group-emptied",
        says="Every VPC's default security group is emptied.",
        types=(VPC,),
        judge=exposure.default_group_is_emptied,
        whole=True,
    ),
    Rule(
        name="imdsv2",
        says="Servers give their credentials by IMDSv2 only.",
        types=(INSTANCE,),
        judge=exposure.metadata_needs_a_token,
    ),
    Rule(
        name="balancer-strict-headers",
        says="Load balancers drop invalid headers.",
        types=(LOAD_BALANCER,),
        judge=exposure.balancer_drops_bad_headers,
    ),
    # permissions
    Rule(
        name="no-star",
        says="Statements name what they allow, and on what.",
        types=DOCUMENTS,
        judge=permissions.no_star_is_allowed,
    ),
    Rule(
        name="nothing-inverted",
        says="No statement allows everything but something.",
        types=DOCUMENTS,
        judge=permissions.nothing_is_inverted,
    ),
    Rule(
        name="nobody-is-everyone",
        says="No statement allows everyone, or all of GitHub.",
        types=DOCUMENTS,
        judge=permissions.nobody_is_everyone,
    ),
    Rule(
        name="no-administrator",
        says="Nobody gets AWS's policies for administrators.",
        types=(ATTACHMENT, ROLE),
        judge=permissions.no_administrator_is_made,
    ),
    # tagging
    Rule(
        name="tagged",
        says="Everything carries project, environment, owner and managed-by.",
        types=ALL,
        judge=tagging.carries_tags,
    ),
    Rule(
        name="snapshot-tagged",
        says="A database's snapshots carry its tags.",
        types=(DATABASE,),
        judge=tagging.snapshots_carry_tags,
    ),
    # protection, where the environment is protected
    Rule(
        name="kept",
        says="The database, the artifact and backup buckets and the signing key cannot be replaced or deleted.",
        types=(DATABASE, BUCKET, KEY),
        judge=protection.cannot_be_replaced,
        protected_only=True,
    ),
    Rule(
        name="deletion-protection",
        says="The database and the load balancer refuse to be deleted.",
        types=(DATABASE, LOAD_BALANCER),
        judge=protection.refuses_deletion,
        protected_only=True,
    ),
    Rule(
        name="multi-az",
        says="The database has a standby in a second zone.",
        types=(DATABASE,),
        judge=protection.stands_in_two_zones,
        protected_only=True,
    ),
    Rule(
        name="final-snapshot",
        says="A deleted database leaves a snapshot.",
        types=(DATABASE,),
        judge=protection.leaves_a_snapshot,
        protected_only=True,
    ),
    Rule(
        name="backup-days",
        says="The database's backups are kept for a week or longer.",
        types=(DATABASE,),
        judge=protection.keeps_backups,
        protected_only=True,
    ),
    Rule(
        name="versions-kept",
        says="The artifact and backup buckets keep every version.",
        types=(BUCKET,),
        judge=protection.keeps_versions,
        whole=True,
    ),
    Rule(
        name="objects-locked",
        says="Artifacts and backups are locked against deletion.",
        types=(BUCKET,),
        judge=protection.keeps_objects_locked,
        protected_only=True,
        whole=True,
    ),
    Rule(
        name="bucket-not-emptied",
        says="No destroy empties a bucket.",
        types=(BUCKET,),
        judge=protection.is_not_emptied,
        protected_only=True,
    ),
    Rule(
        name="users-by-tls",
        says="Users reach a protected environment by TLS.",
        types=(LOAD_BALANCER,),
        judge=protection.users_come_by_tls,
        protected_only=True,
    ),
)


def faults(rule: Rule, resource: Resource, environment: Environment) -> list[str]:
    """What a rule has against a resource, in a few words each; nothing where it does not apply."""
    if not resource.type.startswith(rule.types) or (rule.protected_only and not environment.settings.protected):
        return []
    return list(rule.judge(resource, environment))
