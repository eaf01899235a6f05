"""How the command ends: its exit codes, one line on stderr, and what it does not import."""

import inspect
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import pytest
from click.shell_completion import ShellComplete

from release.cli import LINES, exit_code, release
from release.process.errors import Broken, Inconclusive, Interrupted, LeaseHeld, Refused, StagelineError, WrongUsage
from release.verbs import VERBS
from settings.errors import InvalidSettings, Problem
from tests.project import CHECKOUT, PROJECT

BAD_KEY = Problem(file="Pulumi.dev.yaml", key="region", fault="is 7", allowed="an AWS region")


def run(*arguments: str, folder: Path = CHECKOUT) -> "subprocess.CompletedProcess[str]":
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "release", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def verb(name: str) -> click.Command:
    command = release.get_command(click.Context(release), name)
    assert command is not None
    return command


def help_of(name: str) -> list[str]:
    return inspect.cleandoc(verb(name).help or "").splitlines()


def examples(name: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in help_of(name) if line.startswith("Example: ")]


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def end() -> NoReturn:
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
    assert exit_code(raising(error)) == code
    assert capsys.readouterr().err == f"release: {line}\n"


def test_every_bad_key_of_a_stack_file_gets_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(raising(InvalidSettings([BAD_KEY, BAD_KEY]))) == 2
    assert capsys.readouterr().err.count("release: Pulumi.dev.yaml") == 2


def test_wrong_options_are_explained_by_click(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(raising(click.UsageError("no such option"))) == 2
    assert "no such option" in capsys.readouterr().err


def test_who_mistypes_a_verb_is_told_which_one_may_be_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(lambda: release.main(["promte", "1.0.0"], standalone_mode=False)) == 2
    assert "No such command 'promte'. Did you mean 'promote'?" in capsys.readouterr().err


def test_context_is_told_first_and_the_hint_stays_last() -> None:
    error: StagelineError = Broken("the installer failed", hint="look at the log")
    error.put_in_context("1.2.0 is not live in dev")
    assert str(error) == "1.2.0 is not live in dev: the installer failed; look at the log"


def test_help_needs_neither_boto3_nor_pulumi_nor_pydantic_nor_a_verb() -> None:
    check = "import sys\nfrom release.cli import release\nrelease.main(['--help'], standalone_mode=False)\n"
    check += (
        "print([n for n in sys.modules if n.startswith(('boto3', 'pulumi', 'pydantic', 'yaml', 'release.verbs.'))])"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_shows_every_verb_once_in_its_group() -> None:
    shown = [line.split()[0] for line in run("--help").stdout.splitlines() if line.startswith("  ")]
    assert [name for name in shown if name in LINES] == list(LINES)


def test_a_verb_has_one_line_in_a_terminal_of_eighty_columns() -> None:
    width = 80 - max(map(len, LINES)) - 6  # indentation, the gap, and what click leaves free
    assert {name: line for name, line in LINES.items() if len(line) > width} == {}


def test_the_groups_are_those_of_the_verbs_and_each_file_is_a_verb() -> None:
    files = {file.stem.replace("_", "-") for file in (CHECKOUT / "release" / "verbs").glob("*.py")} - {"--init--"}
    assert list(VERBS) == ["Start", "Move", "Decide", "Look", "Keep", "Demo"]
    assert files == set(LINES)


@pytest.mark.parametrize("name", LINES)
def test_the_line_of_a_verb_is_the_first_of_its_own_help(name: str) -> None:
    assert verb(name).name == name
    assert help_of(name)[0] == LINES[name]


@pytest.mark.parametrize("name", LINES)
def test_the_help_of_a_verb_has_examples_that_can_be_run_as_they_are_shown(name: str) -> None:
    assert examples(name)
    for command, word, *arguments in examples(name):
        assert (command, word) == ("release", name)
        verb(name).make_context(name, arguments)


@pytest.mark.parametrize("name", [name for name in LINES if name != "check"])  # which needs none
def test_a_verb_outside_a_project_is_one_line_and_exit_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--project", str(tmp_path), *examples(name)[0][1:]]
    assert exit_code(lambda: release.main(arguments, standalone_mode=False)) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("release: ")
    assert any(why in line for why in ("stack file", "there are no two environments", "there is no Pulumi.yaml"))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("release re", ["resume", "redeploy", "replace-server"], id="verbs-in-their-order"),
        pytest.param("release --ver", ["--verbose"], id="options-of-the-group"),
        pytest.param("release promote 1.0.0 --un", ["--until"], id="options-of-a-verb"),
        pytest.param("release status q", ["qa"], id="environments"),
        pytest.param("release promote 1.0.0 --to q", ["qa"], id="environments-of-an-option"),
    ],
)
def test_a_shell_is_offered_what_can_follow(line: str, offered: list[str]) -> None:
    _, *words, incomplete = line.split()
    complete = ShellComplete(release, {}, "release", "_RELEASE_COMPLETE")
    arguments = ["--project", str(PROJECT), *words]
    assert [item.value for item in complete.get_completions(arguments, incomplete)] == offered


def test_completing_the_name_of_a_verb_imports_none() -> None:
    check = "import sys\nfrom release.cli import release\nrelease.main(prog_name='release', standalone_mode=False)"
    environment = {"_RELEASE_COMPLETE": "bash_complete", "COMP_WORDS": "release re", "COMP_CWORD": "1"}
    command = [sys.executable, "-X", "importtime", "-c", check]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["plain,resume", "plain,redeploy", "plain,replace-server"]
    assert "release.verbs" in done.stderr
    assert "release.verbs." not in done.stderr


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
