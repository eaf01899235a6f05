"""`release parity` on the tracked environments, and on a program in which something is planted."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from release.call import Call
from release.errors import Inconclusive, Refused
from release.verbs.parity import parity, parity_text, refuse_undeclared
from settings.stackfile import Project

ROOT = Path(__file__).parents[3]


def compare(folder: Path) -> dict[str, Any]:
    return parity(Call(project=Project(folder)), live=False)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return compare(ROOT)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The program with only dev and qa, which differ in one setting."""
    for folder in ("components", "settings"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.qa.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_tracked_environments_differ_in_nothing_but_what_their_stack_files_declare(report: dict[str, Any]) -> None:
    assert report["environments"] == ["dev", "qa", "staging", "prod"]
    assert [entry for entry in report["differences"] if not entry["declared_by"]] == []
    refuse_undeclared(report)


def test_a_difference_is_named_with_both_values_and_its_setting(report: dict[str, Any]) -> None:
    (found,) = [
        entry
        for entry in report["differences"]
        if (entry["there"], entry["resource"], entry["input"])
        == ("prod", "env-database-instance", "backupRetentionPeriod")
    ]
    assert (found["here"], found["value_here"], found["value_there"]) == ("staging", 14, 35)
    assert found["declared_by"] == ["database.backup_days"]
    assert "staging  prod     env-database-instance (Instance)" in parity_text(report)
    assert "dev, qa, staging, prod: 0 undeclared, " in parity_text(report)


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
