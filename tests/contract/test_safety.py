"""What makes a member of an archive unsafe, each for its own reason."""

from typing import Any

import pytest

from contract.archive import Member
from contract.safety import faults, link_faults, resolved


def _file(name: str, **values: Any) -> Member:
    return Member(**{"name": name, "kind": "file", "size": 1, "mode": 0o644, **values})


def _link(name: str, target: str) -> Member:
    return _file(name, kind="symbolic link", target=target)


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
        pytest.param([_file("a"), _file("a/b")], "lies in what is a file", id="file-as-a-folder"),
        pytest.param(
            [_file("a", kind="symbolic link", target="b"), _file("a/b")], "is a symbolic link", id="below-a-link"
        ),
        pytest.param(
            [_file("a/b"), _file("a", kind="symbolic link", target="b")], "there twice", id="link-for-a-folder"
        ),
        pytest.param([_file("a\u202e")], "does not belong in a path", id="turned-around"),
        pytest.param([_file("x" * 256)], "longer than file systems take", id="long-name"),
        pytest.param([_file("a"), _file("a")], "there twice", id="duplicate"),
        pytest.param([_file("a"), _file("./a")], "there twice", id="duplicate-by-dot"),
        pytest.param([_link("a", "")], "a link to nothing", id="link-to-nothing"),
        pytest.param([_link("a", "b\n")], "a sign that does not belong", id="link-of-two-lines"),
        pytest.param([_link("a", "b" * 1001)], "too far away", id="far-link"),
        pytest.param([_file("a", kind="hard link", target="b"), _file("b")], "no file before it", id="hard-link-ahead"),
        pytest.param([_file("a", kind="hard link", target="/etc/passwd")], "no file before it", id="hard-link-out"),
        pytest.param([_file("bin/._start")], "COPYFILE_DISABLE=1 tar", id="beside-a-file-of-macos"),
        pytest.param([_file("__MACOSX/a")], "COPYFILE_DISABLE=1 tar", id="folder-of-macos"),
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
    safe = [_file("bin/start", mode=0o755), _file("lib/a.py"), _file("lib", kind="folder", mode=0o2775)]
    twice = [_file("lib/", kind="folder"), _file("LIB/A.py"), _file("é"), _file("e\u0301")]
    linked = [_file("same", kind="hard link", target="./lib/a.py"), _link("l", "lib")]
    assert list(faults([*safe, *twice, *linked])) == []


def test_a_bomb_is_not_read_to_its_end() -> None:
    read = (_file(f"f{number}", size=1 << 30) for number in range(1000))
    assert len(list(faults(read))) == 1
    assert next(read).name == "f3"


LINKS = {"a/up": "..", "deep/er/down": "../../a", "out": "/etc", "one": "two", "two": "one", "loop/x": "x/y"}


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        pytest.param("a/up/b", "b", id="one-up"),
        pytest.param("deep/er/down/x", "a/x", id="beside"),
        pytest.param("a/up/../x", None, id="up-from-where-the-link-leads-and-not-from-where-it-lies"),
        pytest.param("deep/er/down/up/deep/er/down", "a", id="by-links-of-links"),
        pytest.param("out", None, id="absolute"),
        pytest.param("one", None, id="a-circle"),
        pytest.param("loop/x", None, id="endless"),
        pytest.param("../x", None, id="out"),
    ],
)
def test_a_path_is_followed_through_links_as_the_kernel_does(path: str, leads_to: str | None) -> None:
    assert resolved(path, LINKS) == leads_to


@pytest.mark.parametrize(
    ("path", "target", "mend"),
    [
        pytest.param("node_modules/mine", "../../mine", "npm ci --install-links", id="workspace-of-npm"),
        pytest.param(".venv/bin/python3", "/usr/bin/python3", "pip install --target vendor", id="virtual-environment"),
        pytest.param("conf", "/etc/app", "tar --dereference", id="any-other"),
    ],
)
def test_a_link_that_leaves_is_told_with_what_to_do_for_that_build(path: str, target: str, mend: str) -> None:
    (fault,) = link_faults({path: _link(path, target)})
    assert fault.startswith(f"'{path}' is a link to '{target}', out of the archive")
    assert mend in fault


def test_links_that_stay_inside_have_no_fault() -> None:
    links = {"node_modules/.bin/x": "../x/cli.js", ".venv/lib64": "lib", ".venv/bin/python": "python3"}
    assert list(link_faults({path: _link(path, to) for path, to in links.items()})) == []
