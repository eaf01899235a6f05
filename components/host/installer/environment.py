"""What the processes of an application find in their environment, and which of it are secrets."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from components.host.installer.aws import fetched, parameter_call
from components.host.installer.configuration import read_configuration
from components.host.installer.order import Content
from components.host.installer.slots import Server
from components.host.installer.told import hidden_forms
from contract.database import parse_address, parse_login

SCHEMES = {"postgres": ("postgresql", "?sslmode=require"), "mysql": ("mysql", "?ssl-mode=REQUIRED")}


def application_environment(server: Server, content: Content, folder: Path) -> tuple[dict[str, str], list[str]]:
    """The environment of the application's processes, and the secrets in it, longest first.

    Its configuration lies in `folder`, the slot's or the one that is prepared for it.
    """
    open_to_all, secrets = read_configuration(server, content, folder)
    ours = {
        "PORT": str(content.port),
        "HOST": server.address,
        "RELEASE_VERSION": content.release,
        "SLOT": content.slot,
    }
    hidden = [form for value in secrets.values() for form in hidden_forms(value)]
    if server.database_parameter:
        ours["DATABASE_URL"], forms = database_url(server)
        hidden += forms
    return {**os.environ, **open_to_all, **secrets, **ours}, sorted(set(hidden), key=len, reverse=True)


def database_url(server: Server) -> tuple[str, list[str]]:
    """The database's address with its credentials, fetched with the server's own role; and what of it is secret."""
    database = fetched(server, parse_address, *parameter_call(server.database_parameter))
    secret = ("secretsmanager", "get-secret-value", "--secret-id", database.secret)
    login = fetched(server, parse_login, *secret, "--query", "SecretString", "--output", "text")
    scheme, tls = SCHEMES["mysql" if "mysql" in database.engine else "postgres"]
    user, password = quote(login.username, safe=""), quote(login.password, safe="")
    url = f"{scheme}://{user}:{password}@{database.host}:{database.port}/{database.name}"
    url += tls if database.tls else ""
    return url, [url, password, login.password]
