"""Which artifacts are stored, and which are refused before anything is."""

import hashlib
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from contract.commands import BY_NAME, Commands
from release.doors.aws.parts import parts_of
from release.process.errors import Refused
from release.records.artifacts.archive import inspect_artifact
from tests.archives import UNSAFE, Member, Packed, tar_gz, zipped
from tests.release.world import build_artifact


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
    with pytest.raises(Refused, match="a link to '/bin/sh', out of the archive"):
        inspect_artifact(path)


def test_a_link_in_a_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "app-1.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("bin/start")
        info.type, info.linkname = tarfile.SYMTYPE, "/bin/sh"
        archive.addfile(info)
    with pytest.raises(Refused, match="a link to '/bin/sh', out of the archive"):
        inspect_artifact(path)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        pytest.param("app.txt", b"x", "not a readable archive: it does not begin like a .tar.gz", id="another-type"),
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


def test_a_build_may_say_what_it_is(tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app.tar.gz", {"release.json": '{"version": "1.0.0"}'})
    assert inspect_artifact(path).build.version == "1.0.0"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"smoke.json": '{"checks": [{"name": "a", "path": "/"}], "checks": []}'}, "'checks' stands twice"),
        ({"release.json": '{"version": "1.0.0", "version": "2.0.0"}'}, "'version' stands twice"),
        ({"release.json": '{"schema": ' + "[" * 30_000}, "nested too deeply"),
        ({"release.json": '{"schema": {"version": NaN}}'}, "release.json is not JSON"),
    ],
    ids=["checks-twice", "version-twice", "nested", "no-number"],
)
def test_a_text_that_has_two_meanings_or_none_is_refused(tmp_path: Path, files: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        inspect_artifact(build_artifact(tmp_path / "app.tar.gz", files))


@pytest.mark.parametrize("name", ["smoke.json", "release.json"])
def test_a_text_that_is_too_long_to_be_meant_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "app.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for entry, text, mode in (("bin/start", b"", 0o755), (name, b" " * 65_537, 0o644)):
            info = tarfile.TarInfo(entry)
            info.size, info.mode = len(text), mode
            archive.addfile(info, io.BytesIO(text))
    with pytest.raises(Refused, match=f"{name} has 65537 bytes, 65536 are allowed"):
        inspect_artifact(path)


def test_an_artifact_that_is_too_large_for_one_request_is_named_by_its_parts(tmp_path: Path) -> None:
    path = build_artifact(tmp_path / "app.tar.gz", {"note": "x"})
    size = path.stat().st_size
    assert inspect_artifact(path, one_request=size, part=100).parts is None
    assert inspect_artifact(path, one_request=size - 1, part=100).parts == parts_of(path, 100)


def test_a_header_that_asks_for_much_memory_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "app.tar.gz"
    path.write_bytes(UNSAFE["huge header"])
    with pytest.raises(Refused, match="a header is too large"):
        inspect_artifact(path)


def test_what_an_entry_says_of_its_length_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "app.zip"
    path.write_bytes(UNSAFE["zip says less, with the checksum of what is read"])
    with pytest.raises(Refused, match="'bomb' has more bytes than the 10 that it says"):
        inspect_artifact(path)


def test_a_plain_jar_is_started_by_its_main_class_unless_something_else_is_said(tmp_path: Path) -> None:
    path = tmp_path / "app-1.2.2.jar"
    path.write_bytes(zipped([Packed(name="META-INF/MANIFEST.MF", data=b"Main-Class: a.Main\r\n")], start=False))
    assert inspect_artifact(path).commands == Commands(start=("java", "-jar", "app.jar"))
    said = Commands(start=("java", "-Xmx1g", "-jar", "app.jar"), migrate=("java", "-jar", "app.jar", "migrate"))
    assert inspect_artifact(path, said=said).commands == said


def test_a_jar_that_names_no_main_class_says_how_it_is_started(tmp_path: Path) -> None:
    path = tmp_path / "app.jar"
    path.write_bytes(zipped([Packed(name="META-INF/MANIFEST.MF")], start=False))
    with pytest.raises(Refused, match=r'no Main-Class; state one: --start "java -cp app\.jar CLASS"'):
        inspect_artifact(path)


def test_a_binary_is_an_artifact_for_its_own_kind_of_servers(tmp_path: Path) -> None:
    path = tmp_path / "server"
    path.write_bytes(b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00" + bytes(44))
    assert inspect_artifact(path, machine="arm64").commands == BY_NAME
    with pytest.raises(Refused, match="bin/start is built for arm64, the servers are x86_64"):
        inspect_artifact(path, machine="x86_64")


@pytest.mark.parametrize("top", ["", "app-1.0/"], ids=["at-the-root", "in-one-folder"])
def test_what_the_build_states_is_read_and_starts_it(tmp_path: Path, top: str) -> None:
    said = b'{"format": 1, "version": "1.0.0", "start": "node server.js", "migrate": ["node", "migrate.js"]}'
    path = tmp_path / "app.tgz"
    path.write_bytes(
        tar_gz([Member(name=f"{top}release.json", data=said), Member(name=f"{top}server.js")], start=False)
    )
    artifact = inspect_artifact(path)
    assert artifact.commands == Commands(start=("node", "server.js"), migrate=("node", "migrate.js"))
    assert artifact.build.version == "1.0.0"
    with pytest.raises(Refused, match=r"says start node server\.js, and it is published with node other\.js"):
        inspect_artifact(path, said=Commands(start=("node", "other.js")))


def test_a_script_of_a_virtual_environment_says_how_to_start_it_elsewhere(tmp_path: Path) -> None:
    script = Member(name=".venv/bin/app", data=b"#!/home/ann/x/.venv/bin/python\n", mode=0o755)
    python = Member(name=".venv/bin/python", data=b"\x7fELF", mode=0o755)
    path = tmp_path / "app.tgz"
    path.write_bytes(tar_gz([script, python, Member(name="x")], start=False))
    with pytest.raises(Refused, match=r"start it with \.venv/bin/python -m MODULE"):
        inspect_artifact(path, said=Commands(start=(".venv/bin/app",)))
