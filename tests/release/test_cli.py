"""How the command ends: its exit codes, one line on stderr, and what it does not import."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from release.cli import GROUPS, _exit_code, ci_run, release
from release.errors import Broken, Inconclusive, Interrupted, LeaseHeld, Refused, StagelineError, WrongUsage
from settings.errors import InvalidSettings, Problem
from tests.project import CHECKOUT, PROJECT

BAD_KEY = Problem(file="Pulumi.dev.yaml", key="region", fault="is 7", allowed="an AWS region")


def run(*arguments: str, folder: Path = CHECKOUT) -> "subprocess.CompletedProcess[str]":
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "release", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def raising(error: BaseException):
    def end() -> None:
        raise error

    return end


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        pytest.param(Broken("it broke", hint="mend it"), 1, "it broke; mend it", id="broken"),
        pytest.param(WrongUsage("no such thing"), 2, "no such thing", id="usage"),
        pytest.param(Refused("a rule said no"), 3, "a rule said no", id="refused"),
        pytest.param(Inconclusive("who knows"), 4, "who knows", id="inconclusive"),
        pytest.param(LeaseHeld("ops is at work"), 5, "ops is at work", id="lease-held"),
        pytest.param(Interrupted(15, "stopped"), 143, "stopped", id="sigterm"),
        pytest.param(Interrupted(2, "stopped"), 130, "stopped", id="sigint"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="ctrl-c"),
        pytest.param(KeyError("x"), 1, "unexpected KeyError: 'x'; run it again with --verbose", id="unexpected"),
        pytest.param(Broken("two\nlines"), 1, "two lines", id="never-two-lines"),
        pytest.param(
            InvalidSettings([BAD_KEY]), 2, "Pulumi.dev.yaml: region is 7; allowed: an AWS region", id="bad-stack-file"
        ),
    ],
)
def test_each_way_to_end_has_its_code_and_one_line(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _exit_code(raising(error)) == code
    assert capsys.readouterr().err == f"release: {line}\n"


def test_every_bad_key_of_a_stack_file_gets_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(raising(InvalidSettings([BAD_KEY, BAD_KEY]))) == 2
    assert capsys.readouterr().err.count("release: Pulumi.dev.yaml") == 2


def test_wrong_options_are_explained_by_click(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(raising(click.UsageError("no such option"))) == 2
    assert "no such option" in capsys.readouterr().err


def test_context_is_told_first_and_the_hint_stays_last() -> None:
    error: StagelineError = Broken("the installer failed", hint="look at the log")
    error.put_in_context("1.2.0 is not live in dev")
    assert str(error) == "1.2.0 is not live in dev: the installer failed; look at the log"


REASONED = {
    "accept": ("dev",),
    "stop": ("dev",),
    "adopt-listener": ("dev",),
    "mark-out": ("dev", "env-servers-1"),
    "hold": ("dev",),
    "freeze": ("dev", "--lift"),
    "veto": ("1.0.0",),
    "unlock": ("dev", "5f-1"),
    "promote": ("1.0.0", "--to", "prod", "--from", "qa", "--hotfix"),
    "rollback": ("dev", "--force"),
}


def test_no_other_verb_takes_a_reason() -> None:
    takes = {name for name, verb in release.commands.items() if "reason" in {one.name for one in verb.params}}
    assert takes == set(REASONED)


@pytest.mark.parametrize("verb", REASONED)
@pytest.mark.parametrize(
    ("reason", "line"),
    [
        pytest.param("x" * 501, "a reason has 500 characters at most, this one 501", id="too-long"),
        pytest.param("fine\x1b[2K", r"a reason is one line of what prints; give: fine\x1b[2K", id="moves-the-cursor"),
        pytest.param("fine\nlive", "a reason is one line of what prints; give: fine live", id="two-lines"),
        pytest.param("  ", "a reason says why; give --reason WHY", id="blank"),
    ],
)
def test_a_reason_that_cannot_be_kept_is_one_line_and_exit_2(
    verb: str, reason: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--project", str(tmp_path), verb, *REASONED[verb], "--reason", reason]
    assert _exit_code(lambda: release.main(arguments, standalone_mode=False)) == 2
    assert capsys.readouterr().err == f"release: {line}\n"


@pytest.mark.parametrize("verb", REASONED)
def test_a_reason_of_five_hundred_characters_passes(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--project", str(tmp_path), verb, *REASONED[verb], "--reason", "ü" * 500]
    _exit_code(lambda: release.main(arguments, standalone_mode=False))
    assert "stack file" in capsys.readouterr().err  # it came as far as the project, which is none


GITHUB = {"GITHUB_SERVER_URL": "https://bot:s3cret@git.hub", "GITHUB_REPOSITORY": "octo/shop", "GITHUB_RUN_ID": "7"}


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        pytest.param(GITHUB, "https://git.hub/octo/shop/actions/runs/7", id="github"),
        pytest.param({"BUILD_URL": "http://bot:s3cret@ci/job/7?x=1"}, "http://ci/job/7?x=1", id="a-login"),
        pytest.param({"BUILD_URL": "http://ci/f\udcfc"}, r"http://ci/f\udcfc", id="bytes-that-are-no-text"),
        pytest.param({"CI_RUN_URL": f"http://ci/{'x' * 120_000}"}, f"http://ci/{'x' * 489}…", id="very-long"),
        pytest.param({"STAGELINE_CI_RUN": "http://ci\n/1", "BUILD_URL": "http://ci/2"}, "http://ci /1", id="two-lines"),
        pytest.param({}, "", id="outside-ci"),
    ],
)
def test_the_url_of_the_ci_run_is_a_line_for_the_record_without_a_login(variables: dict[str, str], url: str) -> None:
    assert ci_run(variables) == url


def test_help_needs_neither_boto3_nor_pulumi_nor_pydantic() -> None:
    check = "import sys, release.cli; print([n for n in ('boto3', 'pulumi', 'pydantic', 'yaml') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_shows_every_verb_once_in_its_group() -> None:
    shown = [line.split()[0] for line in run("--help").stdout.splitlines() if line.startswith("  ")]
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(release.commands)
    assert [name for name in shown if name in release.commands] == grouped


def test_help_of_a_verb_is_given_anywhere(tmp_path: Path) -> None:
    done = run("promote", "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "--to" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["status"], 2, "there is no stack file in .", id="outside-a-project"),
        pytest.param(["--project", str(PROJECT), "history", "nowhere"], 2, "nowhere", id="unknown-environment"),
        pytest.param(["--project", str(PROJECT), "history", "../dev"], 2, "cannot name one", id="hostile-environment"),
        pytest.param(["--project", str(PROJECT), "show", "latest"], 2, "is not a version", id="no-version"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_exit_2(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("release: ")
    assert said in line
