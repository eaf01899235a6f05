"""Between the engine's messages and plain Python values. Pure.

Secrets are kept by property: a property with a secret anywhere in it is a secret as a whole.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """A value that is not known before the resources it comes from exist."""

    def __repr__(self) -> str:
        """Say so."""
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True, kw_only=True)
class Message:
    """The properties of one request, and the names of those that are secret."""

    values: dict[str, Any]
    secrets: frozenset[str]

    def hide(self, text: str) -> str:
        """Take the secrets out of a text in which AWS may have repeated them."""
        hidden = {secret for name in self.secrets for secret in _texts(self.values.get(name))}
        for secret in sorted(hidden, key=len, reverse=True):  # one may be a part of another
            text = text.replace(secret, "[secret]")
        return text


SHORTEST = 4
"""What is shorter is no secret: taking each `1` or `on` out of a text would only make it unreadable."""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str | int | float) and len(str(value)) >= SHORTEST:
        yield str(value)


def decode(struct: Struct) -> Message:
    """Read the properties of a message; null counts as not given."""
    values, secrets = {}, set()
    for name, value in struct.fields.items():
        hidden: list[bool] = []
        plain = _plain(value, hidden)
        if plain is not None:
            values[name] = plain
        if hidden:
            secrets.add(name)
    return Message(values=values, secrets=frozenset(secrets))


def _plain(value: Value, hidden: list[bool]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _object(value.struct_value, hidden)
    if kind == "list_value":
        return [_plain(each, hidden) for each in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
    if kind == "number_value":
        return _number(value.number_value)
    return value.bool_value if kind == "bool_value" else None


def _object(struct: Struct, hidden: list[bool]) -> Any:
    if SIGNATURE_KEY in struct.fields and struct.fields[SIGNATURE_KEY].string_value == SECRET:
        hidden.append(True)
        return _plain(struct.fields["value"], hidden)
    plain = {name: _plain(value, hidden) for name, value in struct.fields.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _number(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def encode(values: Mapping[str, Any], secrets: Collection[str] = ()) -> Struct:
    """Write properties as a message, the named ones as secrets."""
    return Struct(fields={name: _secret(value) if name in secrets else _value(value) for name, value in values.items()})


def _secret(value: Any) -> Value:
    return Value(struct_value=Struct(fields={SIGNATURE_KEY: Value(string_value=SECRET), "value": _value(value)}))


def _value(value: Any) -> Value:
    if isinstance(value, Unknown):
        return Value(string_value=UNKNOWN_TEXT)
    if value is None:
        return Value(null_value=0)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, Mapping):
        return Value(struct_value=encode(value))
    return Value(list_value=ListValue(values=[_value(each) for each in value]))
