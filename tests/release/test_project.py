"""The environments of a project opened, and the one where releases enter."""

from collections.abc import Callable
from pathlib import Path

import pytest

from release.call import Call
from release.process.errors import WrongUsage
from release.project import names_in, open_all, open_each, open_first
from release.verbs.publish import Publication, publish
from release.verbs.veto import veto
from settings.errors import InvalidSettings
from settings.stackfile import Project
from tests.project import PROJECT
from tests.release.deploying import call_in
from tests.release.world import World


@pytest.fixture
def two_firsts(world: World) -> Path:
    """A project with a second environment that promotes from none, and by its name it would be the first one."""
    return world.project_with(demo=(PROJECT / "Pulumi.dev.yaml").read_text().replace("10.10.", "10.99."))


def test_the_first_environment_is_the_one_that_promotes_from_none() -> None:
    assert open_first(Project(PROJECT)).settings.promotes_from is None


def test_environments_come_in_the_order_of_promotion() -> None:
    project = Project(PROJECT)
    assert [environment.name for environment in open_all(project)] == list(project.environments)


def test_one_that_cannot_be_read_closes_no_other_one(world: World) -> None:
    project = Project(world.project_with(dev="config: ["))
    opened, closed = open_each(project, names_in(project))
    assert ([one.name for one in opened], list(closed)) == (["prod", "qa", "staging"], ["dev"])


@pytest.mark.parametrize("asked", [open_first, open_all, names_in])
def test_a_folder_without_stack_files_is_no_project(tmp_path: Path, asked: Callable[[Project], object]) -> None:
    with pytest.raises(WrongUsage, match=r"there is no stack file in .*; run it in the project"):
        asked(Project(tmp_path))


def ask_to_publish(call: Call, file: Path) -> None:
    publish(call, Publication(path=file, version="9.9.9", tag=None, notes="", repository=file.parent))


def ask_to_veto(call: Call, file: Path) -> None:
    veto(call, "9.9.9", reason="loses rows")


@pytest.mark.parametrize("asked", [ask_to_publish, ask_to_veto])
def test_where_releases_could_enter_twice_nothing_is_published_and_nothing_unknown_is_vetoed(
    two_firsts: Path, tmp_path: Path, asked: Callable[[Call, Path], None]
) -> None:
    with pytest.raises(InvalidSettings, match="promotes_from is missing in demo and in dev"):
        asked(call_in(two_firsts), tmp_path / "app.tar.gz")
