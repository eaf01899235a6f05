"""Keys: what the policies of KMS keys have in common."""

from typing import Any

DELETION_DAYS = 30
"""How long AWS waits before it deletes a key that is to go: at most that."""


def allow_account(account: str) -> dict[str, Any]:
    """The usual first statement: the account's IAM policies decide. Without it nobody could change the key.

    In a key's policy the resource `*` means this key and no other one.
    """
    return {
        "Sid": "AllowAccount",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
