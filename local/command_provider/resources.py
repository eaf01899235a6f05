"""What each resource type takes, which inputs are refused, and which changes replace it (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.command_provider.values import (
    ARCHIVE,
    ASSET,
    Properties,
    comparable,
    contains_unknown,
    is_signed,
    is_unknown,
    plain,
    secret,
)

REMOTE_COMMAND = "command:remote:Command"
COPY_TO_REMOTE = "command:remote:CopyToRemote"
LOCAL_COMMAND = "command:local:Command"

REPLACING = "triggers"
LOGGING = ("stdout", "stderr", "stdoutAndStderr", "none")
CONNECTION_DEFAULTS = {"port": 22.0, "user": "root", "dialErrorLimit": 10.0, "perDialTimeout": 15.0}
CONNECTION_SECRETS = ("password", "privateKey", "privateKeyPassword")
CONNECTION_INPUTS = {"host", "hostKey", "agentSocketPath", "proxy", *CONNECTION_DEFAULTS, *CONNECTION_SECRETS}
_COMMAND_INPUTS = {
    "create",
    "update",
    "delete",
    "triggers",
    "stdin",
    "logging",
    "environment",
    "addPreviousOutputInEnv",
}


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """The inputs that a type knows, those that it needs, and the outputs that running it gives."""

    inputs: frozenset[str]
    required: tuple[str, ...]
    computed: tuple[str, ...]


TYPES = {
    REMOTE_COMMAND: ResourceType(
        inputs=frozenset({"connection", *_COMMAND_INPUTS}), required=("connection",), computed=("stdout", "stderr")
    ),
    LOCAL_COMMAND: ResourceType(
        inputs=frozenset({"dir", "interpreter", *_COMMAND_INPUTS}), required=(), computed=("stdout", "stderr")
    ),
    COPY_TO_REMOTE: ResourceType(
        inputs=frozenset({"connection", "remotePath", "source", "triggers"}),
        required=("connection", "remotePath", "source"),
        computed=(),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An input that is refused, and why."""

    property: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """An input that differs: added, deleted or updated; `replaces` when the resource must be made anew."""

    property: str
    kind: str
    replaces: bool


def checked(resource: ResourceType, news: Properties) -> tuple[Properties, list[Failure]]:
    """The inputs with defaults, the connection secret as a whole, and what is wrong with them."""
    inputs = {name: value for name, value in news.items() if value is not None}
    failures = list(_failures(resource, inputs))
    if "connection" in inputs and not failures:
        inputs["connection"] = secret(_with_defaults(plain(inputs["connection"])))
    return inputs, failures


def changes(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[Change]:
    """Every input that differs, by name."""
    names = sorted({*olds, *news})
    return [
        Change(property=name, kind=_kind(name, olds, news), replaces=name == REPLACING)
        for name in names
        if comparable(olds.get(name)) != comparable(news.get(name))
    ]


def _kind(name: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    if name not in olds:
        return "added"
    return "updated" if name in news else "deleted"


def _failures(resource: ResourceType, inputs: Properties) -> Iterator[Failure]:
    for name in sorted(inputs.keys() - resource.inputs):
        yield Failure(property=name, reason="not known to the local stand-in of the command plugin; remove it")
    for name in resource.required:
        if name not in inputs:
            yield Failure(property=name, reason="missing; it is required")
    if "connection" in inputs:
        yield from _connection_failures("connection", plain(inputs["connection"]))
    if "source" in inputs:
        yield from _source_failures(inputs["source"])
    logging = plain(inputs.get("logging", "none"))
    if logging not in LOGGING and not is_unknown(logging):
        yield Failure(property="logging", reason=f"{logging!r} is not one of {', '.join(LOGGING)}")


def _connection_failures(path: str, connection: Any) -> Iterator[Failure]:
    if is_unknown(connection):
        return
    known = CONNECTION_INPUTS - ({"proxy"} if path.endswith("proxy") else set())
    for name in sorted(connection.keys() - known):
        yield Failure(
            property=f"{path}.{name}", reason="not known to the local stand-in of the command plugin; remove it"
        )
    if connection.get("host") is None:
        yield Failure(property=f"{path}.host", reason="missing; it is required")
    if connection.get("proxy") is not None and "proxy" in known:
        yield from _connection_failures(f"{path}.proxy", connection["proxy"])


def _source_failures(source: Any) -> Iterator[Failure]:
    source = plain(source)
    if contains_unknown(source):
        return
    if is_signed(source, ASSET) and ("path" in source or "text" in source):
        return
    if is_signed(source, ARCHIVE) and "path" in source:
        return
    yield Failure(property="source", reason="not a FileAsset, a StringAsset or a FileArchive; give one of them")


def _with_defaults(connection: Any) -> Any:
    """Unset is filled in, so that the checked inputs state what is used; credentials are marked secret."""
    if is_unknown(connection):
        return connection
    given = {name: value for name, value in connection.items() if value is not None}
    complete = {**CONNECTION_DEFAULTS, **given}
    for name in CONNECTION_SECRETS:
        if name in complete:
            complete[name] = secret(complete[name])
    if "proxy" in complete:
        complete["proxy"] = _with_defaults(complete["proxy"])
    return complete
