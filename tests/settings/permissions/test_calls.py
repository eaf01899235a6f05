"""The table of calls: it names real calls, knows all of `release`, and says why where it is wide."""

import ast
from functools import cache
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from settings.permissions.calls import TABLE, Permission
from settings.permissions.identities import Party
from settings.permissions.policies import is_for
from settings.permissions.scopes import ANYTHING, DATABASE_SECRETS, DEMOS, GROUPS, NOBODYS, PARTS_OF_SERVERS

ROOT = Path(__file__).parents[3]
READS = ("Describe", "Get", "List", "Query", "Scan")
OF_OTHERS = (ANYTHING, DATABASE_SECRETS, GROUPS, NOBODYS, PARTS_OF_SERVERS)
NEVER_FOR_THE_LEDGER = {"dynamodb:DeleteItem", "dynamodb:DeleteTable"}
CALLS = {call for line in TABLE for call in line.calls}
ACTIONS_WITHOUT_CALL = {  # what IAM asks for beside a call's own action
    *("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "iam:CreateServiceLinkedRole", "iam:PassRole"),
    "kms:CreateGrant",
}  # fmt: skip


def writes(line: Permission) -> bool:
    return any(not action.split(":")[1].startswith(READS) for action in line.actions)


@cache
def operations(service: str) -> dict[str, str]:
    """The calls of a service by the names of a client's methods."""
    return {xform_name(name): name for name in get_session().get_service_model(service).operation_names}


@pytest.mark.parametrize("call", sorted(CALLS))
def test_a_call_is_one_of_boto3(call: str) -> None:
    service, name = call.split(":")
    assert name in operations(service).values()


def test_whoever_writes_to_what_is_not_the_environments_says_why() -> None:
    wide = [line for line in TABLE if line.on in OF_OTHERS and writes(line)]
    assert wide
    assert [line.calls for line in wide if not line.why and line.on is not DATABASE_SECRETS] == []


def test_a_wildcard_stands_for_reading_only() -> None:
    wild = {action for line in TABLE for action in line.actions if "*" in action}
    assert {action for action in wild if not action.split(":")[1].startswith(READS)} == set()


def test_nobody_is_given_the_end_of_the_ledger() -> None:
    of_ledgers = [line for line in TABLE if line.on is not DEMOS]
    assert {action for line in of_ledgers for action in line.actions} & NEVER_FOR_THE_LEDGER == set()


def words(file: Path) -> set[str]:
    """The names of attributes in a file, and its texts: `client.get_item`, `get_paginator("query")`."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def services(file: Path) -> set[str]:
    """The services whose client a file asks for."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {
        str(node.args[0].value)
        for node in calls
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("client", "hasty_client") and node.args
        if isinstance(node.args[0], ast.Constant)
    }


def calls_of(file: Path) -> set[str]:
    """The calls that a file makes of the services whose clients it asks for."""
    return {
        f"{service}:{operations(service)[word]}"
        for service in services(file)
        for word in words(file)
        if word in operations(service)
    }


@pytest.mark.parametrize("file", sorted((ROOT / "release" / "doors" / "aws").glob("*.py")), ids=lambda file: file.stem)
def test_every_call_that_release_makes_is_in_the_table(file: Path) -> None:
    made = calls_of(file)
    assert made - CALLS == set()
    assert made or file.stem in ("__init__", "parts")  # how S3 names bytes is a rule, and asks nobody


def test_nothing_else_of_release_calls_aws() -> None:
    files = [file for file in (ROOT / "release").rglob("*.py") if file.parent.name != "aws"]
    assert files
    assert [file for file in files if services(file)] == []


# Doors of which the whole file is used by this party; whoever may more may use it too.
DOORS: dict[str, Party] = {
    "balancer": "ci",
    "firewall": "operator",
    "metrics": "ci",
    "multipart": "ci",
    "parameters": "ci",
    "session": "approver",
}


@pytest.mark.parametrize(("door", "party"), DOORS.items())
def test_whoever_goes_through_a_door_may_make_all_of_its_calls(door: str, party: Party) -> None:
    allowed = {call for line in TABLE if is_for(line, party) for call in line.calls}
    assert calls_of(ROOT / "release" / "doors" / "aws" / f"{door}.py") - allowed == set()
