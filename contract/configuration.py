"""The configuration of an application: what `release` freezes for a slot, and a server gives to its processes.

A configuration is a document that is found by its sha256: the values that all may read, and for each secret the version
in which it was set last. It holds no secret value: it names the secret that does, which is never written a second time.
Readers raise ValueError for a text of another form, and never show it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,99}")
NAME_RULE = "a letter or '_', then up to 99 letters, digits and '_'"

OURS = ("DATABASE_URL", "HOST", "PORT", "RELEASE_VERSION", "SLOT")
"""What the installer sets for each process of an application."""

OF_THE_UNIT = (
    *("DBUS_SESSION_BUS_ADDRESS", "HOME", "INVOCATION_ID", "JOURNAL_STREAM", "LISTEN_FDS", "LISTEN_PID", "LOGNAME"),
    *("MAINPID", "MANAGERPID", "NOTIFY_SOCKET", "PATH", "PWD", "SHELL", "SYSTEMD_EXEC_PID", "USER", "XDG_RUNTIME_DIR"),
)
"""What systemd sets for a slot's unit: another value would keep it from starting."""

KEPT = "STAGELINE_"
"""How names begin that are Stageline's own."""

SHORTEST_SECRET = 6  # characters of what is taken out of all that an application says
MOST_NAMES = 200  # of values that all may read, and of secrets
MOST_VALUE = 32 << 10  # bytes of one value
MOST_SECRETS = 64 << 10  # bytes that a secret of AWS Secrets Manager holds
MOST_ENVIRONMENT = 128 << 10  # bytes of all values that all may read, as JSON


@dataclass(frozen=True)
class Document:
    """A configuration. `environment` are values by name, `secrets` the version in which each of them was set last.

    `secret` is the name of the secret that holds all of their values; empty where there are none.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, int] = field(default_factory=dict)
    secret: str = ""


def document_text(document: Document) -> str:
    """A configuration as it is stored: the same one is always the same text."""
    facts = {"environment": document.environment, "secrets": document.secrets, "secret": document.secret}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def parse_document(text: str) -> Document:
    """A stored configuration."""
    values = _object(text)
    environment, secrets = _texts(values, "environment"), _by_name(values, "secrets", int)
    secret = values.get("secret")
    if not isinstance(secret, str) or bool(secrets) != bool(secret):
        raise ValueError("no secret that holds the values")
    return Document(environment, secrets, secret)


def parse_values(text: str) -> dict[str, str]:
    """The values that a secret holds, by name."""
    return _texts(_object(text), "values")


def name_fault(name: str) -> str:
    """Why an application can not have a variable of this name; empty where it can."""
    if not NAME.fullmatch(name):
        return f"a name is {NAME_RULE}"
    if name in OURS or name in OF_THE_UNIT or name.startswith(KEPT):
        return "the server sets it itself"
    return ""


def value_fault(value: str) -> str:
    """Why a process can not be given this value; empty where it can. Line ends can be given, and stay as they are."""
    if "\0" in value:
        return "it has a NUL in it, which no variable can carry; encode it, as base64 for example"
    if not is_text(value):
        return "it is no UTF-8 text; encode it, as base64 for example"
    if (size := len(value.encode())) > MOST_VALUE:
        return f"it has {size} bytes, {MOST_VALUE} at most can be given; keep it in a bucket and name its place"
    return ""


def is_text(value: str) -> bool:
    """Whether it can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(text: str) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("no JSON object")
    return values


def _texts(values: dict[str, Any], key: str) -> dict[str, str]:
    found: dict[str, str] = _by_name(values, key, str)
    if any(map(value_fault, found.values())):
        raise ValueError(f"no {key} that a process can be given")
    return found


def _by_name(values: dict[str, Any], key: str, kind: type) -> dict[str, Any]:
    found = values.get(key)
    if not isinstance(found, dict) or any(type(value) is not kind or name_fault(name) for name, value in found.items()):
        raise ValueError(f"no {key} by name")
    return found
