"""The table itself: whole, and in the words of the SDK."""

import importlib
import inspect
import re
from functools import cache
from typing import Any

import pytest

from local.aws_provider.model import ResourceType
from local.aws_provider.types import TYPES
from local.aws_provider.types.security_groups import rule_atoms, rules_from, same_rules

EVERY = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


@cache
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


def sdk_names(cls: Any) -> set[str]:
    """List the names on the wire of a class's properties."""
    properties = [prop for _, prop in inspect.getmembers(cls, lambda each: isinstance(each, property))]
    return {prop.fget._pulumi_name for prop in properties if hasattr(prop.fget, "_pulumi_name")}


@EVERY
def test_every_name_is_one_of_the_sdk(kind: ResourceType) -> None:
    known = sdk_names(sdk_class(kind.token)) | sdk_names(sdk_args(kind.token))
    assert {*kind.all_inputs, *kind.outputs} - known == set()


@EVERY
def test_what_the_sdk_requires_is_required(kind: ResourceType) -> None:
    parameters = inspect.signature(sdk_args(kind.token).__init__).parameters.values()
    wanted = {each.name.replace("_", "") for each in parameters if each.default is each.empty} - {"self"}
    required = {name.lower() for name, entry in kind.inputs.items() if entry.required}
    assert wanted - required == set()


@EVERY
def test_every_input_can_change_in_some_way(kind: ResourceType) -> None:
    updated = {name for updating in kind.updates for name in updating.inputs}
    stuck = [name for name, entry in kind.inputs.items() if not (entry.replaces or entry.only_here or name in updated)]
    assert stuck == []


@EVERY
def test_every_input_that_is_sent_later_has_an_update(kind: ResourceType) -> None:
    updated = {name for updating in kind.updates for name in updating.inputs}
    assert {name for name, entry in kind.inputs.items() if entry.later} - updated == set()


@EVERY
def test_an_entry_speaks_of_its_own_inputs_only(kind: ResourceType) -> None:
    spoken = {name for updating in kind.updates for name in updating.inputs} | set(kind.one_of_a_kind)
    assert spoken - set(kind.inputs) == set()
    assert set(kind.restless) - set(kind.outputs) == set()


@EVERY
def test_an_input_that_steers_the_provider_has_no_place_in_aws(kind: ResourceType) -> None:
    assert [name for name, entry in kind.inputs.items() if entry.only_here == bool(entry.place or entry.fields)] == []


RULE = {"protocol": "tcp", "fromPort": 22, "toPort": 22}


def test_rules_are_the_same_however_they_are_grouped() -> None:
    together = [{**RULE, "cidrBlocks": ["10.0.0.0/8", "11.0.0.0/8"]}]
    apart = [{**RULE, "cidrBlocks": ["11.0.0.0/8"]}, {**RULE, "cidrBlocks": ["10.0.0.0/8"]}]
    assert same_rules(together, apart)
    assert not same_rules(together, apart[:1])


@pytest.mark.parametrize(
    "rule",
    [
        {**RULE, "self": True},
        {**RULE, "securityGroups": ["sg-2"], "description": "from there"},
        {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]},
    ],
    ids=["self", "group", "everything"],
)
def test_a_rule_is_told_by_aws_as_it_was_given(rule: dict[str, Any]) -> None:
    permissions: dict[str, dict[str, Any]] = {
        "self": {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
        "securityGroups": {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "UserIdGroupPairs": [{"GroupId": "sg-2", "Description": "from there"}],
        },
        "cidrBlocks": {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    }
    told = rules_from("sg-1", [next(permission for key, permission in permissions.items() if key in rule)])
    assert rule_atoms(told) == rule_atoms([rule])
