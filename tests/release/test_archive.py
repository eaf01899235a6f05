"""Which artifacts are stored, and which are refused before anything is."""

import hashlib
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from release.archive import Entry, inspect_artifact, unsafe
from release.errors import Refused
from tests.release.world import build_artifact


def _file(name: str, **values) -> Entry:
    return Entry(**{"name": name, "kind": "file", "size": 1, "mode": 0o644, **values})


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        pytest.param([_file("../x")], "leaves the folder", id="path-escape"),
        pytest.param([_file("a/../../x")], "leaves the folder", id="path-escape-inside"),
        pytest.param([_file("/etc/passwd")], "not a relative path", id="absolute"),
        pytest.param([_file("C:x")], "not a relative path", id="drive"),
        pytest.param([_file("a\\b")], "not a relative path", id="backslash"),
        pytest.param([_file("a"), _file("a")], "there twice", id="duplicate"),
        pytest.param([_file("a"), _file("./a")], "there twice", id="duplicate-by-dot"),
        pytest.param([_file("README"), _file("readme")], "clashes", id="case-clash"),
        pytest.param([_file("a", kind="symbolic link")], "symbolic link", id="symlink"),
        pytest.param([_file("a", kind="hard link")], "hard link", id="hard-link"),
        pytest.param([_file("a", kind="device")], "device", id="device"),
        pytest.param([_file("a", mode=0o4755)], "set-uid", id="setuid"),
        pytest.param([_file("a", size=5 * 1024**3)], "bytes", id="bomb-by-size"),
        pytest.param([_file(f"f{n}") for n in range(50_001)], "entries", id="bomb-by-count"),
    ],
)
def test_unsafe_entries_are_named(entries: list[Entry], fault: str) -> None:
    assert any(fault in sentence for sentence in unsafe(tuple(entries)))


def test_safe_entries_have_no_fault() -> None:
    assert list(unsafe((_file("bin/start", mode=0o755), _file("lib/a.py"), _file("lib", kind="folder")))) == []


def test_a_good_artifact_has_its_digest_size_and_checks(tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app-1.0.0.tar.gz", {})
    artifact = inspect_artifact(path)
    assert artifact.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert artifact.size == path.stat().st_size
    assert [(check.path, check.max_ms) for check in artifact.checks] == [("/api/projects", 200)]


def test_a_zip_is_an_artifact_too(tmp_path: Path) -> None:
    path = tmp_path / "app-1.0.0.jar"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("bin/start")
        info.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(info, "#!/bin/sh\n")
    assert inspect_artifact(path).checks == ()


def test_in_a_jar_without_permission_bits_bin_start_counts_as_executable(tmp_path: Path) -> None:
    path = tmp_path / "app-1.0.0.jar"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("bin/start")
        info.external_attr = 0x20  # the DOS archive bit: what jar tools write
        archive.writestr(info, "#!/bin/sh\n")
    assert inspect_artifact(path).digest


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "app-1.0.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("bin/start")
        info.external_attr = (stat.S_IFLNK | 0o755) << 16
        archive.writestr(info, "/bin/sh")
    with pytest.raises(Refused, match="symbolic link"):
        inspect_artifact(path)


def test_a_link_in_a_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "app-1.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("bin/start")
        info.type, info.linkname = tarfile.SYMTYPE, "/bin/sh"
        archive.addfile(info)
    with pytest.raises(Refused, match="symbolic link"):
        inspect_artifact(path)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        pytest.param("app.txt", b"x", "is not an artifact", id="another-type"),
        pytest.param("app.tar.gz", b"this is no archive", "not a readable archive", id="no-tar"),
        pytest.param("app.zip", b"this is no archive", "not a readable archive", id="no-zip"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, name: str, content: bytes, fault: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match=fault):
        inspect_artifact(tmp_path / name)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app.tar.gz", {"data": "x" * 100_000})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Refused, match="not a readable archive"):
        inspect_artifact(path)


def test_an_artifact_without_bin_start_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "app.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("README"), io.BytesIO())
    with pytest.raises(Refused, match="no bin/start"):
        inspect_artifact(path)


def test_a_start_program_that_is_not_executable_is_refused(tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app.tar.gz", {}, start_mode=0o644)
    with pytest.raises(Refused, match="bin/start is not executable"):
        inspect_artifact(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no file"):
        inspect_artifact(tmp_path / "gone.tar.gz")
