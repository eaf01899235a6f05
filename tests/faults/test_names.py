"""Row 16: names that are more than names. They are refused before they become a path, an argument or a key."""

import pytest

from release.environment import open_environment
from release.process.errors import WrongUsage
from release.records.artifacts.manifest import checked_version
from settings.errors import InvalidSettings
from settings.stackfile import Project
from tests.project import PROJECT

HOSTILE = {
    "command": "feature-demo/$(rm -rf ~)",
    "path": "../x",
    "path to a stack file": "../Pulumi.dev",
    "option": "-oProxyCommand=id",
    "NUL": "dev\0",
    "line end": "dev\n",
    "300 characters": "d" * 300,
    "look-alike": "d\u0435v",  # a Cyrillic letter
    "other case": "Prod",
    "blank": "dev ",
    "nothing": "",
}
EVERY = pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())


@EVERY
def test_row_16_a_hostile_name_is_no_environment(name: str) -> None:
    with pytest.raises(InvalidSettings, match="which cannot name one; allowed: a lower-case letter"):
        open_environment(Project(PROJECT), name)


@EVERY
def test_row_16_a_hostile_name_is_no_version(name: str) -> None:
    with pytest.raises(WrongUsage, match="is not a version"):
        checked_version(name)
