"""The wall between `components` and `release`: neither names what is in the other, not even as a path or as a text.

That they do not import each other is import-linter's (pyproject.toml). What both need stands in `contract`.
"""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def inside(package: str) -> list[str]:
    """The modules and folders of a package."""
    return [path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or path.is_dir()]


def named(text: str, package: str) -> list[str]:
    """What a text names of a package, as a module or as a path."""
    children = "|".join(map(re.escape, sorted(inside(package), key=len, reverse=True)))
    return [found[0] for found in re.finditer(rf"(?<![\w.]){package}[./](?:{children})\b", text)]


@pytest.mark.parametrize(("here", "there"), [("release", "components"), ("components", "release")])
def test_neither_side_names_a_file_or_a_module_of_the_other(here: str, there: str) -> None:
    files = {file: named(file.read_text(), there) for file in (ROOT / here).rglob("*.py")}
    assert {str(file.relative_to(ROOT)): names for file, names in files.items() if names} == {}


@pytest.mark.parametrize(
    ("text", "package", "names"),
    [
        pytest.param('["-m", "components.graph"]', "components", ["components.graph"], id="a-module-that-is-started"),
        pytest.param('Path("components/host/slot.py")', "components", ["components/host"], id="a-path"),
        pytest.param("Settings of the components.", "components", [], id="a-word-at-the-end-of-a-sentence"),
        pytest.param("state.release.engine", "release", [], id="a-field"),
    ],
)
def test_a_module_and_a_path_are_names_and_a_word_is_none(text: str, package: str, names: list[str]) -> None:
    assert named(text, package) == names


def test_contract_imports_nothing_but_itself_and_the_standard_library() -> None:
    files = (file.read_text() for file in (ROOT / "contract").glob("*.py"))
    imported = {name for text in files for name in re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)}
    assert imported - {"contract"} <= sys.stdlib_module_names
