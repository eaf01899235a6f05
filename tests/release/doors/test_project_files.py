"""The project's files: written whole or not at all, and a disk that refuses is one line."""

from pathlib import Path

import pytest

from release.doors.project_files import ProjectFiles, passing
from release.process.errors import Broken


def test_only_the_projects_own_files_are_read(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "README.md"):
        (tmp_path / name).write_text(name)
    assert ProjectFiles(tmp_path).read() == {name: name for name in ("Pulumi.yaml", "Pulumi.dev.yaml")}


def test_nothing_half_written_is_left_beside_what_was_written(tmp_path: Path) -> None:
    ProjectFiles(tmp_path).write({"Pulumi.dev.yaml": "config: {}\n"})
    assert [file.name for file in tmp_path.iterdir()] == ["Pulumi.dev.yaml"]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"cannot write the project's files: .*; check --project"):
        ProjectFiles(tmp_path / "gone").write({"Pulumi.dev.yaml": ""})


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(Broken, match="cannot read the project's files"):
        ProjectFiles(tmp_path).read()


def test_files_that_nobody_keeps_are_gone() -> None:
    with passing() as files:
        files.write({"Pulumi.yaml": "name: acme\n"})
    assert not files.folder.exists()
