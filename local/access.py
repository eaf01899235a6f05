"""How one gets at the AWS API of this cloud. Apart, so that a command need not import moto to know it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """Credentials of an IAM user."""

    id: str
    secret: str
