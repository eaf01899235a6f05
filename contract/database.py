"""What servers and `release` are told of an environment's database: where it is, and who opens it.

The program writes the address into the environment's parameter, `release init` the login into a secret. Readers raise
ValueError for a text of another form, and never show it: it may hold a password.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Address:
    """Where a database is. `secret` names the login of the application; `tls`: connections must be encrypted."""

    identifier: str
    engine: str
    host: str
    port: int
    name: str
    secret: str
    tls: bool


@dataclass(frozen=True)
class Login:
    """A user of the database and its password."""

    username: str
    password: str = field(repr=False)


def address_facts(
    *, identifier: Any, engine: str, host: Any, port: Any, name: str, secret: str, tls: bool
) -> dict[str, Any]:
    """What the parameter holds, as JSON; some of it may not be known yet."""
    return {
        "identifier": identifier,
        "engine": engine,
        "host": host,
        "port": port,
        "name": name,
        "secret": secret,
        "tls": "required" if tls else "off",
    }


def parse_address(text: str) -> Address:
    """The parameter's text."""
    values = _object(text, ("identifier", "engine", "host", "port", "name", "secret"))
    names = ("identifier", "engine", "host", "name", "secret")
    plain = {name: str(values[name]) for name in names}
    return Address(port=int(str(values["port"])), tls=values.get("tls") == "required", **plain)


def login_text(login: Login) -> str:
    """The secret's text: the form in which RDS writes its own."""
    return json.dumps({"username": login.username, "password": login.password})


def parse_login(text: str) -> Login:
    """The secret's text, or that of RDS."""
    values = _object(text, ("username", "password"))
    return Login(str(values["username"]), str(values["password"]))


def _object(text: str, keys: tuple[str, ...]) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict) or not all(key in values for key in keys):
        raise ValueError(f"no JSON object with {', '.join(keys)}")
    return values
