"""The conformance cases leave nothing of the table out: each input is sent, and each that can change is changed."""

import pytest

from local.aws_provider.model import ResourceType
from local.aws_provider.types import TYPES
from tests.e2e.aws_provider_cases import CASES, Case

EVERY = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)

NAMED = {"name", "bucket", "identifier"}
"""Every resource has its name, from the program or made for it."""

UNSEEN = {
    ("aws:ec2/subnet:Subnet", "availabilityZoneId"): "the ids of zones differ between accounts",
    ("aws:lb/targetGroupAttachment:TargetGroupAttachment", "availabilityZone"): "for targets outside the VPC only",
    ("aws:rds/instance:Instance", "masterUserSecretKmsKeyId"): "AWS tells it in the secret, not in the database",
}
"""Inputs without a case, and why."""


def cases_of(kind: ResourceType) -> list[Case]:
    return [case for case in CASES.values() if case.type == kind.token]


@EVERY
def test_every_input_that_aws_keeps_is_given_by_a_case(kind: ResourceType) -> None:
    given = {name for case in cases_of(kind) for name in (*case.inputs, *case.update, *case.replacement)}
    wanted = {
        name
        for name, entry in kind.inputs.items()
        if not (entry.only_here or entry.default is not None or name in NAMED)
    }
    assert {name for name in wanted - given if (kind.token, name) not in UNSEEN} == set()


@EVERY
def test_every_input_that_can_change_is_changed_by_a_case(kind: ResourceType) -> None:
    changed = {name for case in cases_of(kind) for name in case.update}
    assert {name for updating in kind.updates for name in updating.inputs} - changed == set()


@EVERY
def test_tags_are_changed_by_a_case(kind: ResourceType) -> None:
    assert not kind.tagging or any("tags" in case.update for case in cases_of(kind))


def test_every_case_is_of_a_type_of_the_table() -> None:
    assert {case.type for case in CASES.values()} - set(TYPES) == set()


@EVERY
def test_every_type_has_a_case_that_is_changed_by_hand(kind: ResourceType) -> None:
    assert any(case.drift for case in cases_of(kind))


ONE_VALUE = {"domain"}
"""EC2 knows no addresses but those of a VPC any more."""


@EVERY
def test_every_type_that_cannot_change_in_all_is_replaced_by_a_case(kind: ResourceType) -> None:
    replacing = {name for name, entry in kind.inputs.items() if entry.replaces} - ONE_VALUE
    assert not replacing or any(replacing & set(case.replacement) for case in cases_of(kind))
