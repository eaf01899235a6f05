"""Parity: whatever is planted is found, whatever a setting makes different is declared by that setting."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.rules.graph import SECRET, Graph
from release.rules.parity import ABSENT, PRESENT, Difference, Judged, differences, differing, judged, strays

SETTINGS = ("network.nat", "servers.count", "servers.size", "database.engine", "database.version")
BUCKET = ("aws:s3/bucket:Bucket", "env-bucket")
SERVER = ("aws:ec2/instance:Instance", "env-server-1")

Values = Mapping[str, Any]
Program = Callable[[Values], Graph]

plain_values = st.one_of(st.booleans(), st.integers(0, 5), st.sampled_from(["small", "large", "10.0.0.0/16"]))
resources = st.dictionaries(
    st.tuples(st.sampled_from(["Bucket", "Instance", "Listener"]), st.sampled_from(["one", "two", "three"])),
    st.dictionaries(st.sampled_from(["port", "tags.owner", "rules[0].cidr"]), plain_values, min_size=1, max_size=3),
    min_size=1,
    max_size=5,
)
all_settings = st.fixed_dictionaries({name: st.integers(0, 3) for name in SETTINGS})


def program(base: Graph) -> Program:
    """An environment of `base` and of what each setting adds: an input, more resources, and one input made of two."""

    def declare(settings: Mapping[str, Any]) -> Graph:
        servers = {
            ("Server", f"env-{number}"): {"size": settings["servers.size"]}
            for number in range(settings["servers.count"])
        }
        nat = {("Nat", "env-nat"): {"zones": 2}} if settings["network.nat"] % 2 else {}
        family = f"{settings['database.engine']}{settings['database.version']}"
        return {**base, **servers, **nat, ("Database", "env-db"): {"family": family}}

    return declare


def compared(declare: Program, here: Values, there: Values, found: Graph | None = None) -> tuple[Judged, ...]:
    """What is judged between two environments of a program; `found` takes the place of the second one's graph."""
    theirs = {name: there[name] for name in SETTINGS if here[name] != there[name]}
    second = declare(there) if found is None else found
    return judged(declare(here), second, theirs, lambda keys: declare({**here, **{key: theirs[key] for key in keys}}))


@given(resources, all_settings, all_settings)
def test_every_difference_that_settings_make_is_declared(base: Graph, here: Values, there: Values) -> None:
    found = compared(program(base), here, there)
    assert all(one.declared_by for one in found)
    assert len(found) == len(differences(program(base)(here), program(base)(there)))


@given(resources, all_settings, all_settings, st.data())
def test_whatever_is_planted_is_found_undeclared(base: Graph, here: Values, there: Values, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(base)))
    path = data.draw(st.sampled_from(sorted(base[key])))
    second = {**program(base)(there), key: {**base[key], path: "planted"}}
    undeclared = [one.difference for one in compared(program(base), here, there, second) if not one.declared_by]
    assert undeclared == [Difference(resource=key, input=path, here=base[key][path], there="planted")]


@given(resources, all_settings, all_settings, st.booleans())
def test_a_resource_that_only_one_environment_has_is_found_undeclared(
    base: Graph, here: Values, there: Values, more: bool
) -> None:
    first, second = program(base)(here), program(base)(there)
    planted = {("Bucket", "planted"): {"acl": "public"}}
    theirs = {name: there[name] for name in SETTINGS if here[name] != there[name]}

    def recorded(keys: frozenset[str]) -> Graph:
        graph = program(base)({**here, **{key: theirs[key] for key in keys}})
        return graph if more else {**graph, **planted}

    one, other = (first, {**second, **planted}) if more else ({**first, **planted}, second)
    found = judged(one, other, theirs, recorded)
    values = (ABSENT, PRESENT) if more else (PRESENT, ABSENT)
    assert [each.difference for each in found if not each.declared_by] == [
        Difference(resource=("Bucket", "planted"), input="", here=values[0], there=values[1])
    ]


@given(resources, all_settings)
def test_an_environment_does_not_differ_from_itself(base: Graph, settings: Values) -> None:
    assert compared(program(base), settings, settings) == ()


