"""Graphs: what tells environments apart by nature is gone, everything else is kept."""

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.graph import Resource
from release.rules.graph import OF_ASSETS, OF_SECRETS, SECRET, SIGNATURE, Identity, exported, graph

QA = Identity(project="stageline", environment="qa", account="123456789012", cidr="10.20.0.0/16")
VPC = "aws:ec2/vpc:Vpc"


def resource(name: str = "env-vpc", type: str = VPC, outputs: dict[str, Any] | None = None, **inputs: Any) -> Resource:
    return {
        "type": type,
        "name": name,
        "inputs": inputs,
        "outputs": outputs or {},
        "protect": False,
        "ignore_changes": [],
    }


@pytest.mark.parametrize(
    ("text", "anywhere"),
    [
        (
            "stageline-qa-artifacts-123456789012-eu-central-1",
            "stageline-<environment>-artifacts-<account>-eu-central-1",
        ),
        ("/stageline/qa/database", "/stageline/<environment>/database"),
        ("qa", "<environment>"),
        ('SETTINGS = \'{"environment": "qa"}\'', 'SETTINGS = \'{"environment": "<environment>"}\''),
        ("arn:aws:iam::123456789012:role/x", "arn:aws:iam::<account>:role/x"),
        ("10.20.16.0/20", "<network+4096/20>"),
        ("10.20.0.5", "<network+5/32>"),
        ("10.30.0.0/16", "10.30.0.0/16"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("stageline-qatar", "stageline-qatar"),
        ("my-stageline-qa", "my-stageline-qa"),
        ("91234567890123", "91234567890123"),
        ("/dev/qa", "/dev/qa"),
    ],
)
def test_names_account_and_addresses_of_an_environment_are_the_same_text_anywhere(text: str, anywhere: str) -> None:
    assert QA.without(text) == anywhere


@given(st.integers(0, 255), st.integers(0, 255), st.integers(16, 28), st.data())
def test_blocks_at_the_same_place_of_two_networks_are_the_same(
    first: int, second: int, length: int, data: st.DataObject
) -> None:
    here, there = (ipaddress.IPv4Network(f"10.{number}.0.0/16") for number in (first, second))
    block = data.draw(st.sampled_from(list(here.subnets(new_prefix=length))[:64]))
    offset = int(block.network_address) - int(here.network_address)
    moved = ipaddress.IPv4Network((int(there.network_address) + offset, length))
    texts = [
        Identity(project="p", environment="e", account="1" * 12, cidr=str(network)).without(str(one))
        for network, one in ((here, block), (there, moved))
    ]
    assert texts[0] == texts[1]


def test_inputs_are_flat_and_json_in_a_text_is_taken_apart() -> None:
    policy = json.dumps({"Statement": [{"Action": ["s3:Get"], "Resource": "arn:aws:s3:::stageline-qa-x"}]})
    found = graph([resource(tags={"Name": "qa"}, ports=[80, 443.0], policy=policy, none=None, empty=[])], QA)
    assert found == {
        (VPC, "env-vpc"): {
            "tags.Name": "<environment>",
            "ports[0]": 80,
            "ports[1]": 443,
            "policy.Statement[0].Action[0]": "s3:Get",
            "policy.Statement[0].Resource": "arn:aws:s3:::stageline-<environment>-x",
            "empty": [],
            "(options).protect": False,
            "(options).ignoreChanges": [],
        }
    }


def test_a_text_that_only_looks_like_json_stays_a_text() -> None:
    found = graph([resource(pattern="[a-z]+", open="{")], QA)[(VPC, "env-vpc")]
    assert (found["pattern"], found["open"]) == ("[a-z]+", "{")


def test_ids_that_aws_gave_become_the_names_of_their_resources() -> None:
    vpc = resource(outputs={"id": "vpc-0123456789abcdef0", "arn": "arn:aws:ec2:x:vpc/vpc-0123456789abcdef0"})
    user = resource(
        "env-user",
        "aws:x/y:Y",
        vpc="vpc-0123456789abcdef0",
        arn="arn:aws:ec2:x:vpc/vpc-0123456789abcdef0/all",
        snapshot="final-0123456789abcdef0",
        other="vpc-0123456789abcdef01",
    )
    found = graph([vpc, user], QA)[("aws:x/y:Y", "env-user")]
    assert [found[name] for name in ("vpc", "arn", "snapshot", "other")] == [
        "<env-vpc>",
        "<env-vpc>/all",
        "final-<env-vpc>",
        "vpc-0123456789abcdef01",
    ]


def test_an_arn_is_its_resource_also_where_a_program_put_it_together() -> None:
    bucket = resource("env-bucket", "aws:s3/bucket:Bucket", {"id": "my-bucket", "arn": "arn:aws:s3:::my-bucket"})
    role = resource("env-role", "aws:iam/role:Role", {"id": "env-role-ab12cd3"})
    made = resource(
        bucket="arn:aws:s3:::my-bucket/artifacts/*",
        role="arn:aws:iam::123456789012:role/env-role-ab12cd3",
        deep="arn:aws:iam::123456789012:role/stageline/qa/access/env-role-ab12cd3",
    )
    found = graph([bucket, role, made], QA)[(VPC, "env-vpc")]
    assert [found[name] for name in ("bucket", "role", "deep")] == [
        "<env-bucket>/artifacts/*",
        "<env-role>",
        "<env-role>",
    ]


def test_a_resource_that_is_called_like_the_environment_does_not_take_its_name() -> None:
    dashboard = resource("env-dashboard", "aws:x/y:Y", {"id": "stageline-qa"})
    found = graph([dashboard, resource(tag="stageline-qa-1")], QA)
    assert found[(VPC, "env-vpc")]["tag"] == "stageline-<environment>-1"


def test_components_and_providers_name_nothing() -> None:
    component = resource("command", "pulumi:providers:command", outputs={"name": "command", "id": "command"})
    found = graph([component, resource(text="a command line")], QA)
    assert found[(VPC, "env-vpc")]["text"] == "a command line"


def test_an_exported_stack_is_read_without_marks_and_defaults_of_the_provider() -> None:
    inputs = {
        "__defaults": ["tagsAll"],
        "tagsAll": {"a": "b"},
        "nested": [{"__defaults": [], "kept": 1}],
        "stdin": {SIGNATURE: OF_SECRETS, "ciphertext": "x"},
        "source": {SIGNATURE: OF_ASSETS, "path": "slot.py", "hash": "y"},
    }
    urn = f"urn:pulumi:qa::stageline::{VPC}::env-vpc"
    state = {"resources": [{"urn": urn, "type": VPC, "id": "vpc-1", "inputs": inputs, "protect": True}]}
    (found,) = exported(state)
    assert found["inputs"] == {"nested": [{"kept": 1}], "stdin": SECRET, "source": {"file": "slot.py"}}
    assert (found["name"], found["outputs"], found["protect"]) == ("env-vpc", {"id": "vpc-1"}, True)


def test_what_a_replacement_has_yet_to_delete_is_not_part_of_a_stack() -> None:
    old = {"urn": f"urn:pulumi:qa::stageline::{VPC}::env-vpc", "type": VPC, "delete": True}
    assert exported({"resources": [old]}) == []
