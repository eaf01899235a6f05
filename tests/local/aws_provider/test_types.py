"""The table itself: whole and consistent; `test_sdk` compares it with the SDK."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.aws_provider.model import Input, ResourceType
from local.aws_provider.types import TYPES
from local.aws_provider.types.security_groups import rule_atoms, rules_from, same_rules

EVERY = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


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


def groups(entry: ResourceType | Input) -> set[str]:
    """List the inputs in the groups of a type or of a nested input."""
    return {name for group in entry.exclusions for name in group}


def nested(entries: Mapping[str, Input]) -> Iterator[Input]:
    """List the nested inputs of all depths."""
    for entry in entries.values():
        if entry.fields:
            yield entry
            yield from nested(entry.fields)


@EVERY
def test_inputs_that_exclude_each_other_are_inputs_of_the_type(kind: ResourceType) -> None:
    assert groups(kind) - set(kind.inputs) == set()
    assert [entry for entry in nested(kind.inputs) if groups(entry) - set(entry.fields)] == []


@EVERY
def test_an_input_that_is_always_needed_excludes_nothing(kind: ResourceType) -> None:
    required = {name for name, entry in kind.inputs.items() if entry.required or entry.default is not None}
    assert groups(kind) & required == set()


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
