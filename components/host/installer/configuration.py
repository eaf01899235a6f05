"""The configuration of what a slot holds: its document lies in the slot's folder, its secrets on no disk at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.host.installer.aws import aws, fetched, retried
from components.host.installer.errors import Refused
from components.host.installer.order import Content
from components.host.installer.slots import Server
from contract.artifacts import configuration_key
from contract.configuration import Document, parse_document, parse_values
from contract.layout import CONFIGURATION


def download_configuration(server: Server, content: Content, folder: Path) -> None:
    """Fetch the document, and see that its secrets can be read, before anything that runs is touched."""
    if content.configuration is None:
        return
    place = ("--bucket", server.artifact_bucket, "--key", configuration_key(content.configuration))
    retried(lambda: aws(server, "s3api", "get-object", *place, str(folder / CONFIGURATION)))
    read_configuration(server, content, folder)


def read_configuration(server: Server, content: Content, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The values that all may read, and the secrets, which are fetched with the server's own role; each by name."""
    if content.configuration is None:
        return {}, {}
    document = checked_document(folder / CONFIGURATION, content.configuration)
    if not document.secret:
        return dict(document.environment), {}
    call = ("secretsmanager", "get-secret-value", "--secret-id", document.secret)
    values = fetched(server, parse_values, *call, "--query", "SecretString", "--output", "text")
    if missing := sorted(set(document.secrets) - set(values)):
        raise Refused(f"the secret {document.secret} does not hold {', '.join(missing)}: set it again and redeploy")
    return dict(document.environment), {name: values[name] for name in document.secrets}


def checked_document(path: Path, digest: str) -> Document:
    """The document as it was frozen: another text (cut short, or changed) is refused."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise Refused(f"{path} is gone: release redeploy") from None
    if hashlib.sha256(text).hexdigest() != digest:
        raise Refused(f"the configuration {digest[:12]} does not have its sha256: release redeploy")
    try:
        return parse_document(text.decode("utf-8"))
    except ValueError:
        raise Refused(f"the configuration {digest[:12]} is not valid: release redeploy") from None
