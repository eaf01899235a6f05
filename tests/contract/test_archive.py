"""What makes a member of an archive unsafe, each for its own reason."""

from typing import Any

import pytest

from contract.archive import Member, faults, start_faults


def _file(name: str, **values: Any) -> Member:
    return Member(**{"name": name, "kind": "file", "size": 1, "mode": 0o644, **values})


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        pytest.param([_file("../x")], "leaves the folder", id="path-escape"),
        pytest.param([_file("a/../../x")], "leaves the folder", id="path-escape-inside"),
        pytest.param([_file("/etc/passwd")], "not a relative path", id="absolute"),
        pytest.param([_file("C:x")], "not a relative path", id="drive"),
        pytest.param([_file("a\\b")], "does not belong in a path", id="backslash"),
        pytest.param([_file("a//b")], "has an empty part", id="empty-part"),
        pytest.param([_file("a/")], "a file with the name of a folder", id="file-with-a-slash"),
        pytest.param([_file("é"), _file("e\u0301")], "clashes", id="composed-otherwise"),
        pytest.param([_file("a"), _file("a/b")], "lies in what is a file", id="file-as-a-folder"),
        pytest.param([_file("A/x"), _file("a/y")], "clashes", id="folders-that-clash"),
        pytest.param([_file("a\u202e")], "does not belong in a path", id="turned-around"),
        pytest.param([_file("x" * 256)], "longer than file systems take", id="long-name"),
        pytest.param([_file("a"), _file("a")], "there twice", id="duplicate"),
        pytest.param([_file("a"), _file("./a")], "there twice", id="duplicate-by-dot"),
        pytest.param([_file("README"), _file("readme")], "clashes", id="case-clash"),
        pytest.param([_file("a", kind="symbolic link")], "symbolic link", id="symlink"),
        pytest.param([_file("a", kind="hard link")], "hard link", id="hard-link"),
        pytest.param([_file("a", kind="device")], "device", id="device"),
        pytest.param([_file("a", mode=0o4755)], "set-uid", id="setuid"),
        pytest.param([_file("a", size=5 * 1024**3)], "allowed for one file", id="bomb-by-size"),
        pytest.param([_file(f"f{n}") for n in range(50_001)], "more than 50000 entries", id="bomb-by-count"),
        pytest.param([_file(f"f{n}", size=1 << 30) for n in range(3)], "unpacks to more than", id="bomb-together"),
    ],
)
def test_unsafe_entries_are_named(members: list[Member], fault: str) -> None:
    assert any(fault in sentence for sentence in faults(members))


def test_safe_entries_have_no_fault() -> None:
    assert list(faults((_file("bin/start", mode=0o755), _file("lib/a.py"), _file("lib", kind="folder")))) == []


def test_a_bomb_is_not_read_to_its_end() -> None:
    read = (_file(f"f{number}", size=1 << 30) for number in range(1000))
    assert len(list(faults(read))) == 1
    assert next(read).name == "f3"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param([_file("bin/start", mode=0o755)], [], id="can-be-started"),
        pytest.param([_file("lib/a.py")], ["it has no bin/start"], id="none"),
        pytest.param([_file("bin/start", kind="folder", mode=0o755)], ["it has no bin/start"], id="a-folder"),
        pytest.param([_file("bin/start")], ["bin/start is not executable"], id="not-executable"),
        pytest.param(
            [_file("bin/start", mode=0o755), _file("bin/migrate")],
            ["bin/migrate is not executable"],
            id="migrates-without-being-executable",
        ),
    ],
)
def test_what_a_server_could_not_start_is_named(members: list[Member], expected: list[str]) -> None:
    assert list(start_faults(members)) == expected
