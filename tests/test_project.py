"""No test reads the stack files of this checkout by mistake."""

from pathlib import Path

import pytest

from tests.project import CHECKOUT, PROJECT, copy_project


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(CHECKOUT / "Pulumi.yaml", id="the project's"),
        pytest.param(str(CHECKOUT / "Pulumi.nowhere.yaml"), id="an environment's"),
        pytest.param(PROJECT / ".." / ".." / ".." / "Pulumi.yaml", id="by another way"),
        pytest.param("Pulumi.yaml", id="from here"),
    ],
)
def test_a_test_that_opens_one_fails(monkeypatch: pytest.MonkeyPatch, file: Path | str) -> None:
    monkeypatch.chdir(CHECKOUT)
    with pytest.raises(pytest.fail.Exception, match=r"read tests\.project\.PROJECT instead"):
        Path(file).read_text()


def test_those_of_the_tests_project_are_read(tmp_path: Path) -> None:
    copied = copy_project(tmp_path)
    assert sorted(file.name for file in copied.iterdir()) == sorted(file.name for file in PROJECT.iterdir())
