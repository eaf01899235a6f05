"""Whether this cloud issued an access key: somebody's real AWS keys, or another clone's, can do nothing here."""

from moto.iam.models import IAMBackend, iam_backends

PARTITION = "aws"


def is_valid(key_id: str) -> bool:
    """Whether it is an active key of a user that exists, or a role's session."""
    backends = [account[PARTITION] for account in list(iam_backends.values())]
    return any(_is_valid_in(backend, key_id) for backend in backends)


def _is_valid_in(backend: IAMBackend, key_id: str) -> bool:
    key = backend.access_keys.get(key_id)
    if key is None or key.status != "Active":
        return False
    return key.user_name is None or key.user_name in backend.users
