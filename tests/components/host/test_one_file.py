"""The installer as one file: the same bytes everywhere, complete, nothing beside it, and quick to start."""

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.host.one_file import CONTRACT, PROGRAM, one_file, packed, put, sources

SOURCES = sources()
IMPORTING = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("built") / "installer.pyz"
    file.write_bytes(packed(SOURCES))
    return file


def imported(built: Path, *names: str) -> set[str]:
    """All modules that are there after these were imported, with nothing but the file and the standard library."""
    command = [sys.executable, "-I", "-S", "-c", IMPORTING, str(built), *names]
    return set(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))


def modules() -> list[str]:
    return [name.removesuffix(".py").replace("/", ".") for name in SOURCES if "/installer/" in name]


@pytest.mark.parametrize("name", SOURCES)
def test_all_of_it_is_python_3_9(name: str) -> None:
    ast.parse(SOURCES[name], feature_version=(3, 9))


def test_another_checkout_puts_the_same_bytes_together(tmp_path: Path) -> None:
    for folder in ("components", "contract"):
        shutil.copytree(PROGRAM / folder, tmp_path / folder)
    (tmp_path / "components" / "host" / "installer" / "notes.txt").write_text("mine")
    there, here = one_file(tmp_path), one_file()
    assert there == here
    assert (tmp_path / there.path).read_bytes() == (PROGRAM / here.path).read_bytes()


def test_the_order_of_names_makes_no_difference() -> None:
    assert packed(dict(reversed(SOURCES.items()))) == packed(SOURCES)


def test_it_is_made_of_these_very_bytes() -> None:
    """Of the sources as they are, so nothing of the machine, the time or zlib is in it."""
    assert packed({"a.py": b"a"}).hex() == (
        "504b03041400000000000000210043beb7e8010000000100000004000000612e707961"
        "504b010214031400000000000000210043beb7e80100000001000000040000000000000000000000a48100000000612e7079"
        "504b0506000000000100010032000000230000000000"
    )


def test_what_it_needs_is_in_it_and_nothing_else(built: Path) -> None:
    found = imported(built, *modules())
    assert {f"contract.{name}" for name in CONTRACT if name != "__init__"} == {
        name for name in found if name.startswith("contract.")
    }


def test_who_only_looks_does_not_wait_for_what_unpacks_archives(built: Path) -> None:
    found = imported(built, "components.host.installer.__main__", "components.host.installer.status")
    assert not found & {"tarfile", "zipfile", "contract.archive"}


def test_it_can_be_read_on_a_server(built: Path) -> None:
    assert SOURCES["contract/slots.py"] in built.read_bytes()
    with zipfile.ZipFile(built) as archive:
        assert archive.testzip() is None


def test_where_it_lies_is_ignored_by_git() -> None:
    folder = one_file().path.partition("/")[0]
    assert f"{folder}/" in (PROGRAM / ".gitignore").read_text().splitlines()


def test_a_file_that_is_the_same_is_left_alone_and_another_one_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "build" / "installer.pyz"
    put(file, b"one")
    first = file.stat()
    put(file, b"one")
    assert file.stat() == first
    put(file, b"two")
    assert (file.read_bytes(), file.stat().st_ino != first.st_ino) == (b"two", True)
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_checkout_that_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    (tmp_path / "build").touch()
    with pytest.raises(ValueError, match=r"cannot write .*/build/installer.pyz: File exists; make it writable"):
        put(tmp_path / "build" / "installer.pyz", b"one")
