"""What each verb is given: its call, with the run of CI; and the reasons that it takes."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from release.call import Call, ci_run, pass_call
from release.cli import LINES, exit_code, release


@click.command("told")
@pass_call
def told(call: Call) -> None:
    folder = str(call.project.folder)
    call.show({"project": folder, "ci": call.ci}, f"of {folder}")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        pytest.param([], "of shop\n", id="for-people"),
        pytest.param(["--json"], '{\n  "project": "shop",\n  "ci": "http://ci/7"\n}\n', id="as-json"),
    ],
)
def test_a_verb_is_given_its_project_and_the_run_of_ci_and_shows_what_was_asked_for(
    arguments: list[str], shown: str
) -> None:
    variables = {"GITHUB_RUN_ID": "", "STAGELINE_CI_RUN": "http://ci/7"}
    output = CliRunner().invoke(told, arguments, obj=Path("shop"), env=variables).output
    assert output == shown


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
    "rollback": ("dev", "--despite", "veto"),
}


def parameters(name: str) -> set[str | None]:
    verb = release.get_command(click.Context(release), name)
    return {one.name for one in verb.params} if verb else set()


def test_no_other_verb_takes_a_reason() -> None:
    takes = {name for name in LINES if "reason" in parameters(name)}
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
    assert exit_code(lambda: release.main(arguments, standalone_mode=False)) == 2
    assert capsys.readouterr().err == f"release: {line}\n"


@pytest.mark.parametrize("verb", REASONED)
def test_a_reason_of_five_hundred_characters_passes(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--project", str(tmp_path), verb, *REASONED[verb], "--reason", "ü" * 500]
    exit_code(lambda: release.main(arguments, standalone_mode=False))
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
