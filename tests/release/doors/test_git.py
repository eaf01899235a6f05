"""The git tag that an artifact was built from, in repositories made for the test."""

from pathlib import Path

import pytest

from release.doors.git import is_commit, is_tag, tagged_commit
from release.process.errors import Broken, Refused, WrongUsage
from tests.release.records.artifacts.repository import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits; v1.0.0 is at the first one."""
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(folder, "tag", "v1.0.0")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "second")
    return folder


@pytest.mark.parametrize(
    ("options", "tag"),
    [
        pytest.param((), "v1.1.0", id="lightweight"),
        pytest.param((), "1.1.0", id="without-v"),
        pytest.param((), "shop/v1.1.0", id="of-one-of-several-applications"),
        pytest.param(("--annotate", "--message", "m"), "v1.1.0", id="annotated"),
    ],
)
def test_the_commit_is_the_one_that_the_tag_leads_to(repository: Path, options: tuple[str, ...], tag: str) -> None:
    git(repository, "tag", *options, tag, "HEAD~1")
    assert tagged_commit(repository, tag, "1.1.0") == git(repository, "rev-parse", "HEAD~1")


def test_a_tag_of_a_tag_leads_to_the_commit(repository: Path) -> None:
    git(repository, "tag", "--annotate", "--message", "m", "inner", "HEAD~1")
    git(repository, "tag", "--annotate", "--message", "m", "v1.1.0", "inner")
    assert tagged_commit(repository, "v1.1.0", "1.1.0") == git(repository, "rev-parse", "HEAD~1")


def test_a_branch_of_the_same_name_is_not_the_tag(repository: Path) -> None:
    git(repository, "branch", "v1.0.0", "HEAD")
    assert tagged_commit(repository, "v1.0.0", "1.0.0") == git(repository, "rev-parse", "HEAD~1")


def test_a_branch_is_no_tag(repository: Path) -> None:
    git(repository, "branch", "v2.0.0")
    with pytest.raises(Refused, match=r"there is no tag v2\.0\.0 in shop; fetch the tags"):
        tagged_commit(repository, "v2.0.0", "2.0.0")


def test_a_tag_that_leads_to_a_file_is_refused(repository: Path) -> None:
    (repository / "note").write_text("x")
    blob = git(repository, "hash-object", "-w", "note")
    git(repository, "tag", "v1.1.0", blob)
    with pytest.raises(Refused, match=r"tag v1\.1\.0 does not lead to a commit"):
        tagged_commit(repository, "v1.1.0", "1.1.0")


@pytest.mark.parametrize("version", ["1.0.1", "1.0", "11.0.0", "1.0.0-rc.1"])
def test_a_tag_of_another_version_is_refused(repository: Path, version: str) -> None:
    with pytest.raises(Refused, match=r"tag v1\.0\.0 does not name version"):
        tagged_commit(repository, "v1.0.0", version)


def test_outside_a_repository_the_refusal_says_so(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"the tag cannot be checked in .*: not a git repository"):
        tagged_commit(tmp_path, "v1.0.0", "1.0.0")


def test_variables_of_git_lead_to_no_other_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert is_commit(tagged_commit(repository, "v1.0.0", "1.0.0"))


def test_without_git_the_error_says_what_to_do(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Broken, match="there is no git on PATH; install git"):
        tagged_commit(repository, "v1.0.0", "1.0.0")


HOSTILE = {
    "option": "--upload-pack=id",
    "short option": "-oProxyCommand=id",
    "command": "$(id)1.0.0",
    "quote": "v1.0.0'",
    "space": "v1.0.0 HEAD",
    "newline": "v1.0.0\n",
    "NUL": "v1.0.0\0",
    "range": "v0..v1.0.0",
    "parent": "v1.0.0^",
    "ancestor": "v1.0.0~1",
    "reflog": "v1.0.0@{1}",
    "file in it": "v1.0.0:note",
    "out of the tags": "../heads/1.0.0",
    "absolute": "/v1.0.0",
    "hidden": ".git/1.0.0",
    "empty part": "a//1.0.0",
    "slash at the end": "v1.0.0/",
    "lock": "v1.0.0.lock",
    "look-alike": "v1.0.\u0660",
    "empty": "",
    "long": "v" * 300,
}


@pytest.mark.parametrize("tag", HOSTILE.values(), ids=HOSTILE)
def test_row_16_a_hostile_name_never_reaches_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # a git that is asked would not be there
    with pytest.raises(WrongUsage, match="is not a tag"):
        tagged_commit(tmp_path, tag, "1.0.0")


@pytest.mark.parametrize("tag", ["v1.0.0", "1.0.0-rc.1", "shop/v1.0.0", "release_1+2"])
def test_names_that_people_give_are_tags(tag: str) -> None:
    assert is_tag(tag)


@pytest.mark.parametrize("text", ["", "HEAD", "a" * 39, "A" * 40, "g" * 40, "a" * 40 + "\n"])
def test_only_whole_ids_are_commits(text: str) -> None:
    assert not is_commit(text)
