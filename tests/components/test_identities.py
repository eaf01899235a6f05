"""Logical names are contracts: under another URN, Pulumi takes a resource for another one and replaces it."""

from collections.abc import Callable

import pulumi
import pytest
from pulumi import ResourceOptions
from pulumi_aws.ec2.vpc import Vpc

from components.recording import Recording, recorded
from tests.components.identities import COMMAND, environments, identities, listed, lost

LISTED = {"net::env-network", "net$aws:ec2/vpc:Vpc::env-network-vpc"}
CHILD = "env-network-vpc"


@pytest.fixture(scope="module")
def there() -> dict[str, dict[str, frozenset[str]]]:
    return {name: identities(recording) for name, recording in environments().items()}


def test_no_listed_resource_is_gone_or_renamed_without_an_alias(there: dict[str, dict[str, frozenset[str]]]) -> None:
    gone = {name: sorted(lost(urns, there[name])) for name, urns in listed().items()}
    assert gone == {name: [] for name in there}, (
        "the next pulumi up would delete these; give what was renamed an alias, and take a line out of "
        "tests/components/urns.txt only for what shall be deleted"
    )


def test_every_resource_is_listed(there: dict[str, dict[str, frozenset[str]]]) -> None:
    new = {name: sorted(set(urns) - listed()[name]) for name, urns in there.items()}
    assert new == {name: [] for name in there}, f"these are new; if their names may stay for ever, run: {COMMAND}"


def test_a_urn_has_the_types_of_all_parents(there: dict[str, dict[str, frozenset[str]]]) -> None:
    types = "stageline:platform:Platform$stageline:platform:Network$aws:ec2/vpc:Vpc"
    assert f"{types}::env-network-vpc" in there["dev"]


class Net(pulumi.ComponentResource):
    """A component with one child."""

    def __init__(self, name: str, child: str, opts: ResourceOptions, child_opts: ResourceOptions) -> None:
        super().__init__("net", name, {}, opts)
        Vpc(child, opts=ResourceOptions.merge(ResourceOptions(parent=self), child_opts))


def net(name: str, child: str, *aliases: pulumi.Alias, child_alias: pulumi.Alias | None = None) -> Recording:
    own, childs = ResourceOptions(aliases=list(aliases)), ResourceOptions(aliases=[child_alias] if child_alias else [])
    return recorded(lambda: Net(name, child, own, childs))


OLD_CHILD, OLD_NET = pulumi.Alias(name=CHILD), pulumi.Alias(name="env-network")
RENAMED = {
    "nothing": (lambda: net("env-network", CHILD), set()),
    "a child": (lambda: net("env-network", "env-network-other"), {f"net$aws:ec2/vpc:Vpc::{CHILD}"}),
    "a child with an alias": (lambda: net("env-network", "env-network-other", child_alias=OLD_CHILD), set()),
    "a component with its children": (lambda: net("env-net", "env-net-vpc"), LISTED),
    "a component with an alias": (lambda: net("env-net", "env-net-vpc", OLD_NET), set()),
    "both, each with an alias": (lambda: net("env-net", "env-net-main", OLD_NET, child_alias=OLD_CHILD), set()),
    "a component with a wrong alias": (lambda: net("env-net", "env-net-vpc", pulumi.Alias(name="env-nets")), LISTED),
}


@pytest.mark.parametrize(("program", "expected"), RENAMED.values(), ids=RENAMED.keys())
def test_a_rename_is_found_unless_it_has_an_alias(program: Callable[[], Recording], expected: set[str]) -> None:
    assert lost(LISTED, identities(program())) == expected
