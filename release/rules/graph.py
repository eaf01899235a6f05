"""Graph: the resources of one environment in a form in which environments can be compared.

What tells environments apart by nature becomes the same text in all of them: the environment's name and account, the
addresses of its network, and the ids of its own resources (`<env-network-vpc>`). JSON in a text is taken apart, so
that a difference is named by its place in a policy. Everything else stays as the program or the stack says it.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract.graph import Resource
from settings.model import Settings

Key = tuple[str, str]
"""A resource: its type and its logical name."""

Graph = Mapping[Key, Mapping[str, Any]]
"""Of each resource its inputs, flat: `healthCheck.interval`, `policy.Statement[0].Action`."""

SECRET = "<secret>"
SIGNATURE = "4dabf18193072939515e22adb298388d"  # the key by which Pulumi's state marks what is not plain
OF_SECRETS = "1b47061264138c4ac30d75fd1eb44270"
OF_ASSETS = "c44067f5952c0a294b673a41bacd8c17"

# Outputs by which one resource names another one. Shorter values are words like any other.
IDENTIFYING = (
    "id",
    "arn",
    "arnSuffix",
    "name",
    "bucket",
    "keyId",
    "identifier",
    "address",
    "dnsName",
    "publicIp",
    "privateIp",
)
SHORTEST_ID = 6
HEX_ID = re.compile(r"[a-z]+-([0-9a-f]{8,17})")
ARN_OF_NAMED = re.compile(
    r"arn:[\w-]+:[\w-]*:[\w-]*:[0-9]*:(?:[\w+=,.@/-]+[:/])?(<[^<>\s]+>)"
)  # put together by a program
NOT_MADE = ("pulumi:", "stageline:")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What an environment is told apart by."""

    project: str
    environment: str
    account: str
    cidr: str

    @staticmethod
    def of(settings: Settings) -> "Identity":
        """The identity of the environment with these settings."""
        return Identity(
            project=settings.project,
            environment=settings.environment,
            account=settings.account,
            cidr=settings.network.cidr,
        )

    def without(self, text: str) -> str:
        """The text as it would be in any environment."""
        if text == self.environment:
            return "<environment>"
        if (place := self._place(text)) is not None:
            return place
        text = self._named.sub(rf"{self.project}\1<environment>", text)
        return self._account.sub("<account>", text.replace(f'"{self.environment}"', '"<environment>"'))

    def _place(self, text: str) -> str | None:
        """Where in the environment's network an address or a block lies; None for any other text."""
        if not text[:1].isdigit():
            return None
        try:
            block = ipaddress.IPv4Network(text)
        except ValueError:
            return None
        network = ipaddress.IPv4Network(self.cidr)
        if not block.subnet_of(network):
            return None
        return f"<network+{int(block.network_address) - int(network.network_address)}/{block.prefixlen}>"

    @cached_property
    def _named(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![a-z0-9-]){re.escape(self.project)}([-/]){re.escape(self.environment)}(?![a-z0-9])")

    @cached_property
    def _account(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\d){self.account}(?!\d)")


def graph(resources: Sequence[Resource], identity: Identity) -> Graph:
    """The graph of resources, without what tells environments apart."""
    names = _Names(resources, f"{identity.project}-{identity.environment}")
    return {
        (one["type"], one["name"]): dict(leaves("", _facts(one), lambda text: identity.without(names.without(text))))
        for one in resources
        if one["type"] != "pulumi:pulumi:Stack"
    }


def exported(deployment: Mapping[str, Any]) -> list[Resource]:
    """The resources of `pulumi stack export`, in the form that `graph` takes; what a provider added is left out."""
    return [
        Resource(
            type=one["type"],
            name=one["urn"].rsplit("::", 1)[1],
            inputs=_said(one.get("inputs") or {}),
            outputs={"id": one.get("id"), **_said(one.get("outputs") or {})},
            protect=bool(one.get("protect")),
            ignore_changes=one.get("ignoreChanges") or [],
        )
        for one in deployment.get("resources") or []
        if not one.get("delete")
    ]


class _Names:
    """The ids, ARNs and names that AWS gave to resources, each replaced by the resource's own name.

    `label` is the environment's own name: it stands in many texts, also where a resource is called so.
    """

    def __init__(self, resources: Iterable[Resource], label: str) -> None:
        self._owners: dict[str, str] = {}
        for one in resources:
            if not one["type"].startswith(NOT_MADE):
                for value in _identifiers(one["outputs"]):
                    self._owners.setdefault(value, one["name"])
        self._owners.pop(label, None)
        longest_first = sorted(self._owners, key=len, reverse=True)
        self._any = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first)) or '(?!)'})(?!\w)")

    def without(self, text: str) -> str:
        named = self._any.sub(lambda found: f"<{self._owners[found[1]]}>", text)
        return ARN_OF_NAMED.sub(r"\1", named)


def _identifiers(outputs: Mapping[str, Any]) -> Iterator[str]:
    values = [outputs.get(name) for name in IDENTIFYING]
    values += [one.get("secretArn") for one in outputs.get("masterUserSecrets") or [] if isinstance(one, dict)]
    for value in values:
        if isinstance(value, str) and len(value) >= SHORTEST_ID:
            yield value
            if found := HEX_ID.fullmatch(value):
                yield found[1]  # names are made from it, too


def _facts(one: Resource) -> dict[str, Any]:
    """The inputs with the options that policies look at."""
    options = {"protect": one["protect"], "ignoreChanges": sorted(one["ignore_changes"])}
    return {**one["inputs"], "(options)": options}


def leaves(path: str, value: Any, plain: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    """The places in a value that hold something, with what they hold; `plain` is applied to each text."""
    value = _taken_apart(value)
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(f"{path}.{key}" if path else key, item, plain)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from leaves(f"{path}[{number}]", item, plain)
    elif value is not None:
        yield path, _leaf(value, plain)


def _taken_apart(value: Any) -> Any:
    """What a JSON text says; any other value as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _leaf(value: Any, plain: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return plain(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _said(value: Any) -> Any:
    """A value of Pulumi's state as a program said it: marks resolved, defaults of the provider left out."""
    if isinstance(value, list):
        return [_said(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == OF_SECRETS:
        return SECRET
    if value.get(SIGNATURE) == OF_ASSETS:
        return {"file": value.get("path")}
    added = {"__defaults", *value.get("__defaults", [])}
    return {key: _said(item) for key, item in value.items() if key not in added}
