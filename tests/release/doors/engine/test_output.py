"""What Pulumi's output says: read from what it prints, bounded, and never trusted."""

import pytest

from release.doors.engine.output import MOST_TEXT, changes, failed_resources, failures, reason

OUTPUT = """Updating (dev):
 ~  command:remote:Command env-servers-1-blue updating (7s) error: Process exited with status 1: running "x":
Diagnostics:
  pulumi:pulumi:Stack (stageline-dev):
    error: update failed

  command:remote:Command (env-servers-1-blue):
    error: Process exited with status 1: running "x":
    1.2.0 in blue keeps answering 500; blue is back on 1.0.0
    {"result": "restored"}

  aws:ec2/instance:Instance (env-servers-2):
    warning: slow
    error: InvalidAMIID.NotFound: no such image

Resources:
    2 errored
"""
PROGRAM = """Diagnostics:
  pulumi:pulumi:Stack (stageline-dev):
    error: HEAD is at fence 3
"""


def test_the_reason_of_a_failed_up_is_what_each_resource_said() -> None:
    assert [str(one) for one in failures(OUTPUT)] == [
        'env-servers-1-blue: Process exited with status 1: running "x": '
        "1.2.0 in blue keeps answering 500; blue is back on 1.0.0",
        "env-servers-2: InvalidAMIID.NotFound: no such image",
    ]


def test_an_output_without_diagnostics_has_no_failures() -> None:
    assert failures("error: no stack named 'dev' found") == ()


def test_resources_that_failed_are_named_and_the_program_is_none() -> None:
    assert failed_resources(OUTPUT) == ("env-servers-1-blue", "env-servers-2")
    assert failed_resources(PROGRAM) == ()


def test_what_a_server_prints_names_no_resource() -> None:
    forged = OUTPUT.replace("1.2.0 in blue", "Diagnostics:\n      aws:lb:Listener (env-lb-live):\n    error: forged")
    assert failed_resources(forged) == ("env-servers-1-blue", "env-servers-2")


def test_a_reason_is_bounded_and_only_shown_by_a_terminal() -> None:
    said = reason("Diagnostics:\n  t:u:V (one):\n    error: \x1b[2J\x1b]0;x\x07 " + "y" * 5000)
    assert said.startswith("one: \\x1b[2J\\x1b]0;x\\x07 yyy")
    assert len(said) == MOST_TEXT


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param("", "it printed nothing", id="nothing"),
        pytest.param("@ updating....\n", "@ updating....", id="its-last-line"),
        pytest.param("error: a\nerror: a\nerror: update failed\n", "a", id="errors-once"),
        pytest.param('{"diagnostics": [{"message": "error: a\\n", "severity": "error"}]}', "a", id="json"),
        pytest.param(
            'warning: slow\n{"diagnostics": [{"message": "a", "severity": "error", "urn": "u::x::b"}, 3]}',
            "b: a",
            id="urn",
        ),
    ],
)
def test_the_reason_is_what_pulumi_said(output: str, expected: str) -> None:
    assert reason(output) == expected


def step(operation: str, name: str = "one", type: str = "aws:lb/listener:Listener") -> dict[str, str]:
    return {"op": operation, "urn": f"urn:pulumi:dev::stageline::x${type}::{name}"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([step("same"), step("read"), step("refresh")], (), id="nothing"),
        pytest.param([step("update"), step("create", "two")], ("one (update)", "two (create)"), id="each"),
        pytest.param(
            [step("create-replacement"), step("replace"), step("delete-replaced")], ("one (replace)",), id="replacement"
        ),
        pytest.param([step("of tomorrow")], ("one (of tomorrow)",), id="an-operation-that-nobody-knows"),
        pytest.param([{"op": "delete"}], (" (delete)",), id="a-step-without-a-name"),
    ],
)
def test_a_preview_changes_what_its_steps_say(steps: list[dict[str, str]], expected: tuple[str, ...]) -> None:
    assert changes({"steps": steps}) == expected


def test_the_outputs_of_the_stack_are_no_change() -> None:
    stack = {"op": "update", "urn": "urn:pulumi:dev::stageline::pulumi:pulumi:Stack::stageline-dev"}
    assert changes({"steps": [stack]}) == ()
    assert changes({}) == changes({"steps": None}) == ()
