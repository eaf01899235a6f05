"""Who vouches for whom: OpenID Connect providers for callers from outside, certificates for what AWS serves."""

from typing import Any

from local.aws_provider.calls import deletes, same_members, tags_by
from local.aws_provider.model import Autoname, Change, Description, Input, ResourceType, Updating
from local.aws_provider.session import Api

# --- OpenIdConnectProvider


def read_provider(api: Api, arn: str) -> Description:
    return {**api.client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn), "OpenIDConnectProviderArn": arn}


def set_thumbprints(api: Api, arn: str, change: Change) -> None:
    api.client.update_open_id_connect_provider_thumbprint(
        OpenIDConnectProviderArn=arn, ThumbprintList=change.new["thumbprintLists"]
    )


def set_clients(api: Api, arn: str, change: Change) -> None:
    old, new = set(change.old.get("clientIdLists") or ()), set(change.new["clientIdLists"])
    for client in sorted(new - old):
        api.client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=client)
    for client in sorted(old - new):
        api.client.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=client)


def same_url(one: Any, other: Any) -> bool:
    """Compare URLs, which IAM tells without their scheme."""
    return str(one).removeprefix("https://") == str(other).removeprefix("https://")


PROVIDER_TAGS = tags_by("tag_open_id_connect_provider", "untag_open_id_connect_provider", "OpenIDConnectProviderArn")

OPEN_ID_CONNECT_PROVIDER = ResourceType(
    token="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    service="iam",
    global_service=True,
    identity="OpenIDConnectProviderArn",
    inputs={
        "url": Input("Url", required=True, replaces=True, same=same_url),
        "clientIdLists": Input("ClientIDList", required=True, same=same_members),
        "thumbprintLists": Input("ThumbprintList", computed=True),
    },
    outputs={"arn": "OpenIDConnectProviderArn"},
    create=lambda api, request: dict(api.client.create_open_id_connect_provider(**request)),
    read=read_provider,
    delete=deletes("delete_open_id_connect_provider", "OpenIDConnectProviderArn"),
    updates=[
        Updating(inputs=("clientIdLists",), run=set_clients),
        Updating(inputs=("thumbprintLists",), run=set_thumbprints),
    ],
    tagging=PROVIDER_TAGS,
    alone_by=("url",),
)


# --- ServerCertificate


def upload(api: Api, request: Description) -> Description:
    return dict(api.client.upload_server_certificate(**request)["ServerCertificateMetadata"])


def read_certificate(api: Api, name: str) -> Description:
    found = api.client.get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    metadata = found["ServerCertificateMetadata"]
    return {**found, **metadata}


def same_text(one: Any, other: Any) -> bool:
    """Compare texts whose end of line IAM may add or take."""
    return str(one).strip() == str(other).strip()


SERVER_CERTIFICATE = ResourceType(
    token="aws:iam/serverCertificate:ServerCertificate",
    service="iam",
    global_service=True,
    identity="ServerCertificateName",
    inputs={
        "name": Input("ServerCertificateName", replaces=True),
        "path": Input("Path", default="/", replaces=True),
        "certificateBody": Input("CertificateBody", required=True, replaces=True, same=same_text),
        "certificateChain": Input("CertificateChain", replaces=True, same=same_text),
        "privateKey": Input("PrivateKey", required=True, replaces=True, never_read=True, secret=True),
    },
    outputs={"arn": "Arn"},
    create=upload,
    read=read_certificate,
    delete=deletes("delete_server_certificate", "ServerCertificateName"),
    autoname=Autoname(longest=128),
)

ENTRIES = (OPEN_ID_CONNECT_PROVIDER, SERVER_CERTIFICATE)
