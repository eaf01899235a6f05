"""Settings that AWS keeps as texts under names of their own, apart from the description, and sets by a call apart."""

from collections.abc import Mapping
from typing import Any

from local.aws_provider.calls import from_pairs
from local.aws_provider.model import Change, Description, Input, Update
from local.aws_provider.session import Api


def as_text(value: Any) -> str:
    """Write an attribute as AWS keeps it; an empty text is one that is not set."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def as_boolean(text: str) -> bool:
    """Read a boolean attribute."""
    return text == "true"


def from_text(default: Any, text: str) -> Any:
    """Read an attribute as what its default is: a boolean, a number or a text."""
    return as_boolean(text) if isinstance(default, bool) else type(default)(text)


def sets_attributes(method: str, parameter: str, names: Mapping[str, str]) -> Update:
    """Update the attributes that a program can set: input to name of the attribute."""

    def run(api: Api, arn: str, change: Change) -> None:
        wanted = {names[name]: change.new[name] for name in names if _differs(change, name)}
        attributes = [{"Key": key, "Value": as_text(value)} for key, value in wanted.items()]
        getattr(api.client, method)(**{parameter: arn}, Attributes=attributes)

    return run


def _differs(change: Change, name: str) -> bool:
    return change.new.get(name) is not None and change.new[name] != change.old.get(name)


def attributes_of(answer: Mapping[str, Any], names: Mapping[str, str], inputs: Mapping[str, Input]) -> Description:
    """Read the attributes that a program can set, each where its input has its place."""
    found = from_pairs(answer["Attributes"])
    return {
        inputs[name].place: from_text(inputs[name].default, found.get(key) or as_text(inputs[name].default))
        for name, key in names.items()
    }
