"""What an artifact is, and whether it can be started."""

from pathlib import Path
from typing import Any

import pytest

from contract.archive import Member
from contract.commands import BY_NAME, Commands
from contract.package import NoPackage, Package, form_of, package_faults, package_of
from tests.archives import Packed, tar_gz, zipped

NODE = Commands(start=("node", "server.js"))


def _file(name: str, mode: int = 0o644, **values: Any) -> Member:
    return Member(**{"name": name, "kind": "file", "size": 1, "mode": mode, **values})


def _program(name: str) -> Member:
    return _file(name, 0o755)


def _link(name: str, target: str) -> Member:
    return _file(name, kind="symbolic link", target=target)


def package(*members: Member) -> Package:
    return package_of(Path(), "archive", members)


@pytest.mark.parametrize(
    ("names", "top"),
    [
        pytest.param(["app-1.0/", "app-1.0/bin/start", "app-1.0/lib/x"], "app-1.0/", id="as-distTar-has-it"),
        pytest.param(["package/server.js", "package/package.json"], "package/", id="as-npm-has-it"),
        pytest.param(["bin/start", "bin/server"], "", id="nothing-but-bin"),
        pytest.param(["app/bin/start", "README"], "", id="something-beside"),
        pytest.param(["a/bin/start", "b/x"], "", id="two-folders"),
        pytest.param(["bin/start", "lib/x"], "", id="none"),
    ],
)
def test_one_folder_on_top_is_taken_off(names: list[str], top: str) -> None:
    members = [_file(name, kind="folder" if name.endswith("/") else "file") for name in names]
    found = package(*members)
    assert found.top == top
    assert {*found.paths} == {name[len(top) :] for name in names if not name.endswith("/")}


@pytest.mark.parametrize(
    ("members", "commands", "fault"),
    [
        pytest.param([_file("lib/a.py"), _file("b")], BY_NAME, '--start "python3 FILE"', id="python"),
        pytest.param([_file("package.json"), _file("a.js")], BY_NAME, '--start "node FILE"', id="node"),
        pytest.param([_file("lib/a.jar"), _file("b")], BY_NAME, '--start "java -jar lib/a.jar"', id="java"),
        pytest.param([_program("bin/app"), _file("lib/a.jar")], BY_NAME, "--start bin/app", id="gradle"),
        pytest.param([_file("x"), _file("y")], BY_NAME, '--start "PROGRAM ARGUMENT..."', id="anything-else"),
        pytest.param([_file("bin/start", kind="folder")], BY_NAME, "it has no bin/start", id="a-folder"),
        pytest.param([_file("bin/start")], BY_NAME, "bin/start is not executable: chmod +x", id="not-executable"),
        pytest.param([_link("bin/start", "app"), _file("bin/x")], BY_NAME, "it has no bin/start", id="dangling"),
        pytest.param([_program("bin/start"), _file("x")], NODE, "leave out one of the two", id="two-ways-to-start"),
        pytest.param(
            [_program("bin/start"), _program("bin/migrate")],
            Commands(migrate=("node", "migrate.js")),
            "it has bin/migrate, and a command that migrates is stated",
            id="two-ways-to-migrate",
        ),
        pytest.param(
            [_program("bin/start"), _file("bin/migrate")],
            BY_NAME,
            "bin/migrate is not executable",
            id="migrates-without-being-executable",
        ),
        pytest.param(
            [_file("x"), _file("y")], Commands(start=("bin/app",)), "it has no bin/app, by which", id="not-in-it"
        ),
        pytest.param([_program("bin/start"), _link("l", "../x")], BY_NAME, "out of the archive", id="a-link-out"),
        pytest.param(
            [_program("app/bin/start"), _link("app/l", "../app/x")], BY_NAME, "out of the archive", id="over-the-top"
        ),
    ],
)
def test_what_a_server_could_not_start_is_named_with_the_way_out(
    members: list[Member], commands: Commands, fault: str
) -> None:
    assert any(fault in told for told in package_faults(package(*members), commands))


@pytest.mark.parametrize(
    ("members", "commands"),
    [
        pytest.param([_program("bin/start")], BY_NAME, id="by-name"),
        pytest.param([_link("bin/start", "../app"), _program("app")], BY_NAME, id="by-a-link"),
        pytest.param(
            [_program("app"), _file("bin/start", kind="hard link", target="./app")], BY_NAME, id="by-a-hard-link"
        ),
        pytest.param([_file("server.js"), _file("package.json")], NODE, id="by-a-command"),
        pytest.param([_program("bin/app"), _file("x")], Commands(start=("./bin/app", "x")), id="by-its-own-program"),
    ],
)
def test_what_can_be_started_has_no_fault(members: list[Member], commands: Commands) -> None:
    assert list(package_faults(package(*members), commands)) == []


JAR = [Packed(name="META-INF/MANIFEST.MF"), Packed(name="Main.class")]
FORMS = {
    "tarball": (tar_gz([]), "tarball"),
    "zip": (zipped([]), "archive"),
    "jar with bin/start": (zipped(JAR), "archive"),
    "plain jar": (zipped(JAR, start=False), "jar"),
    "binary": (b"\x7fELF\x02\x01\x01", "binary"),
}


@pytest.mark.parametrize(("content", "form"), FORMS.values(), ids=FORMS)
def test_the_file_itself_says_what_it_is(tmp_path: Path, content: bytes, form: str) -> None:
    (tmp_path / "a").write_bytes(content)
    assert form_of(tmp_path / "a") == form


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"#!/bin/bash\nexec java", "Spring Boot: executable = false", id="jar-behind-a-script"),
        pytest.param(b"MZ\x90", "GOOS=linux", id="windows"),
        pytest.param(b"\xcf\xfa\xed\xfe", "GOOS=linux", id="macos"),
        pytest.param(b"\xfd7zXZ\0", "pack it with tar -z", id="xz"),
        pytest.param(b"", "does not begin like a .tar.gz, .tgz, .zip, .jar, .war or a Linux binary", id="nothing"),
    ],
)
def test_what_is_none_is_named_by_what_it_is(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(NoPackage, match=why):
        form_of(tmp_path / "a")