ONE = dict.fromkeys(SETTINGS, 1)


@pytest.mark.parametrize(
    ("there", "resource", "declared_by"),
    [
        pytest.param({"network.nat": 2}, ("Nat", "env-nat"), ("network.nat",), id="a-resource-less"),
        pytest.param({"servers.count": 2}, ("Server", "env-1"), ("servers.count",), id="a-resource-more"),
        pytest.param({"servers.size": 3}, ("Server", "env-0"), ("servers.size",), id="another-input"),
        pytest.param(
            {"database.engine": 2, "database.version": 3, "network.nat": 3},
            ("Database", "env-db"),
            ("database.engine", "database.version"),
            id="two-settings-together",
        ),
    ],
)
def test_a_difference_is_declared_by_the_settings_that_make_it_and_no_others(
    there: Values, resource: tuple[str, str], declared_by: tuple[str, ...]
) -> None:
    found = {one.difference.resource: one.declared_by for one in compared(program({}), ONE, {**ONE, **there})}
    assert found[resource] == declared_by


def test_a_setting_with_which_nothing_can_be_declared_explains_nothing() -> None:
    found = judged({BUCKET: {"acl": "private"}}, {BUCKET: {"acl": "public"}}, {"storage.acl": "?"}, lambda keys: None)
    assert [one.declared_by for one in found] == [()]


def test_nothing_is_declared_again_where_nothing_differs() -> None:
    asked: list[frozenset[str]] = []

    def recorded(keys: frozenset[str]) -> Graph | None:
        asked.append(keys)
        return None

    assert judged({BUCKET: {}}, {BUCKET: {}}, {"network.nat": 1}, recorded) == ()
    assert asked == []


@pytest.mark.parametrize(
    ("here", "there"),
    [(True, 1), (0, False), ("1", 1), ("", ABSENT)],
    ids=["true-and-1", "0-and-false", "text-and-number", "empty-and-absent"],
)
def test_values_of_another_type_differ(here: Any, there: Any) -> None:
    second = {} if there == ABSENT else {"acl": there}
    assert [one.input for one in differences({BUCKET: {"acl": here}}, {BUCKET: second})] == ["acl"]


def test_settings_that_differ_are_named_by_dotted_key_with_the_values_there() -> None:
    here = {"region": "a", "servers": {"count": 2, "bastion": None}, "zones": ["a", "b"]}
    there = {"region": "a", "servers": {"count": 3, "bastion": {"ami": "x"}}, "zones": ["a", "c"]}
    assert differing(here, there) == {"servers.bastion": {"ami": "x"}, "servers.count": 3, "zones": ["a", "c"]}


def test_a_stack_strays_in_what_it_holds_otherwise_and_in_what_it_lacks() -> None:
    stack = {SERVER: {"type": "t3.nano", "zone": "a"}}
    declared = {SERVER: {"type": "t3.small", "zone": "a", "disk": 20}, BUCKET: {}}
    assert [(one.resource, one.input, one.here, one.there) for one in strays(stack, declared)] == [
        (SERVER, "disk", ABSENT, 20),
        (SERVER, "type", "t3.nano", "t3.small"),
        (BUCKET, "", ABSENT, PRESENT),
    ]


def test_a_resource_that_only_the_stack_has_is_a_stray() -> None:
    assert [(one.resource, one.here) for one in strays({BUCKET: {}}, {})] == [(BUCKET, PRESENT)]


def test_secrets_and_what_the_provider_added_are_no_strays() -> None:
    stack = {SERVER: {"connection": SECRET, "name": "env-server-1-ab12cd3", "hooks[0]": SECRET}}
    declared = {SERVER: {"connection.port": 22, "connection.host": "x", "hooks[0].key": "y"}}
    assert strays(stack, declared) == ()


def test_a_secret_hides_nothing_beside_it() -> None:
    stack = {SERVER: {"connection": SECRET, "connections": 1}}
    assert [one.input for one in strays(stack, {SERVER: {"connection.port": 22, "connections": 2}})] == ["connections"]
