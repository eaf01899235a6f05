"""The graph of an environment, as it is asked for and answered in JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.graph import answer
from tests.project import PROJECT

EMPTY = {"blue": False, "green": False, "declared": None}
FILLED = {"blue": True, "green": False, "declared": "blue"}


def ask(environment: str = "dev", changes: dict[str, Any] | None = None, slots: Any = EMPTY) -> Any:
    return answer(PROJECT, {"environment": environment, "changes": changes or {}, "slots": slots})


def named(found: Any, name: str, type: str) -> Any:
    (one,) = [one for one in found["resources"] if (one["name"], one["type"]) == (name, type)]
    return one


def test_a_resource_comes_with_what_policies_look_at() -> None:
    database = named(ask("prod"), "env-database-instance", "aws:rds/instance:Instance")
    assert (database["inputs"]["backupRetentionPeriod"], database["protect"]) == (35, True)
    assert database["outputs"]["id"] == "env-database-instance-id"
    server = named(ask(), "env-servers-1", "aws:ec2/instance:Instance")
    assert server["ignore_changes"] == ["ami", "userData", "subnetId"]


def test_settings_by_dotted_key_take_the_place_of_those_of_the_stack_file() -> None:
    found = ask(changes={"servers.count": 3, "owner": "somebody"})
    assert named(found, "env-servers-3", "aws:ec2/instance:Instance")
    assert "somebody" in named(found, "aws", "pulumi:providers:aws")["inputs"]["defaultTags"]


def test_slots_that_hold_something_have_their_commands() -> None:
    (empty, filled) = (
        [one["name"] for one in ask(slots=slots)["resources"] if one["inputs"].get("create", "").startswith("timeout")]
        for slots in (EMPTY, FILLED)
    )
    assert (empty, sorted(filled)) == ([], ["env-servers-1-blue", "env-servers-2-blue"])


@pytest.mark.parametrize(
    ("environment", "changes", "slots", "said"),
    [
        pytest.param("nowhere", {}, EMPTY, "has no file Pulumi.nowhere.yaml", id="unknown-environment"),
        pytest.param("dev", {"servers.count": "two"}, EMPTY, "these settings cannot be: ", id="bad-setting"),
        pytest.param("dev", {"servers.wheels": 4}, EMPTY, "these settings cannot be: ", id="unknown-setting"),
        pytest.param("dev", {}, {**EMPTY, "declared": "blue"}, "the program failed with ValueError", id="bad-slots"),
    ],
)
def test_what_cannot_be_declared_is_answered_with_the_reason(
    environment: str, changes: dict[str, Any], slots: dict[str, Any], said: str
) -> None:
    found = ask(environment, changes, slots)
    assert list(found) == ["error"]
    assert said in found["error"]
    assert "\n" not in found["error"]


def test_the_program_answers_each_line_by_a_line(tmp_path: Path) -> None:
    good = json.dumps({"environment": "dev", "changes": {}, "slots": FILLED})
    bad = json.dumps({"environment": "nowhere", "changes": {}, "slots": EMPTY})
    command = [sys.executable, str(PROJECT), "--graph", str(PROJECT)]
    done = subprocess.run(command, cwd=PROJECT, input=f"{good}\n{bad}\n", capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(one) for one in answers] == [["resources"], ["error"]]
    installer = named(answers[0], "env-servers-1-installer", "command:remote:CopyToRemote")
    assert installer["inputs"]["source"] == {"file": "build/installer.pyz"}
