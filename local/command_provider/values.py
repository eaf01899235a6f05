"""Property values as Pulumi sends them: secrets, unknowns, assets and archives (pure).

Values stay in their wire form, plain data with signed objects in it; these functions look into them.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Properties = dict[str, Any]


def from_wire(struct: struct_pb2.Struct) -> Properties:
    """The properties of a message; numbers are floats."""
    properties: Properties = json_format.MessageToDict(struct)
    return properties


def to_wire(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())


def is_signed(value: Any, signature: str) -> bool:
    return isinstance(value, dict) and value.get(SIGNATURE) == signature


def secret(value: Any) -> Any:
    """The value marked as secret, once."""
    return value if is_signed(value, SECRET) else {SIGNATURE: SECRET, "value": value}


def plain(value: Any) -> Any:
    """The value with no secret mark anywhere in it."""
    if is_signed(value, SECRET):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value


def is_unknown(value: Any) -> bool:
    """Whether the value itself will be known only after other resources are there."""
    return bool(plain(value) == UNKNOWN)


def contains_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(contains_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(contains_unknown(part) for part in value)
    return bool(value == UNKNOWN)


def comparable(value: Any) -> Any:
    """The value in a form in which equal means unchanged: an asset is its content, wherever that lies."""
    if is_signed(value, ASSET) or is_signed(value, ARCHIVE):
        return (value[SIGNATURE], content_hash(value))
    if isinstance(value, dict):
        return {key: comparable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [comparable(part) for part in value]
    return value


def content_hash(source: Mapping[str, Any]) -> str:
    """The engine's hash of an asset or an archive, empty where it gave none."""
    return str(source.get("hash", ""))
