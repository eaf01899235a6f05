"""What no linter can say of the source: the wall between `components` and `release`, reasons, and what tests never do.

Neither side of the wall names what is in the other, not even as a path or as a text. That they do not import each other
is import-linter's (pyproject.toml). What both need stands in `contract`.
"""

import re
import sys
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [file for package in ROOT.glob("*/__init__.py") for file in package.parent.rglob("*.py")]
IGNORES = re.compile(r"noqa|type: ignore")
NAMED = re.compile(r"# (?:type: ignore\[[\w,-]+\]|(?:ruff: )?noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*)(?P<reason>.*)")
PATCHES = re.compile(r"\.(?:setattr|delattr|setitem|delitem)\(")
SLEEPS = re.compile(r"\bsleep\(")
# Programs in texts, whose pace is what a test is about: ruff sees those of the tests themselves.
SLOW = {"tests/components/host/fake_server.py", "tests/e2e/test_watch.py", "tests/local/servers/test_faults.py"}


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


def unexplained(text: str) -> list[str]:
    """The comments that switch a check off without its rule's name, or without a reason there or in the line above."""
    lines = text.splitlines()
    comments = [token for token in generate_tokens(StringIO(text).readline) if token.type == COMMENT]
    return [
        one.string
        for one in comments
        if IGNORES.search(one.string)
        and not ((found := NAMED.match(one.string)) and (found["reason"] or lines[one.start[0] - 2].startswith("# ")))
    ]


def test_whoever_switches_a_check_off_names_it_and_says_why() -> None:
    texts = {file: file.read_text() for file in SOURCES}
    found = {file: unexplained(text) for file, text in texts.items() if IGNORES.search(text)}
    assert {str(file.relative_to(ROOT)): comments for file, comments in found.items() if comments} == {}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        pytest.param("f(1)  # type: ignore[arg-type]  # it is tried", [], id="a-reason-beside"),
        pytest.param("# why\n# ruff: noqa: PTH1, PTH2", [], id="a-reason-above"),
        pytest.param("import a  # noqa: F401", ["# noqa: F401"], id="no-reason"),
        pytest.param("import a  # noqa  (why)", ["# noqa  (why)"], id="no-name"),
        pytest.param("f(1)  # type: ignore  # why", ["# type: ignore  # why"], id="everything-ignored"),
        pytest.param("says = '# noqa'", [], id="a-text"),
    ],
)
def test_an_ignored_rule_has_its_name_and_a_reason(text: str, missing: list[str]) -> None:
    assert unexplained(text) == missing


def matches(pattern: re.Pattern[str]) -> set[str]:
    """The tests that a pattern is found in."""
    files = [file for file in SOURCES if file.is_relative_to(ROOT / "tests") and file != Path(__file__)]
    return {str(file.relative_to(ROOT)) for file in files if pattern.search(file.read_text())}


def test_no_test_puts_something_else_in_the_place_of_code() -> None:
    assert matches(PATCHES) == set()


def test_no_program_that_a_test_runs_sleeps_but_those_that_are_slow_on_purpose() -> None:
    assert matches(SLEEPS) == SLOW
