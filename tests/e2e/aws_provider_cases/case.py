"""What a case says, and what many cases are made of."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Clients = Callable[[str], Any]
State = Mapping[str, Any]
"""A resource as the stack holds it: `id` and its outputs."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """`update` and `replacement` are other values for some inputs; `drift` is a change behind Pulumi's back.

    A case without an update is of a type in which nothing can be changed in place.
    """

    type: str
    inputs: Mapping[str, Any]
    update: Mapping[str, Any] = field(default_factory=dict)
    replacement: Mapping[str, Any] = field(default_factory=dict)
    drift: Callable[[Clients, State], object] | None = None
    after: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    """Outputs that a program may read: known once the resource exists."""


def trust(service: str) -> str:
    """Make the trust policy of a role."""
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def policy(*statements: Mapping[str, Any]) -> str:
    """Make a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def retag(clients: Clients, state: State) -> None:
    """Change a tag of an EC2 resource by hand."""
    clients("ec2").create_tags(Resources=[state["id"]], Tags=[{"Key": "case", "Value": "by hand"}])


REGION = "eu-central-1"
TAGS = {"case": "one"}
RETAGGED = {"case": "two", "more": "yes"}
CERTIFICATES = ("one.example.com", "another.example.com")
"""Domains. Each stands for the ARN of its certificate: no program declares one, so they are there before."""
