"""The door to Pulumi, with a program of that name which does as it is told."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from release.doors.engine.stack import Stack, UpFailed, outputs_of
from release.process.errors import Broken, Interrupted, NotBegun, Refused
from release.process.interruption import INTERRUPTION
from tests.release.doors.engine.fake_pulumi import behave, calls


@pytest.fixture
def stack(tmp_path: Path, fake_pulumi: None) -> Stack:
    return Stack(tmp_path, "dev", log_dir=tmp_path)


def test_up_carries_the_fence_in_the_environment(stack: Stack, tmp_path: Path) -> None:
    stack.up(fence=7)
    (called,) = calls(tmp_path)
    assert called.startswith("up --stack dev --yes --skip-preview --non-interactive")
    assert called.endswith(" fence=7 passed=")


def test_a_replacement_is_an_up_that_makes_one_resource_anew(stack: Stack, tmp_path: Path) -> None:
    stack.replace("urn:of:a server", fence=7)
    (called,) = calls(tmp_path)
    assert called.startswith("up --stack dev --yes --skip-preview --non-interactive")
    assert " --replace urn:of:a server fence=7 " in called


def test_the_engine_tells_its_version(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "echo v3.259.0")
    assert stack.version() == "3.259.0"


def test_the_engine_tells_which_plugins_it_has(stack: Stack, tmp_path: Path) -> None:
    plugins = [{"name": "aws", "version": "7.51.1"}, {"name": "aws", "version": "7.0.0"}, {"name": "local"}]
    behave(tmp_path, f"echo '{json.dumps(plugins)}'")
    assert stack.plugins() == {"aws": {"7.51.1", "7.0.0"}, "local": {""}}


def test_a_destroy_asks_nobody(stack: Stack, tmp_path: Path) -> None:
    stack.destroy(deployment="d-1")
    (called,) = calls(tmp_path)
    assert called.startswith("destroy --stack dev --yes --skip-preview --non-interactive")


def test_a_destroy_that_failed_says_what_pulumi_said(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "echo 'error: AWS keeps the server'; exit 255")
    with pytest.raises(Broken, match="pulumi destroy of dev failed: AWS keeps the server"):
        stack.destroy(deployment="d-1")


def test_a_stack_is_removed_by_its_name(stack: Stack, tmp_path: Path) -> None:
    stack.remove()
    (called,) = calls(tmp_path)
    assert called.startswith("stack rm dev --yes --non-interactive")


def test_variables_of_a_stack_are_set_for_every_call(tmp_path: Path, fake_pulumi: None) -> None:
    behave(tmp_path, 'echo "{\\"live_url\\": \\"$SOMETHING\\"}"')
    assert Stack(tmp_path, "dev", log_dir=tmp_path, variables={"SOMETHING": "said"}).outputs() == {"live_url": "said"}


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


def test_a_wish_to_end_is_passed_on_to_a_pulumi_that_runs(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "trap 'echo stopped >> calls; exit 1' TERM; sleep 5 & wait $!")

    def wish() -> None:
        raise Refused("ann asked it to end")

    with INTERRUPTION.heeding(wish), pytest.raises(Refused, match="ann asked it to end"):
        stack.up(fence=1)
    assert (tmp_path / "calls").read_text().endswith("stopped\n")


def test_who_ends_it_while_the_backend_is_asked_for_its_locks_is_heard(tmp_path: Path, stack: Stack) -> None:
    behave(tmp_path, f"trap 'exit 1' TERM; kill -TERM {os.getpid()}; sleep 5 & wait $!")
    asking = Stack(tmp_path, "dev", log_dir=tmp_path, open_locks=lambda url: None)
    with INTERRUPTION.watched(), pytest.raises(Interrupted):
        asking.up(fence=1)
    assert [call.split()[0] for call in calls(tmp_path)] == ["whoami"]


def test_an_up_that_nobody_needs_takes_no_longer_than_it_is_given(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "sleep 5 & wait $!")
    with pytest.raises(UpFailed, match=r"pulumi up of dev did not end within 0 s and was ended"):
        stack.up(fence=1, limit=0.3)


def test_row_20_a_pulumi_that_hangs_is_asked_to_end_and_reported(stack: Stack, tmp_path: Path) -> None:
    """A server that hangs would hang the deployment."""
    hanging = Stack(tmp_path, "dev", limit=0.3, log_dir=tmp_path)
    behave(tmp_path, "trap 'kill $!; echo stopped >> calls; exit 1' TERM; sleep 60 & wait $!")
    with pytest.raises(Broken, match="pulumi up of dev did not end within 0 s and was ended; a server may hang"):
        hanging.up(fence=1)
    assert (tmp_path / "calls").read_text().endswith("stopped\n")


def test_what_only_asks_the_backend_holds_up_nobody_as_long_as_an_up_may(tmp_path: Path, stack: Stack) -> None:
    hanging = Stack(tmp_path, "dev", reading=0.3, log_dir=tmp_path)
    behave(tmp_path, "trap 'kill $!; exit 1' TERM; sleep 60 & wait $!")
    with pytest.raises(Broken, match="pulumi stack of dev did not end within 0 s and was ended"):
        hanging.export()


FAILED = """Updating (dev):
Diagnostics:
  pulumi:pulumi:Stack (stageline-dev):
    error: update failed

  command:remote:Command (env-servers-1-blue):
    error: Process exited with status 1
