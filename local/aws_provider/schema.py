"""The schema that the engine asks for where it writes a program, as after `pulumi import`. Pure.

The SDK comes from the genuine schema; this one names what the table knows and leaves the types of values open.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from local.aws_provider.model import MERGED_TAGS, ResourceType

MODULES = "(.*)(?:/[^/]*)"
"""How a module is named in a type: `ec2` in `aws:ec2/vpc:Vpc`."""


def schema(kinds: Mapping[str, ResourceType], version: str) -> dict[str, Any]:
    """Describe the types of the table."""
    return {
        "name": "aws",
        "version": version,
        "meta": {"moduleFormat": MODULES},
        "resources": {token: _resource(kind) for token, kind in kinds.items()},
    }


def _resource(kind: ResourceType) -> dict[str, Any]:
    return {
        "inputProperties": _anything(name for name in kind.all_inputs if name != MERGED_TAGS),
        "requiredInputs": [name for name, entry in kind.all_inputs.items() if entry.required],
        "properties": _anything([*kind.all_inputs, *kind.outputs]),
    }


def _anything(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": "pulumi.json#/Any"} for name in names}
