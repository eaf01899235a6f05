"""OpenID Connect providers that take another client, for which moto 5.2.5 has no call."""

from contextlib import ExitStack
from typing import Any

from moto.core.responses import EmptyResult
from moto.iam.responses import IamResponse

from local.hooks.replacing import add


def install_identity_providers(installed: ExitStack) -> None:
    """Hook moto's IAM until ``installed`` is closed."""
    add(installed, IamResponse, "add_client_id_to_open_id_connect_provider", _add_client)


def _add_client(response: Any) -> EmptyResult:
    provider = response.backend.get_open_id_connect_provider(response._get_param("OpenIDConnectProviderArn"))
    client = response._get_param("ClientID")
    provider.client_id_list = [*(each for each in provider.client_id_list if each != client), client]
    return EmptyResult()
