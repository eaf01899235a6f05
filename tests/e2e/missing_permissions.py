"""What people and workflows meet whose role lacks a permission: the command, and what AWS says it lacks.

The roles are those that the environment made, and their policies decide. A permission is taken away by a denial in a
policy of the role's own, as somebody would who means to correct a wide one.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.control import ask
from local.demo import Cloud, version_at
from settings.permissions.identities import Party
from tests.e2e.clone import Done, changed, client, head, resources, stored

PROMOTE = ("release", "promote", "1.1.0", "--to", "dev")
HOLD = ("release", "hold", "dev", "--reason", "an incident")
PUBLISH = ("release", "publish", "dist/fieldmap-1.3.0.tar.gz", "--version", "1.3.0")
UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
ACCOUNT = "123456789012"


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Who does what, without which action (none: a role that never had it), and what the error has to name."""

    party: Party
    command: tuple[str, ...]
    action: str = ""
    named: tuple[str, ...]


MISSING: Mapping[str, Missing] = {
    "an approver promotes": Missing(
        party="approver", command=PROMOTE, named=("dynamodb:PutItem", "table/stageline-dev-ledger")
    ),
    "an approver puts on hold": Missing(
        party="approver", command=HOLD, named=("dynamodb:PutItem", "table/stageline-dev-ledger")
    ),
    "the ledger cannot be written": Missing(
        party="ci", command=PROMOTE, action="dynamodb:PutItem", named=("dynamodb:PutItem", "table/stageline-dev-ledger")
    ),
    "the database cannot be backed up": Missing(
        party="ci", command=PROMOTE, action="rds:CreateDBSnapshot", named=("rds:CreateDBSnapshot", "the database")
    ),
    "backups cannot be stored": Missing(
        party="ci",
        command=PROMOTE,
        action="s3:PutObject",
        named=("s3:PutObject", "stageline-dev-backups"),
    ),
    "keys cannot be read": Missing(
        party="ci",
        command=PROMOTE,
        action="secretsmanager:GetSecretValue",
        named=("secretsmanager:GetSecretValue", "stageline/dev/"),
    ),
    "an artifact cannot be stored": Missing(
        party="ci", command=PUBLISH, action="s3:PutObject", named=("s3:PutObject", "stageline-dev-artifacts")
    ),
    "a manifest cannot be signed": Missing(party="ci", command=PUBLISH, action="kms:Sign", named=("kms:Sign",)),
    "an operator changes an environment": Missing(
        party="operator",
        command=UP,
        action="elasticloadbalancing:ModifyTargetGroupAttributes",
        named=("elasticloadbalancing:ModifyTargetGroupAttributes", "env-lb-"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Met:
    """How a command ended, and what was so before and after it."""

    done: Done
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def meet(cloud: Cloud, url: str, missing: Missing) -> Met:
    """Let the party do it without the action; `url` is where users see dev."""
    before = facts(cloud, url)
    with without(cloud, missing.party, missing.action):
        done = acting_as(cloud, missing.party).run(*missing.command)
    return Met(done=done, before=before, after=facts(cloud, url))


def facts(cloud: Cloud, url: str) -> dict[str, Any]:
    """What must not be half-made. An artifact without a manifest is no release, and is taken by the next try."""
    state = head(cloud, "dev")["state"]
    return {
        "open": state["open"],
        "live": state["live"],
        "declared": state["declared"],
        "slots": {slot: state[slot] and state[slot]["release"] for slot in ("blue", "green")},
        "answers": version_at(url),
        "releases": [key for key in stored(cloud, "dev") if not key.startswith("artifacts/")],
        "resources": resources(cloud),
    }


def acting_as(cloud: Cloud, party: Party) -> Cloud:
    """The shell of somebody who has become that party."""
    role = f"arn:aws:iam::{ACCOUNT}:role/stageline/dev/access/stageline-dev-{party}"
    given = client(cloud, "sts").assume_role(RoleArn=role, RoleSessionName="somebody")["Credentials"]
    return changed(
        cloud,
        AWS_ACCESS_KEY_ID=given["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=given["SecretAccessKey"],
        AWS_SESSION_TOKEN=given["SessionToken"],
    )


@contextmanager
def without(cloud: Cloud, party: Party, action: str) -> Iterator[None]:
    """The party's role lacks an action for a while; nothing is taken away where none is named."""
    iam, role = client(cloud, "iam"), f"stageline-dev-{party}"
    if not action:
        yield
        return
    denial = {"Effect": "Deny", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    iam.put_role_policy(RoleName=role, PolicyName="lacks", PolicyDocument=policy)
    yield
    iam.delete_role_policy(RoleName=role, PolicyName="lacks")


@contextmanager
def enforced(cloud: Cloud) -> Iterator[None]:
    """AWS asks for permissions, as the real one does."""
    ask(cloud.paths.control, {"do": "permissions", "enforced": True})
    yield
    ask(cloud.paths.control, {"do": "permissions", "enforced": False})
