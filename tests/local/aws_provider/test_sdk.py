"""The table against the Python SDK: nothing that a program can write there may be another thing here.

The SDK is generated from the genuine plugin's schema. Its classes tell the names on the wire and what is required;
its texts tell which inputs exclude each other.
"""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from local.aws_provider.model import Group, Input, ResourceType
from local.aws_provider.types import TYPES

EVERY = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
OWN = {"tagsAll"}
"""Inputs that this provider adds itself."""


# --- what the SDK says


def sdk_module(token: str) -> Any:
    """Import the SDK's module of a type; its package need not be loaded as a whole."""
    _, module, name = token.split(":")
    snake = re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
    return importlib.import_module(f"pulumi_aws.{module.split('/')[0]}.{snake}")


def sdk_class(token: str) -> Any:
    """Find the SDK's class of a type."""
    return getattr(sdk_module(token), token.rsplit(":", 1)[1])


def sdk_args(token: str) -> Any:
    """Find the class of its inputs, which has a longer name where a nested input of another type took the usual one."""
    module, name = sdk_module(token), token.rsplit(":", 1)[1]
    return getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")


def sdk_outputs(token: str) -> set[str]:
    """List the names on the wire of what a resource tells."""
    properties = [prop for _, prop in inspect.getmembers(sdk_class(token), lambda each: isinstance(each, property))]
    return {prop.fget._pulumi_name for prop in properties if hasattr(prop.fget, "_pulumi_name")}


@dataclass(frozen=True, kw_only=True)
class SdkInput:
    """What the SDK says of one input; `args` is the class of its nested objects."""

    required: bool
    args: Any
    many: bool
    conflicts: frozenset[str]


@cache
def sdk_inputs(args: Any) -> Mapping[str, SdkInput]:
    """Read a class of inputs, by the names on the wire."""
    parameters = [each for each in inspect.signature(args.__init__).parameters.values() if each.name != "__self__"]
    wire = {each.name: getattr(args, each.name).fget._pulumi_name for each in parameters}
    texts = parameter_texts(args)
    return {
        wire[each.name]: SdkInput(
            required=each.default is each.empty,
            args=nested_args(args, str(each.annotation)),
            many="Sequence[" in str(each.annotation),
            conflicts=frozenset(wire[name] for name in conflicts_in(texts.get(each.name, "")) if name in wire),
        )
        for each in parameters
    }


def nested_args(args: Any, annotation: str) -> Any:
    """Find the class of the nested objects that an annotation speaks of; a policy may be a text, and is one here."""
    found = re.search(r"\b(?!PolicyDocument)(\w+Args)\b", annotation)
    return (
        getattr(importlib.import_module(f"{args.__module__.rpartition('.')[0]}._inputs"), found[1]) if found else None
    )


def parameter_texts(args: Any) -> Mapping[str, str]:
    """Split what is written of a class's parameters."""
    parts = re.split(r":param [^:]*?(\w+): ", inspect.getdoc(args.__init__) or "")
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def conflicts_in(text: str) -> list[str]:
    """Find which parameters a text calls conflicting."""
    sentences = re.findall(r"(?:[Cc]onflicts with|[Cc]annot be specified with|[Cc]annot be set if) ([^.]*)", text)
    return [
        name
        for sentence in sentences
        for name in re.findall(r"`(\w+)`|\b(\w+_\w+)\b", sentence)
        for name in name
        if name
    ]


# --- the table beside it


@dataclass(frozen=True, kw_only=True)
class Level:
    """The inputs of a type, or of objects nested in it, beside the SDK's."""

    path: str
    entries: Mapping[str, Input]
    exclusions: tuple[Group, ...]
    known: Mapping[str, SdkInput]


def levels(kind: ResourceType) -> list[Level]:
    """List the inputs of a type and of all that is nested in it."""
    entries = {name: entry for name, entry in kind.all_inputs.items() if name not in OWN}
    known = sdk_inputs(sdk_args(kind.token))
    return list(below(Level(path="", entries=entries, exclusions=kind.exclusions, known=known)))


def below(level: Level) -> Iterator[Level]:
    """Go down into nested objects that the SDK has, too."""
    yield level
    for name, entry in level.entries.items():
        sdk = level.known.get(name)
        if entry.fields and sdk and sdk.args:
            path, known = f"{level.path}{name}.", sdk_inputs(sdk.args)
            yield from below(Level(path=path, entries=entry.fields, exclusions=entry.exclusions, known=known))


@EVERY
def test_every_input_is_one_of_the_sdk(kind: ResourceType) -> None:
    assert [each.path + name for each in levels(kind) for name in each.entries if name not in each.known] == []


@EVERY
def test_every_output_is_one_of_the_sdk(kind: ResourceType) -> None:
    assert set(kind.outputs) - sdk_outputs(kind.token) == set()


@EVERY
def test_what_the_sdk_requires_is_required(kind: ResourceType) -> None:
    required = {
        each.path + name: name in each.entries and each.entries[name].required
        for each in levels(kind)
        for name, sdk in each.known.items()
        if sdk.required
    }
    assert [path for path, here in required.items() if not here] == []


@EVERY
def test_an_input_is_a_list_or_has_fields_where_the_sdk_says_so(kind: ResourceType) -> None:
    shapes = [
        (each.path + name, (entry.many, bool(entry.fields)), (sdk.many and sdk.args is not None, sdk.args is not None))
        for each in levels(kind)
        for name, entry in each.entries.items()
        if (sdk := each.known.get(name))
    ]
    assert [path for path, here, there in shapes if here != there] == []


@EVERY
def test_inputs_that_the_sdk_calls_conflicting_exclude_each_other(kind: ResourceType) -> None:
    pairs = [
        (each, name, other)
        for each in levels(kind)
        for name in each.entries
        if name in each.known
        for other in each.known[name].conflicts
        if other in each.entries and other != name
    ]
    apart = [
        f"{each.path}{name} and {other}"
        for each, name, other in pairs
        if not any({name, other} <= set(group) for group in each.exclusions)
    ]
    assert apart == []


@EVERY
def test_what_the_sdk_keeps_secret_is_secret(kind: ResourceType) -> None:
    source = inspect.getsource(sdk_class(kind.token)._internal_init)
    listed = re.search(r"additional_secret_outputs=\[(.*?)\]", source)
    secret = set(re.findall(r'"(\w+)"', listed[1])) if listed else set()
    assert {name for name in secret if name in kind.all_inputs and not kind.all_inputs[name].holds_secret} == set()
