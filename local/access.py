"""How one gets at the AWS API of this cloud. Apart, so that a command need not import moto to know it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """Credentials of an IAM user."""

    id: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Access:
    """The API's URL, the region that people work in, who they are there, and whom they trust."""

    url: str
    region: str
    key: AccessKey
    ca_bundle: str


def read_access(reply: Mapping[str, Any]) -> Access:
    """What the daemon has answered."""
    return Access(url=reply["url"], region=reply["region"], key=AccessKey(**reply["key"]), ca_bundle=reply["ca_bundle"])
