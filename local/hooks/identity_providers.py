"""OpenID Connect providers whose clients change, for which moto 5.2.5 has no calls."""

from contextlib import ExitStack
from typing import Any

from moto.core.responses import EmptyResult
from moto.iam.responses import IamResponse

from local.hooks.replacing import add


def install_identity_providers(installed: ExitStack) -> None:
    """Hook moto's IAM until ``installed`` is closed."""
    add(installed, IamResponse, "add_client_id_to_open_id_connect_provider", _add_client)
    add(installed, IamResponse, "remove_client_id_from_open_id_connect_provider", _remove_client)


def _add_client(response: Any) -> EmptyResult:
    provider, client = _asked(response)
    provider.client_id_list = [*_others(provider, client), client]
    return EmptyResult()


def _remove_client(response: Any) -> EmptyResult:
    provider, client = _asked(response)
    provider.client_id_list = _others(provider, client)
    return EmptyResult()


def _asked(response: Any) -> tuple[Any, str]:
    provider = response.backend.get_open_id_connect_provider(response._get_param("OpenIDConnectProviderArn"))
    return provider, response._get_param("ClientID")


def _others(provider: Any, client: str) -> list[str]:
    return [each for each in provider.client_id_list if each != client]
