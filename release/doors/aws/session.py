"""One environment's account, region and role: lazily made clients, and botocore's errors in one line."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from threading import RLock
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    CredentialRetrievalError,
    InvalidConfigError,
    LoginError,
    MetadataRetrievalError,
    MissingDependencyException,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    RefreshWithMFAUnsupportedError,
    SSOError,
    TokenRetrievalError,
)

from release.process.errors import Broken, Refused, StagelineError

NOT_FOUND = {"ResourceNotFoundException", "NotFoundException"}
PASSING = {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "RequestTimeout"}
EXPIRED = "your credentials have expired: log in again, in a workflow ask for longer ones (role-duration-seconds)"
# What to do next, for the codes that people meet.
NEXT = {
    "NoSuchBucket": "the environment has not come up yet: run pulumi up on it",
    "AccessDenied": "your credentials may not do this: ask for the permission, or use others",
    "403": "your credentials may not do this: ask for the permission, or use others",
    "AccessDeniedException": "your credentials may not do this: ask for the permission, or use others",
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "ForbiddenException": "your SSO profile is not for this account or role: check which AWS_PROFILE names",
    "InvalidClientTokenId": "AWS does not know these credentials: check which ones are set",
    "InvalidAccessKeyId": "AWS does not know these credentials: check which ones are set",
    "UnrecognizedClientException": "AWS does not know these credentials: check which ones are set",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "InvalidSignatureException": "check this machine's clock and the secret of the access key",
    "SignatureDoesNotMatch": "check this machine's clock and the secret of the access key",
}
RETRIES = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=60)
HASTY = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=3)


class AwsSession:
    """Clients for one account and region; ``role`` is assumed first when there is one.

    Several threads may ask for clients: they are made one after another, because boto3's sessions are not for several.
    """

    def __init__(self, *, account: str, region: str, role: str | None) -> None:
        self.account = account
        self.region = region
        self._role = role
        self._clients: dict[str, Any] = {}
        self._hasty_clients: dict[str, Any] = {}
        self._making = RLock()

    def client(self, service: str) -> Any:
        """The client of a service, made at its first use."""
        return self._kept(self._clients, service, RETRIES)

    def hasty_client(self, service: str) -> Any:
        """A client that gives up within about ten seconds, for what is asked again soon anyway, like a heartbeat: two
        tries of 2 seconds to connect and 3 to answer.
        """
        return self._kept(self._hasty_clients, service, HASTY)

    def caller(self) -> str:
        """The ARN that AWS knows the caller by; refused when it belongs to another account.

        Asked hastily: who goes back goes without an answer of STS, and waits for none.
        """
        with aws_call("ask AWS who you are"):
            answer = self.hasty_client("sts").get_caller_identity()
        if answer["Account"] != self.account:
            raise Refused(
                f"your credentials are of account {answer['Account']}, this environment is in {self.account}",
                hint="use credentials of that account, or set stageline:role in the stack file",
            )
        return str(answer["Arn"])

    def expires_in(self) -> timedelta | None:
        """How long the caller's own credentials last, below zero when they have expired; None where they have no end
        that botocore knows, or where it gets new ones by itself when they end (SSO, the role of a machine, a process).
        """
        with self._making, _opening("look at your credentials"):
            credentials = self._base.get_credentials()
            if credentials is None or not ends_for_good(credentials.method, self._profile()):
                return None
            if credentials.method != "env":
                credentials.get_frozen_credentials()  # botocore learns of the end when it first needs them
        end = getattr(credentials, "_expiry_time", None)  # has no public name; static credentials have none at all
        return end - datetime.now(UTC) if end else None

    def _kept(self, clients: dict[str, Any], service: str, config: Config) -> Any:
        with self._making:
            if service not in clients:
                with _opening(f"open a connection to {service}"):
                    clients[service] = self._session.client(service, config=config)
            return clients[service]

    def _profile(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._base._session.get_scoped_config()
        return found

    @cached_property
    def _base(self) -> Any:
        """The caller's own session, before any role."""
        return boto3.Session(region_name=self.region)

    @cached_property
    def _session(self) -> Any:
        return _assumed(self._base, self._role) if self._role else self._base


