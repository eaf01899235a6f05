"""Names for resources whose program gives none, as Pulumi makes them. Pure.

The logical name, a dash and seven hex digits; or what the setting `pulumi:autonaming` says, which the engine sends
along with each check.
"""

import hashlib
import secrets
from dataclasses import dataclass
from enum import Enum

from local.aws_provider.model import Autoname

HEX_DIGITS = 7


class Mode(Enum):
    """How binding the name is that the engine sends; numbered as in its protocol."""

    PROPOSE = 0
    ENFORCE = 1
    DISABLE = 2


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the setting says for one resource."""

    mode: Mode
    name: str = ""


class NoName(Exception):
    """No name can be made; the message says why and what to do."""


def automatic_name(autoname: Autoname, logical_name: str, seed: bytes, wish: Wish | None = None) -> str:
    """Make the name of a resource: the same one again for the same seed of the engine. Raises NoName."""
    if wish is None:
        return _within(autoname, f"{_as_the_service_wants(autoname, logical_name)}-{_digits(seed)}")
    if wish.mode is Mode.DISABLE:
        raise NoName("automatic names are turned off (pulumi:autonaming): give one")
    if wish.mode is Mode.ENFORCE:
        return wish.name
    return _within(autoname, _as_the_service_wants(autoname, wish.name))


def _digits(seed: bytes) -> str:
    return hashlib.sha256(seed).hexdigest()[:HEX_DIGITS] if seed else secrets.token_hex(HEX_DIGITS)[:HEX_DIGITS]


def _as_the_service_wants(autoname: Autoname, name: str) -> str:
    name = name if name.startswith(autoname.prefix) else autoname.prefix + name
    return name.lower() if autoname.lower_case else name


def _within(autoname: Autoname, name: str) -> str:
    """Refuse, as the genuine plugin does, rather than cut: two long names could become one."""
    if len(name) > autoname.longest:
        raise NoName(
            f"the automatic name '{name}' has {len(name)} characters, and {autoname.longest} are allowed: "
            "give a name, or a shorter logical one"
        )
    return name
