"""The door to Pulumi, with a program of that name which does as it is told."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from release.deployment.interruption import INTERRUPTION
from release.engine.stack import Stack, failures, outputs_of
from release.errors import Broken, Interrupted

FAKE = """#!/bin/sh
printf '%s ' "$@" >> calls
echo "fence=$STAGELINE_FENCE" >> calls
. ./behaviour
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    (tmp_path / "pulumi").write_text(FAKE)
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    behave(tmp_path, "exit 0")
    return Stack(tmp_path, "dev", log_dir=tmp_path)


def behave(folder: Path, script: str) -> None:
    (folder / "behaviour").write_text(script)


def test_up_carries_the_fence_in_the_environment(stack: Stack, tmp_path: Path) -> None:
    stack.up(fence=7)
    called = (tmp_path / "calls").read_text()
    assert called.startswith("up --stack dev --yes --skip-preview --non-interactive")
    assert called.endswith("fence=7\n")


def test_a_replacement_is_an_up_that_makes_one_resource_anew(stack: Stack, tmp_path: Path) -> None:
    stack.replace("urn:of:a server", fence=7)
    called = (tmp_path / "calls").read_text()
    assert called.startswith("up --stack dev --yes --skip-preview --non-interactive")
    assert called.endswith(" --replace urn:of:a server fence=7\n")


def test_a_failed_up_says_what_pulumi_said_and_keeps_the_output(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "echo 'error: installing failed on server 1'; echo 'error: update failed'; exit 255")
    with pytest.raises(Broken, match=r"pulumi up of dev failed: installing failed on server 1; .*stageline-dev-"):
        stack.up(fence=1)
    assert list(tmp_path.glob("stageline-dev-*/out.log")) != []


def test_nothing_is_left_of_an_up_that_worked(stack: Stack, tmp_path: Path) -> None:
    stack.up(fence=1)
    assert list(tmp_path.glob("stageline-*")) == []


def test_outputs_are_read_as_json(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, f"echo '{json.dumps({'live_url': 'http://x'})}'")
    assert stack.outputs() == {"live_url": "http://x"}


@pytest.mark.parametrize(("names", "there"), [(["dev"], True), (["organization/stageline/dev"], True), (["qa"], False)])
def test_a_stack_is_known_by_its_last_name(stack: Stack, tmp_path: Path, names: list[str], there: bool) -> None:
    behave(tmp_path, f"echo '{json.dumps([{'name': name} for name in names])}'")
    assert stack.exists() is there


def test_without_pulumi_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Broken, match="there is no pulumi on PATH"):
        Stack(tmp_path, "dev", log_dir=tmp_path).outputs()


def test_row_24_a_sigterm_is_passed_on_once_and_reported(stack: Stack, tmp_path: Path) -> None:
    """Pulumi gets one SIGTERM, ends its operation, and the caller learns of it."""
    before = signal.getsignal(signal.SIGTERM)
    behave(tmp_path, f"trap 'echo stopped >> calls; exit 1' TERM; kill -TERM {os.getpid()}; sleep 5 & wait $!")
    with INTERRUPTION.watched(), pytest.raises(Interrupted) as caught:
        stack.up(fence=1)
    assert caught.value.signal_number == signal.SIGTERM
    assert (tmp_path / "calls").read_text().endswith("stopped\n")
    assert signal.getsignal(signal.SIGTERM) == before


def test_row_20_a_pulumi_that_hangs_is_asked_to_end_and_reported(stack: Stack, tmp_path: Path) -> None:
    """A server that hangs would hang the deployment."""
    hanging = Stack(tmp_path, "dev", limit=0.3, log_dir=tmp_path)
    behave(tmp_path, "trap 'kill $!; echo stopped >> calls; exit 1' TERM; sleep 60 & wait $!")
    with pytest.raises(Broken, match="pulumi up of dev did not end within 0 s and was ended; a server may hang"):
        hanging.up(fence=1)
    assert (tmp_path / "calls").read_text().endswith("stopped\n")


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


def test_the_reason_of_a_failed_up_is_what_each_resource_said() -> None:
    assert failures(OUTPUT) == [
        'env-servers-1-blue: Process exited with status 1: running "x": '
        "1.2.0 in blue keeps answering 500; blue is back on 1.0.0",
        "env-servers-2: InvalidAMIID.NotFound: no such image",
    ]


def test_an_output_without_diagnostics_has_no_failures() -> None:
    assert failures("error: no stack named 'dev' found") == []


LOCKED = """error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end:
  file:///x/.pulumi/locks/organization/stageline/dev/5f-1.json?no_tmp_dir=true: created by ops@build-3 (pid 47) at 2026
"""


def test_a_stack_that_somebody_else_holds_says_who_and_is_left_alone(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "locked").write_text(LOCKED)
    behave(tmp_path, "cat locked >&2; exit 255")
    with pytest.raises(
        Broken, match=r"locked by process 47 of ops on build-3 .*dead: release unlock dev 5f-1 --reason"
    ):
        stack.up(fence=1)
    assert "cancel" not in (tmp_path / "calls").read_text()


def test_the_lock_of_a_dead_process_is_removed_and_the_up_is_tried_again(stack: Stack, tmp_path: Path) -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    said = LOCKED.replace("build-3", socket.gethostname()).replace("(pid 47)", f"(pid {process.pid})")
    (tmp_path / "locked").write_text(said)
    behave(tmp_path, 'case "$1" in cancel) rm locked;; up) if [ -e locked ]; then cat locked >&2; exit 255; fi;; esac')
    stack.up(fence=1)
    assert [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()] == ["up", "cancel", "up"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param({"version": 3, "deployment": {}}, {}, id="never-up"),
        pytest.param({"deployment": {"resources": [{"type": "pulumi:pulumi:Stack"}]}}, {}, id="first-up-failed"),
        pytest.param(
            {
                "deployment": {
                    "resources": [
                        {"type": "pulumi:providers:aws", "outputs": {"region": "eu-central-1"}},
                        {"type": "pulumi:pulumi:Stack", "outputs": {"live_url": "http://live"}},
                    ]
                }
            },
            {"live_url": "http://live"},
            id="up",
        ),
    ],
)
def test_the_outputs_stand_in_the_exported_state(state: dict, expected: dict) -> None:
    assert outputs_of(json.dumps(state).encode()) == expected
