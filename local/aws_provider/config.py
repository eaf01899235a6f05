"""The provider's own configuration: read from the engine's message, where nested values are JSON texts. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KNOWN = (
    "region",
    "allowedAccountIds",
    "forbiddenAccountIds",
    "defaultTags",
    "assumeRoles",
    "assumeRole",
    "profile",
    "version",
)
SWITCHES = (
    "skipCredentialsValidation",
    "skipMetadataApiCheck",
    "skipRegionValidation",
    "skipRequestingAccountId",
    "s3UsePathStyle",
)
"""Accepted because the SDK gives some of them a default; they mean nothing here."""

ROLE = {
    "roleArn": "RoleArn",
    "sessionName": "RoleSessionName",
    "externalId": "ExternalId",
    "policy": "Policy",
    "sourceIdentity": "SourceIdentity",
    "transitiveTagKeys": "TransitiveTagKeys",
}
"""What may be said of a role, and how STS calls it."""


class BadConfig(Exception):
    """The provider's configuration cannot be used."""


@dataclass(frozen=True, kw_only=True)
class ProviderConfig:
    """What a provider was told."""

    region: str
    allowed_accounts: tuple[str, ...] = ()
    forbidden_accounts: tuple[str, ...] = ()
    default_tags: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[Mapping[str, Any], ...] = ()
    profile: str | None = None


def unknown_keys(given: Iterable[str]) -> list[str]:
    """List the keys that this provider does not know."""
    return sorted(set(given) - {*KNOWN, *SWITCHES})


def read_config(given: Mapping[str, Any], environ: Mapping[str, str]) -> ProviderConfig:
    """Read the configuration, the region from the environment if need be. Raises BadConfig."""
    values = {name: _parsed(name, value) for name, value in given.items()}
    region = values.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise BadConfig("the AWS provider has no region: give aws.Provider(region=...) or set AWS_REGION")
    return ProviderConfig(
        region=region,
        allowed_accounts=tuple(values.get("allowedAccountIds") or ()),
        forbidden_accounts=tuple(values.get("forbiddenAccountIds") or ()),
        default_tags=(values.get("defaultTags") or {}).get("tags") or {},
        roles=_roles(values),
        profile=values.get("profile"),
    )


def _roles(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """List the roles to take on, one after the other."""
    roles = values.get("assumeRoles") or [values.get("assumeRole") or {}]
    unknown = sorted({name for role in roles for name in role} - set(ROLE))
    if unknown:
        raise BadConfig(f"the local AWS provider does not know {', '.join(unknown)} of a role: leave it out")
    return tuple(role for role in roles if role.get("roleArn"))


def _parsed(name: str, value: Any) -> Any:
    if name in ("region", "profile", "version") or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise BadConfig(f"the AWS provider's {name} is not JSON: {value!r}") from error


def refused_account(config: ProviderConfig, account: str) -> str | None:
    """Say why the caller's account may not be used; None when it may."""
    if config.allowed_accounts and account not in config.allowed_accounts:
        allowed = ", ".join(config.allowed_accounts)
        return f"AWS account {account} is not allowed here (allowedAccountIds: {allowed}): use other credentials"
    if account in config.forbidden_accounts:
        return f"AWS account {account} is forbidden here (forbiddenAccountIds): use other credentials"
    return None
