"""A Pulumi program that declares the resources of `resources.json` by their type tokens.

Not by the SDK's classes: so the types, names and values on the wire are exactly those of the cases.
"""

import json
import re
from pathlib import Path
from typing import Any

import pulumi

GIVEN = json.loads(Path("resources.json").read_text(encoding="utf-8"))
REFERENCE = re.compile(r"\$\{([^.}]+)\.([^}]+)\}")
MADE: dict[str, Any] = {}

provider = pulumi.ProviderResource("aws", "aws", GIVEN["provider"])


def make(name: str) -> Any:
    """Declare a resource, those that it refers to first."""
    if name not in MADE:
        wanted = GIVEN["resources"][name]
        known = {key: resolve(value) for key, value in wanted["inputs"].items()}
        properties = {**dict.fromkeys(wanted["outputs"]), **known}
        after = [make(each) for each in wanted["after"]]
        options = pulumi.ResourceOptions(provider=provider, depends_on=after, **wanted["options"])
        MADE[name] = pulumi.CustomResource(wanted["type"], name, properties, options)
    return MADE[name]


def resolve(value: Any) -> Any:
    """Replace references by the outputs that they stand for."""
    if isinstance(value, dict):
        return {key: resolve(each) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each) for each in value]
    return resolve_text(value) if isinstance(value, str) else value


def resolve_text(text: str) -> Any:
    """Keep a text without references; join the parts of one with references."""
    parts = REFERENCE.split(text)
    if len(parts) == 1:
        return text
    outputs = [output(*pair) for pair in zip(parts[1::3], parts[2::3], strict=True)]
    joined = [part for pair in zip(parts[0::3], [*outputs, ""], strict=True) for part in pair]
    return pulumi.Output.concat(*joined)


def output(name: str, key: str) -> Any:
    """Give an output of another resource."""
    return getattr(make(name), key)


for each in GIVEN["resources"]:
    make(each)
