"""The door to AWS: boto3 clients for the credentials, endpoint and region that a provider was given.

Making a client costs tens of milliseconds (botocore reads the service's model), so the last ones are kept, one for each
service, region, endpoint and set of credentials; providers of several stacks share them. Not all are kept: a role has
other credentials each time it is taken on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Event, RLock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, HTTPClientError, ProxyConnectionError

from local.aws_provider.config import ROLE
from local.aws_provider.waiting import wait_until
from local.service_models import new_session

TRIES = 5
"""How often a call is tried at most, when AWS is throttling or does not answer: some seconds, with growing pauses.

More would hide a fault behind minutes of waiting."""
NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
MAKING = ("Allocate", "Associate", "Attach", "Authorize", "Copy", "Create", "Import", "Request", "Restore", "Run")
"""How the names of operations begin that make something new each time they are called."""
CONNECTIONS = 32
"""The engine works on about that many resources at once."""
CLIENTS = 64
"""Enough for the services of four stacks at once, each with a role of its own."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who calls, and where."""

    access_key: str
    secret_key: str
    token: str | None = None
    endpoint: str | None = None
    profile: str | None = None

    def __repr__(self) -> str:
        """Name the caller without the secret half."""
        return f"Credentials({self.access_key or self.profile!r}, endpoint={self.endpoint!r})"


@dataclass(frozen=True, kw_only=True)
class Api:
    """What a table entry gets to work with: the client of its service, and where it is."""

    client: Any
    region: str
    account: str
    cancelled: Event = field(default_factory=Event)

    def wait_until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait for AWS to reach a state, unless the engine wants to end. Raises WaitedInVain."""
        wait_until(reached, what, pause=self.cancelled.wait)

    def arn(self, service: str, resource: str) -> str:
        """Make the ARN of a resource in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


class NoCredentials(Exception):
    """The environment holds no credentials for AWS."""


class LostReply(Exception):
    """AWS may have done what it was asked, but its answer got lost."""


def credentials_from(environ: Mapping[str, str], profile: str | None = None) -> Credentials:
    """Take the credentials from an environment. Raises NoCredentials when there are none."""
    profile = profile or environ.get("AWS_PROFILE")
    if not profile and not (environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY")):
        raise NoCredentials(
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) and run it again"
        )
    return Credentials(
        access_key="" if profile else environ["AWS_ACCESS_KEY_ID"],
        secret_key="" if profile else environ["AWS_SECRET_ACCESS_KEY"],
        token=None if profile else environ.get("AWS_SESSION_TOKEN"),
        endpoint=environ.get("AWS_ENDPOINT_URL") or None,
        profile=profile,
    )


def assumed(credentials: Credentials, region: str, role: Mapping[str, Any]) -> Credentials:
    """Ask STS for the credentials of a role, as the provider's `assumeRoles` names it."""
    wanted = {"RoleSessionName": "stageline", **{ROLE[name]: value for name, value in role.items() if value}}
    given = client(credentials, "sts", region).assume_role(**wanted)["Credentials"]
    return replace(
        credentials,
        access_key=given["AccessKeyId"],
        secret_key=given["SecretAccessKey"],
        token=given["SessionToken"],
        profile=None,
    )


_lock = RLock()


def client(credentials: Credentials, service: str, region: str) -> Any:
    """Give the one client of this process for a service; making one is not thread-safe, hence the lock."""
    with _lock:
        return _client(credentials, service, region)


@lru_cache(CLIENTS)
def _client(credentials: Credentials, service: str, region: str) -> Any:
    options: dict[str, Any] = {
        "retries": {"total_max_attempts": TRIES, "mode": "standard"},
        "max_pool_connections": CONNECTIONS,
        # The endpoint comes from the provider's own environment, never from this process's.
        "ignore_configured_endpoint_urls": True,
    }
    config = Config(**options)
    own: Any = _session(credentials)  # the stubs want the service as a literal
    made = own.client(service, region_name=region, endpoint_url=credentials.endpoint, config=config)
    made.meta.events.register_first(f"needs-retry.{made.meta.service_model.service_id.hyphenize()}", refuse_to_repeat)
    return made


def refuse_to_repeat(operation: Any, caught_exception: Exception | None, **_: Any) -> None:
    """Keep botocore from sending a call again that would make a second one of what it made. Raises LostReply."""
    lost = isinstance(caught_exception, HTTPClientError) and not isinstance(caught_exception, NEVER_SENT)
    if lost and operation.name.startswith(MAKING):
        raise LostReply(
            f"AWS was sent {operation.name}, and its answer got lost: what it made may exist; look for it in AWS, "
            "delete it or import it (`pulumi import`), then run this again"
        ) from caught_exception


@lru_cache(CLIENTS)
def _session(credentials: Credentials) -> boto3.Session:
    if credentials.profile:
        return new_session(credentials.profile)
    return new_session(
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
    )
