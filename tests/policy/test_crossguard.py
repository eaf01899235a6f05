"""What the engine shows of resources, as rules see it."""

import json
from typing import Any

import pytest
from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.crossguard import plain, policies, stack
from policy.resources import BUCKET, BUCKET_CLOSED, DATABASE, INSTANCE, UNKNOWN
from policy.rules import RULES
from settings.demos import derived, tags
from settings.model import Demo
from settings.stackfile import load
from tests.project import CHECKOUT, PROJECT

ANY = {"a": "b"}
OF_DEMO = derived(load(PROJECT, "dev"), Demo(), creation="0a1b2c3d", open_to=())


def urn(type: str, name: str, environment: str = "prod") -> str:
    return f"urn:pulumi:{environment}::stageline::stageline:components:Environment${type}::{name}"


def options(protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def shown(
    type: str, inputs: dict[str, Any], *, protect: bool = False, environment: str = "prod", provider: Any = ANY
) -> Any:
    """A resource before it is made."""
    by = PolicyProviderResource("pulumi:providers:aws", unknown_checking_proxy(provider), "urn", "aws")
    where = urn(type, "one", environment)
    return ResourceValidationArgs(type, unknown_checking_proxy(inputs), where, "one", options(protect), by)


def declared(type: str, inputs: dict[str, Any], *after: PolicyResource) -> PolicyResource:
    """A resource when all are declared."""
    props = unknown_checking_proxy(inputs)
    return PolicyResource(type, props, urn(type, "one"), "one", options(), None, None, list(after), {})


def policy(name: str) -> Policy:
    [found] = [one for one in policies(RULES, PROJECT) if one.name == name]
    return found


def said(name: str, args: Any) -> list[tuple[str, str | None]]:
    """What a policy reports, and of which resource."""
    reported: list[tuple[str, str | None]] = []
    found = policy(name)
    assert isinstance(found, ResourceValidationPolicy | StackValidationPolicy)

    def report(message: str, urn: str | None = None) -> None:
        reported.append((message, urn))

    found.validate(args, report)
    return reported


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGELINE_PROJECT", str(PROJECT))


def test_every_rule_becomes_a_policy_of_its_name() -> None:
    made = policies(RULES, PROJECT)
    assert [(one.name, one.description) for one in made] == [(rule.name, rule.says) for rule in RULES]
    assert [isinstance(one, StackValidationPolicy) for one in made] == [rule.whole for rule in RULES]


def test_a_fault_is_reported_with_the_resource_s_name() -> None:
    [(message, where)] = said("database-private", shown(DATABASE, {"publiclyAccessible": True}))
    assert message == "one can have a public address: set publicly_accessible=False"
    assert where == urn(DATABASE, "one")


def test_the_stack_in_the_urn_decides_what_is_asked_for() -> None:
    assert said("multi-az", shown(DATABASE, {"multiAz": False})) != []
    assert said("multi-az", shown(DATABASE, {"multiAz": False}, environment="dev")) == []


@pytest.mark.parametrize(
    ("tags", "fault"),
    [
        pytest.param(tags(OF_DEMO, creation="0a1b2c3d", owner="ana"), "", id="as it is declared"),
        pytest.param({**OF_DEMO.tags, "project": "other", "creation": "0a1b2c3d"}, "project", id="of another project"),
        pytest.param({}, "lacks the tags environment, managed-by, owner, project", id="none"),
    ],
)
def test_a_demo_is_judged_by_what_it_gets_from_its_base(tags: dict[str, str], fault: str) -> None:
    one = shown(INSTANCE, {}, environment="demo-map-f4492d", provider={"defaultTags": json.dumps({"tags": tags})})
    messages = [message for message, _ in said("tagged", one)]
    assert len(messages) == bool(fault) and all(fault in message for message in messages)
    assert said("multi-az", shown(DATABASE, {"multiAz": False}, environment="demo-map-f4492d")) == []


def test_the_mark_that_protects_is_seen() -> None:
    assert said("kept", shown(DATABASE, {})) != []
    assert said("kept", shown(DATABASE, {}, protect=True)) == []


def test_what_was_declared_for_a_resource_is_found_among_all() -> None:
    locks = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    bucket = declared(BUCKET, {})
    closed = declared(BUCKET_CLOSED, dict.fromkeys(locks, True), bucket)
    alone = declared(BUCKET_CLOSED, dict.fromkeys(locks, True))
    assert said("bucket-closed", StackValidationArgs([bucket, closed])) == []
    assert len(said("bucket-closed", StackValidationArgs([bucket, alone]))) == 1


def test_what_is_not_known_yet_becomes_unknown_wherever_it_stands() -> None:
    props = {"a": UNKNOWN_STRING_VALUE, "b": [1.0, {"c": UNKNOWN_STRING_VALUE, "d": "text"}]}
    assert plain(unknown_checking_proxy(props)) == {"a": UNKNOWN, "b": [1.0, {"c": UNKNOWN, "d": "text"}]}


def test_the_stack_is_read_from_any_urn() -> None:
    assert stack("urn:pulumi:feature-x::stageline::pulumi:pulumi:Stack::stageline-feature-x") == "feature-x"


def test_the_pack_stands_beside_the_tracked_stack_files() -> None:
    assert (CHECKOUT / "policy" / "PulumiPolicy.yaml").exists()
