"""The demo tells of the project that Stageline comes with, and of no other one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.demo import refuse_other
from local.errors import CloudError
from tests.project import PROJECT, copy_project
from tests.tracked.changes import a_fifth_environment, no_qa, other_sizes


def test_it_is_told_of_the_stack_files_that_stageline_comes_with() -> None:
    refuse_other(PROJECT)


@pytest.mark.parametrize(
    ("change", "here"),
    [
        pytest.param(no_qa, "dev with 2, staging with 2, prod with 2", id="no qa"),
        pytest.param(a_fifth_environment, "acceptance with 2", id="a fifth environment"),
        pytest.param(other_sizes, "prod with 3", id="more servers"),
    ],
)
def test_it_is_not_told_of_what_a_team_made_of_them(
    tmp_path: Path, change: Callable[[Path], object], here: str
) -> None:
    change(copy_project(tmp_path))
    with pytest.raises(CloudError, match=f"this project has .*{here}.*: tell it in a fresh clone"):
        refuse_other(tmp_path)
