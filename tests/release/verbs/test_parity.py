"""`release parity` on two environments, and on a program in which something is planted."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from release.call import Call
from release.process.errors import Inconclusive, Refused
from release.verbs.parity import parity, parity_text, refuse_undeclared
from settings.stackfile import Project
from tests.project import CHECKOUT, copy_project


def compare(folder: Path) -> dict[str, Any]:
    return parity(Call(project=Project(folder)), live=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The program with only dev and qa, which differ in few settings."""
    for folder in ("components", "contract", "settings"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    copy_project(tmp_path)
    for name in ("staging", "prod"):
        (tmp_path / f"Pulumi.{name}.yaml").unlink()
    return tmp_path


def test_a_difference_is_named_with_both_values_and_its_setting(project: Path) -> None:
    report = compare(project)
    refuse_undeclared(report)
    assert report["environments"] == ["dev", "qa"]
    (found,) = [one for one in report["differences"] if one["input"] == "backupRetentionPeriod"]
    assert (found["here"], found["value_here"], found["there"], found["value_there"]) == ("dev", 1, "qa", 3)
    assert (found["resource"], found["declared_by"]) == ("env-database-instance", ["database.backup_days"])
    assert "dev   qa     env-database-instance (Instance)" in parity_text(report)
    assert "dev, qa: 0 undeclared, " in parity_text(report)


def test_what_the_program_makes_of_an_environments_name_is_undeclared(project: Path) -> None:
    planted = (project / "components/stage/database.py").read_text()
    wanted = "multi_az=database.multi_az,"
    assert wanted in planted
    (project / "components/stage/database.py").write_text(
        planted.replace(wanted, 'multi_az=self._args.names.environment == "qa",')
    )
    report = compare(project)
    found = [(one["resource"], one["input"]) for one in report["differences"] if not one["declared_by"]]
    assert (found, report["undeclared"]) == ([("env-database-instance", "multiAz")], 1)
    with pytest.raises(Refused, match="undeclared differences between environments: 1"):
        refuse_undeclared(report)
    assert "UNDECLARED" in parity_text(report)


def test_a_stack_that_could_not_be_read_is_inconclusive() -> None:
    report = {"undeclared": 0, "unasked": [{"environment": "qa", "why": "it has not come up"}]}
    with pytest.raises(Inconclusive, match="these stacks could not be read: qa"):
        refuse_undeclared(report)
