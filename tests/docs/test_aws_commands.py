"""The `aws` commands that the pages show exist, with the options that they use."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from tests.docs.pages import PAGES, ROOT, blocks

OF_THE_COMMAND = {"query", "output", "region", "profile", "recursive"}
NOT_OF_THE_API = {"s3", "configure"}  # commands that no call of the API is named after
INDENTED = re.compile(r"^ +(?=```|\S)", re.MULTILINE)


def shown(page: Path) -> list[list[str]]:
    """The words of each `aws` command in a script of the page, also of a script in a list."""
    text = INDENTED.sub("", page.read_text())
    lines = [line for block in blocks(text) if block.language == "sh" for line in block.text.splitlines()]
    return [shlex.split(part) for line in lines for part in re.split(r" \| | > ", line) if part.startswith("aws ")]


@cache
def service(name: str) -> Any:
    return get_session().get_service_model(name)


def fault(words: list[str]) -> str:
    """Why a command is none of AWS's; empty when it is one."""
    _, of, name, *rest = words
    if of in NOT_OF_THE_API:
        return ""
    options = {word.removeprefix("--") for word in rest if word.startswith("--")}
    model = service(of)
    if name == "wait":
        waiters = {xform_name(one, "-") for one in get_session().get_waiter_model(of).waiter_names}
        return "" if rest[0] in waiters else f"aws {of} wait has no {rest[0]}"
    known = {xform_name(one, "-"): one for one in model.operation_names}
    if name not in known:
        return f"aws {of} has no {name}"
    unknown = options - OF_THE_COMMAND - set(members(model.operation_model(known[name]).input_shape))
    return f"aws {of} {name} has no {', '.join(sorted(unknown))}" if unknown else ""


def members(shape: Any) -> Iterator[str]:
    """The options of a call; a flag can be turned off as well."""
    for name, member in shape.members.items() if shape else ():
        option = xform_name(name, "-")
        yield option
        if member.type_name == "boolean":
            yield f"no-{option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_and_option_is_one_of_aws(page: Path) -> None:
    assert [found for words in shown(page) if (found := fault(words))] == []


def test_the_restore_is_among_them() -> None:
    names = {words[2] for words in shown(ROOT / "docs" / "runbook.md")}
    assert {"restore-db-instance-from-db-snapshot", "modify-db-instance", "put-parameter"} <= names


def test_a_command_that_does_not_exist_is_found() -> None:
    assert fault(shlex.split("aws rds restore-everything"))
    assert fault(shlex.split("aws rds delete-db-snapshot --force"))
    assert fault(shlex.split("aws rds wait db-instance-happy"))
    assert not fault(shlex.split("aws rds wait db-instance-available --db-instance-identifier x"))
