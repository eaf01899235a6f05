"""Between the program's names and AWS's, by the places in the table. Pure."""

from collections.abc import Mapping
from typing import Any

from local.aws_provider.model import Description, Input, Properties, ResourceType


def dig(description: Any, place: str) -> Any:
    """Find the value at a dotted place; None where anything on the way is missing."""
    for key in place.split("."):
        if not isinstance(description, Mapping):
            return None
        description = description.get(key)
    return description


def put(description: Description, place: str, value: Any) -> None:
    """Set the value at a dotted place, making the objects on the way."""
    *parents, last = place.split(".")
    for key in parents:
        description = description.setdefault(key, {})
    description[last] = value


def request_for(inputs: Mapping[str, Input], values: Properties) -> Description:
    """Make AWS's request from the program's values: all that are given, may be sent and belong to the create call."""
    request: Description = {}
    for name, entry in inputs.items():
        value = values.get(name)
        if value is None or entry.only_here or entry.later:
            continue
        if entry.place:
            put(request, entry.place, to_aws(entry, value))
        elif entry.fields:
            request.update(request_for(entry.fields, value))
    return request


def to_aws(entry: Input, value: Any) -> Any:
    """Write one value of the program as AWS wants it."""
    if not entry.fields:
        return entry.to_aws(value)
    if entry.many:
        return [entry.to_aws(request_for(entry.fields, each)) for each in value]
    return entry.to_aws(request_for(entry.fields, value))


def properties_of(inputs: Mapping[str, Input], description: Description) -> Properties:
    """Find all the inputs that a description holds."""
    found = {name: _found(entry, description) for name, entry in inputs.items() if entry.readable}
    return {name: value for name, value in found.items() if value is not None}


def _found(entry: Input, description: Description) -> Any:
    if entry.place:
        value = dig(description, entry.place)
        return None if value is None else from_aws(entry, value)
    return properties_of(entry.fields, description) or None


def from_aws(entry: Input, value: Any) -> Any:
    """Write one value of AWS as the program does; None for an object in which nothing is set."""
    value = entry.from_aws(value)
    if value is None or not entry.fields:
        return value
    if entry.many:
        return [properties_of(entry.fields, each) for each in value]
    return properties_of(entry.fields, value) or None


def outputs_of(kind: ResourceType, description: Description) -> Properties:
    """Find what only AWS knows."""
    found = {name: dig(description, place) for name, place in kind.outputs.items()}
    return {name: value for name, value in found.items() if value is not None}
