"""The fingerprint of settings and program: any change changes it, and only a change does."""

import os
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import BaseModel

from settings.fingerprint import PROGRAM, fingerprint
from settings.model import App, Settings
from settings.stackfile import Project, load
from tests.project import CHECKOUT, PROJECT, copy_project

FILES = {
    "__main__.py": "import pulumi",
    "components/network.py": "CIDR = 1",
    "components/host/installer/exchange.py": "MARK = 1",
    "components/host/unit.service": "[Unit]",
    "contract/archive.py": "MOST = 1",
    "settings/model.py": "class Settings: ...",
    "settings/permissions/calls.py": "CALLS = ()",
    "release/program.py": "def recorded(): ...",
    "requirements/run.in": "pulumi",
    "requirements/dev.txt": "pulumi==3.259.0",
}
BESIDE = (
    "release/cli.py",
    "README.md",
    "Pulumi.dev.yaml",
    "settings/stack-schema.json",
    "components/__pycache__/network.cpython-311.pyc",
    "components/.network.py.swp",
    "settings/__pycache__/model.cpython-311.pyc",
    "docs/reference.md",
)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write(tmp_path / "program", FILES)


@pytest.fixture
def settings() -> Settings:
    return load(PROJECT, "dev")


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_it_is_one_short_word(program: Path, settings: Settings) -> None:
    assert fingerprint(program, settings).isalnum()
    assert len(fingerprint(program, settings)) == 32


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_of_the_program_changes_it(program: Path, settings: Settings, name: str) -> None:
    before = fingerprint(program, settings)
    (program / name).write_text(FILES[name] + " ")
    assert fingerprint(program, settings) != before


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_came_or_went_or_was_renamed_changes_it(program: Path, settings: Settings, name: str) -> None:
    before = fingerprint(program, settings)
    (program / name).rename(program / "elsewhere")
    gone = fingerprint(program, settings)
    (program / "components/renamed.py").write_text(FILES[name])
    assert len({before, gone, fingerprint(program, settings)}) == 3


def test_what_moves_from_one_file_into_the_next_changes_it(program: Path, settings: Settings) -> None:
    write(program, {"components/a.py": "one\n", "components/b.py": "two\n"})
    before = fingerprint(program, settings)
    write(program, {"components/a.py": "one\ntwo\n", "components/b.py": ""})
    assert fingerprint(program, settings) != before


@pytest.mark.parametrize("name", BESIDE)
def test_what_declares_nothing_does_not_change_it(program: Path, settings: Settings, name: str) -> None:
    before = fingerprint(program, settings)
    write(program, {name: "something"})
    assert fingerprint(program, settings) == before


def test_neither_place_nor_times_nor_the_order_of_writing_change_it(
    program: Path, settings: Settings, tmp_path: Path
) -> None:
    other = write(tmp_path / "of" / "somebody else", dict(reversed(FILES.items())))
    for name in FILES:
        os.utime(other / name, (1, 1))
    assert fingerprint(other, settings) == fingerprint(program, settings)


Model = TypeVar("Model", bound=BaseModel)


def changed(settings: Model, name: str) -> Model:
    """The settings with another value of one field."""
    value = getattr(settings, name)
    other = f"{value}x" if isinstance(value, str) or value is None else not value
    return settings.model_copy(update={name: other})


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the other values need not be allowed ones
@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "app"])
def test_every_setting_changes_it(program: Path, settings: Settings, name: str) -> None:
    section = getattr(settings, name)
    if isinstance(section, BaseModel):
        others = [settings.model_copy(update={name: changed(section, field)}) for field in type(section).model_fields]
    else:
        others = [changed(settings, name)]
    before = fingerprint(program, settings)
    assert [other for other in others if fingerprint(program, other) == before] == []


def test_what_the_application_is_told_comes_with_a_deployment_and_does_not_change_it(
    program: Path, settings: Settings
) -> None:
    told = settings.model_copy(update={"app": App(environment={"LOG_LEVEL": "debug"})})
    assert fingerprint(program, told) == fingerprint(program, settings)


def test_a_default_that_is_written_out_does_not_change_it(program: Path, settings: Settings) -> None:
    assert fingerprint(program, Settings.model_validate(settings.model_dump())) == fingerprint(program, settings)


def test_a_local_workspace_finds_the_program_of_its_checkout(tmp_path: Path, settings: Settings) -> None:
    checkout = write(tmp_path, FILES)
    (checkout / ".local/work").mkdir(parents=True)
    (checkout / ".local/work/Pulumi.yaml").write_text("name: stageline\nmain: ../..\n")
    copy_project(checkout)
    found = Project(checkout / ".local/work").program_dir, Project(checkout).program_dir
    assert found == (checkout, checkout)


def test_every_file_that_it_names_is_in_the_checkout() -> None:
    assert [file for file in PROGRAM if not (CHECKOUT / file).is_file()] == []
