"""The keys by which servers are reached, as secrets hold them: each a pair that `release init` made."""

import json
from typing import Any

from release.doors.aws.secrets import Secrets
from release.process.errors import Broken
from settings.model import Settings


def key_part(secrets: Secrets, name: str, part: str, environment: str) -> str:
    """One half of a key pair, `private` or `public`; Broken when `release init` has not made it."""
    value: Any = json.loads(secrets.read(name) or "{}")
    if part not in value:
        raise Broken(f"the secret {name} is missing", hint=f"run: release init {environment}")
    return str(value[part])


def bastion_public_key(secrets: Secrets, settings: Settings) -> str | None:
    """The host key that the bastion must show; None where there is none."""
    if settings.servers.bastion is None:
        return None
    return key_part(secrets, settings.names.bastion_host_key, "public", settings.environment)