def ends_for_good(method: str, profile: Mapping[str, Any]) -> bool:
    """Whether credentials that botocore got by ``method`` (its word) are gone when they end. It reads variables again
    and finds the same, and it does not ask twice for a code of MFA; all others it renews.
    """
    return method == "env" or (method == "assume-role" and "mfa_serial" in profile)


def refuse_too_short(remaining: timedelta | None, needed: timedelta) -> None:
    """Refuse to begin what credentials do not outlast: it would stop in the middle, and so would putting it back.

    ``remaining`` is what ``AwsSession.expires_in`` says (None: nothing to fear), ``needed`` how long the work may take
    until it is closed. It is for what can wait. Nothing that brings users back may be refused by it: a rollback with
    five minutes left is better than none.
    """
    if remaining is not None and remaining < needed:
        raise Refused(
            f"your credentials {_until(remaining)}, and this may take {_minutes(needed)} minutes",
            hint="log in again; in a workflow ask for longer ones (role-duration-seconds)",
        )


def _until(remaining: timedelta) -> str:
    return f"end in {_minutes(remaining)} minutes" if remaining > timedelta() else "have expired"


def _minutes(time: timedelta) -> int:
    return round(time.total_seconds() / 60)


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
        raise Broken(f"cannot {doing}: {error}", hint=advice(error, os.environ)) from error
    except RuntimeError as error:
        if "credentials are still expired" not in str(error):  # botocore has no type of its own for it
            raise
        raise Broken(f"cannot {doing}: {EXPIRED.partition(':')[0]}", hint=EXPIRED.partition(": ")[2]) from error


@contextmanager
def _opening(doing: str) -> Iterator[None]:
    """The same where botocore also reads variables: it passes on that it cannot read one."""
    try:
        with aws_call(doing):
            yield
    except ValueError as error:
        hint = "check what AWS_ENDPOINT_URL and AWS_CREDENTIAL_EXPIRATION say"
        raise Broken(f"cannot {doing}: {error}", hint=hint) from error


def advice(error: BotoCoreError, environ: Mapping[str, str]) -> str:
    """What to do about what went wrong before AWS could answer."""
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    of_profile, bundle = f" --profile {profile}" if profile else "", environ.get("AWS_CA_BUNDLE")
    match error:
        case ProfileNotFound():
            return "check AWS_PROFILE; what there is, is listed by: aws configure list-profiles"
        case SSOError() | TokenRetrievalError():
            return f"log in again: aws sso login{of_profile}"
        case LoginError():
            return f"log in again: aws login{of_profile}"
        case RefreshWithMFAUnsupportedError():
            return "log in again: a code of MFA is good once"
        case ConfigNotFound() | ConfigParseError() | InvalidConfigError():
            return f"mend {environ.get('AWS_CONFIG_FILE', '~/.aws/config')}"
        case MissingDependencyException():
            return "install that beside release, or log in another way"
        case CredentialRetrievalError() | MetadataRetrievalError():
            return "look at what gives you credentials: the profile's process, or the machine's role"
        case _ if bundle and not Path(bundle).exists():
            return f"there is no {bundle}: check AWS_CA_BUNDLE"
        case _:
            return "check the network and the region"


def error_code(error: ClientError) -> str:
    """The AWS error code of a failed call."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def aws_code(error: StagelineError) -> str:
    """The AWS error code behind a translated error; empty when AWS did not answer at all."""
    return error_code(error.__cause__) if isinstance(error.__cause__, ClientError) else ""


def is_not_found(error: StagelineError) -> bool:
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
        caller = base.client("sts", config=HASTY).get_caller_identity()["Arn"]
        own = base.get_credentials()
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(base._session.create_client, config=HASTY),
        source_credentials=own,
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
