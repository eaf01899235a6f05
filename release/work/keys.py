"""The SSH keys of an environment or a demo: made once, each in a secret of its own."""

import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from release.doors.aws.secrets import Secrets
from settings.names import Names


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """An ed25519 pair in OpenSSH's formats."""

    private: str = field(repr=False)
    public: str


def new_key_pair(comment: str) -> KeyPair:
    """A fresh ed25519 key pair."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private=private.decode(), public=f"{public.decode()} {comment}")


def make_keys(names: Names, tags: dict[str, str], secrets: Secrets, *, bastion: bool) -> dict[str, bool]:
    """The deploy key and the host keys, by name whether each was made now. Machines may read ``authorized_keys``, never
    the deploy key itself.
    """
    made = {}
    for name in (names.deploy_key, names.host_key, *([names.bastion_host_key] if bastion else [])):
        made[name] = secrets.read(name) is None
        if made[name]:
            pair = new_key_pair(name)
            secrets.create(name, json.dumps({"private": pair.private, "public": pair.public}), tags)
    made[names.authorized_keys] = secrets.read(names.authorized_keys) is None
    if made[names.authorized_keys]:
        secrets.create(names.authorized_keys, json.loads(secrets.read(names.deploy_key) or "{}")["public"] + "\n", tags)
    return made
