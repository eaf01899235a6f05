"""A configured provider's connection to AWS: found credentials, roles taken on, account checked."""

from collections.abc import Mapping
from threading import Event
from typing import Any

from local.aws_provider.config import BadConfig, ProviderConfig, read_config, refused_account
from local.aws_provider.errors import AwsError, one_line
from local.aws_provider.model import Properties, ResourceType
from local.aws_provider.session import Api, Credentials, NoCredentials, assumed, client, credentials_from


class Refused(Exception):
    """The request cannot be answered; the message says why, in one line."""


class Connection:
    """A configured provider: who it is, where, and how it was told to behave."""

    def __init__(self, config: ProviderConfig, credentials: Credentials, caller: Properties, cancelled: Event) -> None:
        """Keep what Configure found out."""
        self.config = config
        self.caller = caller
        self._credentials = credentials
        self._cancelled = cancelled

    def api(self, kind: ResourceType, region: Any) -> Api:
        """Give what the entries of a type work with."""
        where = region if isinstance(region, str) else self.config.region
        return Api(
            client=client(self._credentials, kind.service, where),
            region=where,
            account=self.caller["accountId"],
            cancelled=self._cancelled,
        )


def connect(given: Mapping[str, Any], environ: Mapping[str, str], cancelled: Event) -> Connection:
    """Find credentials, take on the roles, ask STS who that is. Raises Refused."""
    try:
        config = read_config(given, environ)
        credentials = credentials_from(environ, config.profile)
        for role in config.roles:
            credentials = assumed(credentials, config.region, role)
        caller = _caller(credentials, config.region)
    except (BadConfig, NoCredentials) as error:
        raise Refused(str(error)) from error
    except AwsError as error:
        raise Refused(one_line(error, "the AWS provider", "credentials")) from error
    refusal = refused_account(config, caller["accountId"])
    if refusal:
        raise Refused(refusal)
    return Connection(config, credentials, caller, cancelled)


def _caller(credentials: Credentials, region: str) -> Properties:
    answer = client(credentials, "sts", region).get_caller_identity()
    return {
        "accountId": answer["Account"],
        "arn": answer["Arn"],
        "userId": answer["UserId"],
        "id": answer["Account"],
    }