"""
REFUSED = """Updating (dev):
Diagnostics:
  pulumi:pulumi:Stack (stageline-dev):
    error: this up was started under fence 1, dev is at fence 2 now
"""


def test_a_failed_up_names_the_resources_that_failed(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(FAILED)
    behave(tmp_path, "cat said; exit 255")
    with pytest.raises(UpFailed, match="env-servers-1-blue: Process exited with status 1") as caught:
        stack.up(fence=1)
    assert caught.value.resources == ("env-servers-1-blue",)


@pytest.mark.parametrize("script", ["cat said; exit 255", "kill -9 $$"])
def test_no_resource_is_named_when_it_was_the_program_or_pulumi_itself(
    stack: Stack, tmp_path: Path, script: str
) -> None:
    (tmp_path / "said").write_text(REFUSED)
    behave(tmp_path, script)
    with pytest.raises(UpFailed) as caught:
        stack.up(fence=1)
    assert caught.value.resources == ()


@pytest.mark.parametrize("script", ["exit 1", "echo '@ updating...'; exit 1"], ids=["in-silence", "while-it-updates"])
def test_an_up_that_does_not_show_that_it_never_began_may_have(stack: Stack, tmp_path: Path, script: str) -> None:
    behave(tmp_path, script)
    with pytest.raises(UpFailed):
        stack.up(fence=1)


def test_an_up_that_ends_before_it_looks_at_a_resource_is_told_apart(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "echo 'error: no such backend' >&2; exit 1")
    with pytest.raises(NotBegun, match="no such backend"):
        stack.up(fence=1)


@pytest.mark.parametrize("script", ["kill -9 $$", "exit 137"], ids=["pulumi", "a-wrapper-tells-it"])
def test_a_pulumi_that_was_killed_is_told_so_in_every_call(stack: Stack, tmp_path: Path, script: str) -> None:
    behave(tmp_path, f"echo '@ updating.....'; {script}")
    calls_of = {"up": lambda: stack.up(fence=1), "stack": stack.export, "refresh": stack.refresh_preview}
    for verb, call in calls_of.items():
        said = f"pulumi {verb} of dev was killed by signal 9; was the machine out of memory\\?; the whole output is in"
        with pytest.raises(Broken, match=said):
            call()


def test_a_pulumi_that_another_signal_ended_is_told_that_signal(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "kill -ABRT $$")
    with pytest.raises(Broken, match=r"pulumi up of dev was killed by signal 6 \(SIGABRT\)"):
        stack.up(fence=1)


def test_servers_that_are_passed_over_are_named_to_the_program(stack: Stack, tmp_path: Path) -> None:
    stack.up(fence=7, passed_over=("env-servers-2", "env-servers-3"))
    stack.up(fence=7)
    assert [line.partition("passed=")[2] for line in calls(tmp_path)] == ["env-servers-2,env-servers-3", ""]


def test_a_preview_names_what_an_up_would_change_under_the_fence(stack: Stack, tmp_path: Path) -> None:
    steps = [{"op": "update", "urn": "urn:pulumi:dev::p::aws:lb/listener:Listener::env-lb-live"}]
    behave(tmp_path, f"echo '{json.dumps({'steps': steps, 'new': {'key': 1}})}'")
    assert stack.preview(fence=7, deployment="dev-1") == ("env-lb-live (update)",)
    (called,) = calls(tmp_path)
    assert called.startswith("preview --stack dev --json --non-interactive ")
    assert "fence=7" in called


@pytest.mark.parametrize("said", ["", "[1]", "{", "not JSON"])
def test_a_preview_that_is_no_document_is_broken_and_never_no_change(stack: Stack, tmp_path: Path, said: str) -> None:
    behave(tmp_path, f"echo '{said}'")
    with pytest.raises(Broken, match="pulumi preview of dev answered what is no JSON object"):
        stack.preview(fence=7, deployment="dev-1")


def test_a_failed_preview_says_what_the_program_said(stack: Stack, tmp_path: Path) -> None:
    told = {"steps": [], "diagnostics": [{"message": "error: HEAD is at fence 3\n", "severity": "error"}]}
    (tmp_path / "said").write_text(json.dumps(told, indent=4))
    behave(tmp_path, "cat said; exit 1")
    with pytest.raises(Broken, match="pulumi preview of dev failed: HEAD is at fence 3; the whole output"):
        stack.preview(fence=1, deployment="dev-1")


def test_of_many_failed_calls_the_last_ten_are_kept_and_each_is_named(stack: Stack, tmp_path: Path) -> None:
    behave(tmp_path, "exit 1")
    for _ in range(12):
        with pytest.raises(Broken) as caught:
            stack.up(fence=1)
        assert Path(caught.value.hint.rpartition(" ")[2]).is_dir()
    assert len(list(tmp_path.glob("stageline-dev-*"))) == 10


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
def test_the_outputs_stand_in_the_exported_state(state: dict[str, Any], expected: dict[str, Any]) -> None:
    assert outputs_of(json.dumps(state).encode()) == expected
