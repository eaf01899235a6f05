"""One environment's account, region and role: lazily made clients, and botocore's errors in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from release.errors import Broken, Refused

NOT_FOUND = {"ResourceNotFoundException", "NotFoundException"}
PASSING = {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "RequestTimeout"}
# What to do next, for the codes that people meet.
NEXT = {
    "NoSuchBucket": "the environment has not come up yet: run pulumi up on it",
    "AccessDenied": "your credentials may not do this: ask for the permission, or use others",
    "403": "your credentials may not do this: ask for the permission, or use others",
    "AccessDeniedException": "your credentials may not do this: ask for the permission, or use others",
    "ExpiredToken": "your credentials have expired: log in again",
    "ExpiredTokenException": "your credentials have expired: log in again",
    "InvalidClientTokenId": "AWS does not know these credentials: check which ones are set",
    "InvalidAccessKeyId": "AWS does not know these credentials: check which ones are set",
    "UnrecognizedClientException": "AWS does not know these credentials: check which ones are set",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "InvalidSignatureException": "check this machine's clock and the secret of the access key",
    "SignatureDoesNotMatch": "check this machine's clock and the secret of the access key",
}
RETRIES = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=60)


class AwsSession:
    """Clients for one account and region; ``role`` is assumed first when there is one."""

    def __init__(self, *, account: str, region: str, role: str | None) -> None:
        self.account = account
        self.region = region
        self._role = role
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The client of a service, made at its first use."""
        if service not in self._clients:
            with aws_call(f"open a connection to {service}"):
                self._clients[service] = self._session.client(service, config=RETRIES)
        return self._clients[service]

    def caller(self) -> str:
        """The ARN that AWS knows the caller by; refused when it belongs to another account."""
        with aws_call("ask AWS who you are"):
            answer = self.client("sts").get_caller_identity()
        if answer["Account"] != self.account:
            raise Refused(
                f"your credentials are of account {answer['Account']}, this environment is in {self.account}",
                hint="use credentials of that account, or set stageline:role in the stack file",
            )
        return str(answer["Arn"])

    @cached_property
    def _session(self) -> Any:
        base = boto3.Session(region_name=self.region)
        return _assumed(base, self._role) if self._role else base


@contextmanager
def aws_call(doing: str) -> Iterator[None]:
    """Translate what boto3 raises while ``doing`` something: "cannot <doing>: <AWS code>: <message>"."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise Broken(
            f"cannot {doing}: no AWS credentials were found",
            hint="set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ) from None
    except ClientError as error:
        code, said = error_code(error), error.response["Error"].get("Message", "")
        raise Broken(f"cannot {doing}: {code}: {said}", hint=NEXT.get(code, "")) from error
    except BotoCoreError as error:
        raise Broken(f"cannot {doing}: {error}", hint="check the network and the region") from error


def error_code(error: ClientError) -> str:
    """The AWS error code of a failed call."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def aws_code(error: Broken) -> str:
    """The AWS error code behind a translated error; empty when AWS did not answer at all."""
    return error_code(error.__cause__) if isinstance(error.__cause__, ClientError) else ""


def is_not_found(error: Broken) -> bool:
    """Whether AWS said that the thing is not there (and not that it could not be asked)."""
    return aws_code(error) in NOT_FOUND


def may_pass(error: Broken) -> bool:
    """Whether AWS could not be asked just now: nobody answered, or it was throttled or had a fault of its own."""
    cause = error.__cause__
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status in (429, 500, 502, 503, 504) or error_code(cause) in PASSING
    return isinstance(cause, BotoCoreError)


def _assumed(base: Any, role: str) -> Any:
    """A session of ``role`` whose credentials are renewed as they expire, under the name of who assumes it.

    The name keeps people apart in the ledger: everybody who assumes the role would else be the same principal.
    """
    with aws_call(f"assume {role}"):
        caller = base.client("sts", config=RETRIES).get_caller_identity()["Arn"]
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=base._session.create_client,
        source_credentials=base.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": session_name(caller)},
    )
    session: Any = botocore.session.get_session()
    session._credentials = DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )  # botocore's own way for profiles with a role_arn; it has no public one
    return boto3.Session(botocore_session=session, region_name=base.region_name)


def session_name(caller: str) -> str:
    """The last part of an ARN as STS allows it in a session's name: 2 to 64 of these characters."""
    return re.sub(r"[^\w+=,.@-]", "-", caller.rsplit("/", 1)[-1], flags=re.ASCII)[:64].ljust(2, "-")
