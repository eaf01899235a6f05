"""The scripts that jobs call: what they print for the next step, with git, `release` and `gh` made by hand."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import copy_project
from tests.workflows.files import ROOT

WEEK = 7 * 86400
MONDAY = 4 * 86400  # the first one of Unix time
BOT, PERSON = "github-actions[bot]", "ann"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with these scripts, and the programs of `bin` first on PATH."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "bin").mkdir()
    return copy_project(tmp_path)


def run(
    folder: Path, script: str, *arguments: str, said: str = "", **variables: str
) -> "subprocess.CompletedProcess[str]":
    own = {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", **variables}
    return subprocess.run(
        [folder / ".ci" / script, *arguments],
        cwd=folder,
        env={**os.environ, **own},
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, text: str) -> None:
    file = folder / "bin" / name
    file.write_text(f"#!/usr/bin/env bash\n{text}\n")
    file.chmod(0o755)


def git(folder: Path, *arguments: str, day: int = MONDAY) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    when = {"GIT_COMMITTER_DATE": f"@{day} +0000", "GIT_AUTHOR_DATE": f"@{day} +0000"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, **who, **when}, capture_output=True, text=True, check=True).stdout


def committed(folder: Path, *, day: int = MONDAY) -> str:
    git(folder, "add", "--all", ":!.venv")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a change", day=day)
    return git(folder, "rev-parse", "HEAD").strip()


def test_a_job_learns_of_its_role_region_and_state_by_the_stack_file(folder: Path) -> None:
    assert run(folder, "place", "qa", "operator").stdout.splitlines() == [
        "role=arn:aws:iam::123456789012:role/stageline/qa/access/stageline-qa-operator",
        "region=eu-central-1",
        "seconds=14400",
        "door=false",
        "backend=s3://stageline-state-123456789012-eu-central-1?region=eu-central-1",
    ]


def test_an_environment_that_is_not_there_is_a_failure(folder: Path) -> None:
    assert run(folder, "place", "nowhere", "ci").returncode != 0


def test_the_steps_that_follow_know_the_state_the_commands_and_the_end_of_their_credentials(folder: Path) -> None:
    files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_PATH")}
    told = {name: str(file) for name, file in files.items()}
    program(folder, "curl", "exit 1")
    known = {"BACKEND": "s3://state", "SECONDS_LEFT": "0", "OPENS_DOOR": "false", "RUNNER_ENVIRONMENT": "github-hosted"}
    assert run(folder, "at-work", **known, **told).returncode == 0
    backend, ends = files["GITHUB_ENV"].read_text().splitlines()
    assert backend == "PULUMI_BACKEND_URL=s3://state" and ends.startswith("AWS_CREDENTIAL_EXPIRATION=20")
    assert files["GITHUB_PATH"].read_text().splitlines() == [f"{folder}/.engine/bin", f"{folder}/.venv/bin"]


@pytest.mark.parametrize(
    ("where", "opens", "door"),
    [
        pytest.param("github-hosted", "true", "198.51.100.7", id="a runner without an address of its own"),
        pytest.param("self-hosted", "true", None, id="one of the team's"),
        pytest.param("github-hosted", "false", None, id="an environment that opens none"),
    ],
)
def test_a_hosted_runner_tells_its_address_where_doors_are_opened(
    folder: Path, where: str, opens: str, door: str | None
) -> None:
    program(folder, "curl", "echo 198.51.100.7")
    files = {name: str(folder / name) for name in ("GITHUB_ENV", "GITHUB_PATH")}
    known = {"BACKEND": "s3://state", "SECONDS_LEFT": "0", "OPENS_DOOR": opens, "RUNNER_ENVIRONMENT": where}
    assert run(folder, "at-work", **known, **files).returncode == 0
    told = dict(line.split("=", 1) for line in (folder / "GITHUB_ENV").read_text().splitlines())
    assert told.get("DOOR") == door


@pytest.mark.parametrize(
    ("now", "every", "due"),
    [
        pytest.param(MONDAY, "2", "false", id="the first Monday"),
        pytest.param(MONDAY + WEEK, "2", "true", id="the second one"),
        pytest.param(MONDAY + 2 * WEEK - 1, "2", "true", id="until that week is over"),
        pytest.param(MONDAY + 2 * WEEK, "2", "false", id="the third one"),
        pytest.param(MONDAY + 2 * WEEK, "1", "true", id="every week"),
    ],
)
def test_a_week_is_due_by_its_number_whatever_the_year(folder: Path, now: int, every: str, due: str) -> None:
    assert run(folder, "due", every, NOW=str(now)).stdout.strip() == due


def test_changed_are_the_environments_whose_stack_files_differ(folder: Path) -> None:
    git(folder, "init", "--quiet")
    before = committed(folder)
    for name in ("dev", "prod"):
        (folder / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    (folder / "Pulumi.staging.yaml").unlink()
    (folder / "README.md").write_text("changed too\n")
    after = committed(folder)
    assert json.loads(run(folder, "changed", before, after).stdout) == ["dev", "prod"]
    assert json.loads(run(folder, "changed", after, after).stdout) == []


def test_all_are_changed_where_what_was_before_is_not_known(folder: Path) -> None:
    git(folder, "init", "--quiet")
    after = committed(folder)
    assert json.loads(run(folder, "changed", "0" * 40, after).stdout) == ["dev", "prod", "qa", "staging"]


@pytest.mark.parametrize(
    ("live", "version"),
    [pytest.param({"release": "1.0.57"}, "1.0.57", id="one"), pytest.param(None, "", id="none")],
)
def test_what_is_live_is_told_by_its_version(folder: Path, live: dict[str, str] | None, version: str) -> None:
    program(folder, "release", f"echo '{json.dumps({'environments': [{'live': live}]})}'")
    assert run(folder, "live", "qa").stdout.strip() == version


def test_an_environment_that_cannot_be_read_is_not_one_without_a_release(folder: Path) -> None:
    program(folder, "release", "echo '{}'; exit 1")
    assert run(folder, "live", "qa").returncode != 0


COMMENTS = [
    {"id": 1, "body": "### Demo\n\nmine", "user": {"login": PERSON}},
    {"id": 2, "body": "### Preview of dev\r\n\n~~~~text", "user": {"login": BOT}},
    {"id": 3, "body": "### Preview of dev too", "user": {"login": BOT}},
]


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        pytest.param("Preview of dev", "--method PATCH repos/octo/shop/issues/comments/2", id="said before"),
        pytest.param("Preview of qa", "--method POST repos/octo/shop/issues/7/comments", id="for the first time"),
        pytest.param("Demo", "--method POST repos/octo/shop/issues/7/comments", id="said by somebody else"),
    ],
)
def test_a_comment_takes_the_place_of_our_own_one_of_that_title(folder: Path, title: str, asked: str) -> None:
    lines = "\n".join(
        f"{one['id']} {str(one['body']).splitlines()[0]}" for one in COMMENTS if one["user"] == {"login": BOT}
    )
    (folder / "listed").write_text(f"{lines}\n")
    program(
        folder,
        "gh",
        'case "$2" in --paginate) cat listed;; *) echo "$2 $3 $4" >> asked; cp "${6#body=@}" body;; esac',
    )
    (folder / "text").write_text("a\n~~~~\n\x1b[31mb @all\n")
    done = run(folder, "comment", "7", title, "text", GITHUB_REPOSITORY="octo/shop")
    assert (done.returncode, (folder / "asked").read_text().strip()) == (0, asked)
    assert (folder / "body").read_text() == f"### {title}\n\n~~~~text\na\n ~~~~\n[31mb @all\n\n~~~~\n"
