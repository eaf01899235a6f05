"""Who signed a call, and the policies that say what they may do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.models import AccessKey, IAMBackend, ManagedPolicy, Role, User, iam_backends

PARTITION = "aws"
Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user or the session of a role. `principal` is the ARN that conditions know; a boundary is not always there."""

    arn: str
    principal: str
    account: str
    policies: tuple[Document, ...]
    boundary: Document | None = None


def caller_of(key_id: str) -> Caller | None:
    """Who has this key; None for a key that nobody has (any more)."""
    for account, partitions in list(iam_backends.items()):
        backend = partitions[PARTITION]
        if (key := backend.access_keys.get(key_id)) is not None:
            return _caller(backend, key, account)
    return None


def _caller(backend: IAMBackend, key: AccessKey, account: str) -> Caller | None:
    if key.user_name is not None:
        user = backend.users.get(key.user_name)
        return None if user is None else _of_user(backend, user, account)
    role = next((one for one in backend.roles.values() if one.arn == key.role_arn), None)
    return None if role is None else _of_role(backend, role, account)


def _of_user(backend: IAMBackend, user: User, account: str) -> Caller:
    return Caller(
        arn=user.arn,
        principal=user.arn,
        account=account,
        policies=_documents(user),
    )


def _of_role(backend: IAMBackend, role: Role, account: str) -> Caller:
    boundary = backend.managed_policies.get(role.permissions_boundary_arn or "")
    return Caller(
        arn=f"arn:{PARTITION}:sts::{account}:assumed-role/{role.name}",
        principal=role.arn,
        account=account,
        policies=_documents(role),
        boundary=None if boundary is None else json.loads(_in_force(boundary)),
    )


def _documents(one: User | Role) -> tuple[Document, ...]:
    """Its own policies and those that are attached to it."""
    attached = [_in_force(policy) for policy in one.managed_policies.values()]
    return tuple(json.loads(text) for text in [*one.policies.values(), *attached])


def _in_force(policy: ManagedPolicy) -> str:
    """The version of a managed policy that counts."""
    return str(next(one.document for one in policy.versions if one.version_id == policy.default_version_id))
