"""The wait for the load balancer on a new server, with an `aws` that answers as it is told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.stage.targets import in_service

# Each call takes the next line of `answers`; the last one is given again and again.
AWS = """#!/bin/sh
echo "$@" >> "$HOME/calls"
read -r answer < "$HOME/answers"
[ "$(wc -l < "$HOME/answers")" -gt 1 ] && sed -i 1d "$HOME/answers"
[ "$answer" = fails ] && exit 255
echo "{\\"TargetHealthDescriptions\\": [$answer]}"
"""
ILL = '{"Target": {"Id": "i-other", "Port": 8081}, "TargetHealth": {"State": "unhealthy"}}'
OTHER = '{"Target": {"Id": "i-other", "Port": 8081}, "TargetHealth": {"State": "healthy"}}'


def target(state: str) -> str:
    return json.dumps({"Target": {"Id": "i-new", "Port": 8081}, "TargetHealth": {"State": state}})


def run(folder: Path, *answers: str, limit: float = 20, alone: float = 20) -> "subprocess.CompletedProcess[str]":
    (folder / "aws").write_text(AWS)
    (folder / "aws").chmod(0o755)
    (folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
    groups = {"blue": "arn:blue", "green": "arn:green"}
    labels = {slot: f"stageline/slots/{slot}/slot.json" for slot in groups}
    given = {"region": "eu-central-1", "server": "i-new", "target_groups": groups, "labels": labels, "limit": limit}
    program = in_service(json.dumps(given)).replace("PAUSE = 1.0", "PAUSE = 0.01")
    program = program.replace("ALONE = 20.0", f"ALONE = {alone}")
    environment = {"HOME": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(
        [sys.executable, "-"], input=program, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def blue(tmp_path: Path) -> Path:
    """A server whose blue slot holds a release."""
    slot = tmp_path / "stageline" / "slots" / "blue"
    slot.mkdir(parents=True)
    (slot / "slot.json").write_text("{}")
    return tmp_path


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_it_looks_until_this_server_is_healthy(blue: Path) -> None:
    done = run(blue, OTHER, f"{OTHER}, {target('initial')}", "fails", f"{target('unhealthy')}", f"{target('healthy')}")
    assert (done.returncode, done.stderr) == (0, "")
    assert calls(blue) == ["elbv2 describe-target-health --target-group-arn arn:blue --region eu-central-1"] * 5


def test_a_group_without_a_listener_is_not_waited_for(blue: Path) -> None:
    assert (run(blue, target("unused")).returncode, len(calls(blue))) == (0, 1)


@pytest.mark.parametrize("others", [f"{ILL}, ", ""], ids=["ill-everywhere", "no-other-server"])
def test_where_no_other_server_is_healthy_nobody_is_waited_for(blue: Path, others: str) -> None:
    done = run(blue, f"{others}{target('unhealthy')}", alone=0.05)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "blue is unhealthy, and healthy on no other server: nobody is waited for\n"


def test_another_server_that_is_ill_for_a_moment_only_is_waited_with(blue: Path) -> None:
    done = run(blue, f"{ILL}, {target('initial')}", f"{OTHER}, {target('initial')}", target("healthy"), alone=5)
    assert (done.returncode, done.stdout, len(calls(blue))) == (0, "", 3)


@pytest.mark.parametrize("answer", [f"{OTHER}, {target('unhealthy')}", "fails"], ids=["another-serves", "no-answer"])
def test_while_others_serve_or_may_serve_the_whole_limit_is_waited(blue: Path, answer: str) -> None:
    done = run(blue, answer, limit=0.3, alone=0.05)
    assert (done.returncode, "after 0.3 seconds" in done.stderr) == (1, True)


def test_without_a_release_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    assert run(tmp_path, target("unhealthy")).returncode == 0
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(
    ("answer", "state"),
    [(target("unhealthy"), "unhealthy"), (OTHER, "not registered"), ("fails", "not known (CalledProcessError)")],
    ids=["unhealthy", "absent", "no-answer"],
)
def test_after_the_limit_it_says_how_it_is(blue: Path, answer: str, state: str) -> None:
    done = run(blue, answer, limit=0.05)
    assert (done.returncode, done.stderr) == (1, f"the load balancer says that blue is {state} after 0.05 seconds\n")
