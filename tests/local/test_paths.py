"""The cloud's project is found from where one stands."""

from pathlib import Path

import pytest

from local.errors import CloudError
from local.paths import Paths, find_project


def test_the_project_is_the_nearest_folder_upwards_with_a_project_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    inside = tmp_path / "components" / "host"
    inside.mkdir(parents=True)
    assert find_project({}, inside) == tmp_path


def test_the_copy_in_the_workspace_is_not_taken_for_a_project(tmp_path: Path) -> None:
    work = tmp_path / ".local" / "work"
    work.mkdir(parents=True)
    for folder in (tmp_path, work):
        (folder / "Pulumi.yaml").touch()
    assert find_project({}, work) == tmp_path


def test_a_named_project_wins_over_where_one_stands(tmp_path: Path) -> None:
    for name in ("here", "named"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Pulumi.yaml").touch()
    found = find_project({"STAGELINE_ROOT_DIR": str(tmp_path / "named")}, tmp_path / "here")
    assert found == tmp_path / "named"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The workspace of a project, as `local-cloud env` names it."""
    work = tmp_path / "project" / ".local" / "work"
    work.mkdir(parents=True)
    for folder in (work, tmp_path / "project"):
        (folder / "Pulumi.yaml").touch()
    return work


def test_the_shells_project_counts_where_one_stands_in_none(workspace: Path, tmp_path: Path) -> None:
    application = tmp_path / "application"
    application.mkdir()
    assert find_project({"STAGELINE_PROJECT": str(workspace)}, application) == tmp_path / "project"


def test_a_project_that_one_stands_in_wins_over_the_shells(workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "Pulumi.yaml").touch()
    assert find_project({"STAGELINE_PROJECT": str(workspace)}, other) == other


def test_a_shells_project_that_is_gone_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="run local-cloud inside a clone"):
        find_project({"STAGELINE_PROJECT": str(tmp_path / "gone")}, tmp_path)


def test_no_project_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="run local-cloud inside a clone"):
        find_project({}, tmp_path)


def test_caches_and_the_log_outlive_the_cloud(tmp_path: Path) -> None:
    paths = Paths(project=tmp_path)
    assert not {paths.cache, paths.log} & set(paths.runtime)
