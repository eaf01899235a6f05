"""What the installer refuses to unpack, and how it unpacks the rest."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import struct
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from components.host.installer.artifact import unpack
from components.host.installer.errors import Refused
from contract.archive import Member, Opened
from contract.commands import BY_NAME
from contract.unpacking import Unusable, safe_members
from tests.components.host.fake_server import FakeServer, good, loopback, tar_member

# --- Unsafe archives ------------------------------------------------------------------------------------------------

START = tar_member("bin/start", mode=0o755)
LIMIT = 2 << 30


def tar_of(*members: tarfile.TarInfo) -> bytes:
    """Headers only, followed by as many bytes as their sizes claim while that is little."""
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", compresslevel=1) as file:
        for member in members:
            file.write(member.tobuf(tarfile.GNU_FORMAT))
            file.write(bytes(max(0, min(-member.size % 512 + member.size, 1 << 20))))
        file.write(bytes(1024))
    return buffer.getvalue()


def zip_of(*names: str, mode: int = stat.S_IFREG | 0o755) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = mode << 16
            archive.writestr(info, b"x")
    return buffer.getvalue()


def lying_zip(size: int, *more: str) -> bytes:
    """Claims that each entry has this size, in the list at the end where zipfile looks."""
    data = bytearray(zip_of("bin/start", *more))
    for entry in re.finditer(b"PK\x01\x02", bytes(data)):
        data[entry.start() + 24 : entry.start() + 28] = struct.pack("<I", size)
    return bytes(data)


def big_header() -> bytes:
    """A header of its own kind that claims to hold a name of a gigabyte."""
    return tar_of(tar_member("././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=1 << 30), START)


UNSAFE = {
    "path escape": tar_of(START, tar_member("../evil")),
    "path escape in the middle": tar_of(START, tar_member("lib/../../evil")),
    "dot in the middle": tar_of(START, tar_member("lib/./x")),
    "absolute path": tar_of(START, tar_member("/etc/passwd")),
    "absolute after dot": tar_of(START, tar_member(".//etc/passwd")),
    "control sign": tar_of(START, tar_member("a\nb")),
    "backslash": tar_of(START, tar_member("..\\evil")),
    "name too long": tar_of(START, tar_member("x" * 256)),
    "path too deep": tar_of(START, tar_member("/".join(["deep"] * 300))),
    "symbolic link": tar_of(START, tar_member("l", type=tarfile.SYMTYPE, linkname="/etc")),
    "hard link": tar_of(START, tar_member("l", type=tarfile.LNKTYPE, linkname="/etc/passwd")),
    "character device": tar_of(START, tar_member("d", type=tarfile.CHRTYPE)),
    "block device": tar_of(START, tar_member("d", type=tarfile.BLKTYPE)),
    "fifo": tar_of(START, tar_member("d", type=tarfile.FIFOTYPE)),
    "unknown kind": tar_of(START, tar_member("d", type=b"Z")),
    "setuid": tar_of(START, tar_member("s", mode=0o4755)),
    "setgid": tar_of(START, tar_member("s", mode=0o2755)),
    "duplicate": tar_of(START, tar_member("bin/start")),
    "duplicate in other form": tar_of(START, tar_member("./bin/start")),
    "below a file": tar_of(START, tar_member("bin/start/x")),
    "file over a folder": tar_of(START, tar_member("bin")),
    "one huge file": tar_of(START, tar_member("big", size=LIMIT // 2 + 1)),
    "negative size": tar_of(START, tar_member("big", size=-512)),
    "huge header": big_header(),
    "zip path escape": zip_of("bin/start", "../evil"),
    "zip absolute path": zip_of("bin/start", "/etc/passwd"),
    "zip drive letter": zip_of("bin/start", "C:evil"),
    "zip backslash": zip_of("bin/start", "..\\evil"),
    "zip NUL": zip_of("bin/start", "ok\0/../evil"),
    "zip duplicate": zip_of("bin/start", "x", "x"),
    "zip device": zip_of("d", mode=stat.S_IFCHR | 0o644),
    "zip fifo": zip_of("d", mode=stat.S_IFIFO | 0o644),
    "zip setuid": zip_of("s", mode=stat.S_IFREG | 0o4755),
    "zip setgid": zip_of("s", mode=stat.S_IFREG | 0o2755),
    "zip folder that is a link": zip_of("l/", mode=stat.S_IFLNK | 0o777),
    "zip huge file": lying_zip(LIMIT // 2 + 1),
    "zip huge together": lying_zip(LIMIT // 2, "x", "y"),
}


@pytest.mark.parametrize("archive", UNSAFE.values(), ids=UNSAFE)
def test_an_unsafe_archive_is_refused_before_anything_is_written(tmp_path: Path, archive: bytes) -> None:
    (tmp_path / "artifact").write_bytes(archive)
    with pytest.raises(Refused, match=r"the archive (is not safe|cannot be read)"):
        unpack(tmp_path / "artifact", tmp_path / "release", BY_NAME)
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


@loopback
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_with_an_unsafe_archive_the_slot_is_not_touched(server: FakeServer, form: str) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    before = server.status_when_answering()
    for kind in (kind for kind in UNSAFE if kind.startswith("zip") == (form == "zip")):
        run = server.install(server.request("2.0.0", UNSAFE[kind]))
        assert (run.code, run.answer["result"]) == (1, "refused"), kind
        assert run.answer["why"].startswith(("the archive is not safe: ", "the archive cannot be read")), kind
        assert run.answer["why"].endswith("; blue was not touched and holds 1.0.0"), kind
        assert server.leftovers() == [], kind
    assert server.status() == before


@pytest.mark.parametrize("archive", [b"", b"GIF89a", good("1.0.0")[:200]], ids=["nothing", "other", "half"])
def test_what_is_no_archive_is_refused(tmp_path: Path, archive: bytes) -> None:
    (tmp_path / "artifact").write_bytes(archive)
    with pytest.raises(Refused, match="the archive cannot be read"):
        unpack(tmp_path / "artifact", tmp_path / "release", BY_NAME)


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (tar_member("bin/start", mode=0o644), "bin/start is not executable"),
        (tar_member("bin/start", mode=0o755, type=tarfile.DIRTYPE), "it has no bin/start"),
    ],
    ids=["not executable", "a folder"],
)
def test_a_bin_start_that_cannot_be_executed_is_refused_before_anything_is_written(
    tmp_path: Path, start: tarfile.TarInfo, why: str
) -> None:
    (tmp_path / "artifact").write_bytes(tar_of(start))
    with pytest.raises(Refused, match=f"the artifact cannot be started: {why}"):
        unpack(tmp_path / "artifact", tmp_path / "release", BY_NAME)
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_what_is_found_unsafe_is_named_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "artifact").write_bytes(UNSAFE["control sign"])
    with pytest.raises(Refused, match=re.escape(r"'a\nb' holds a control character")):
        unpack(tmp_path / "artifact", tmp_path / "release", BY_NAME)


def entries(count: int, size: int) -> Opened:
    return ((Member(f"f{number}", "file", size, 0o644), lambda: None) for number in range(count))


@pytest.mark.parametrize(("count", "size"), [(100_001, 0), (3, 1 << 30)], ids=["too many", "too large together"])
def test_a_bomb_of_many_entries_is_refused(count: int, size: int) -> None:
    with pytest.raises(Unusable, match="the archive is not safe"):
        safe_members(entries(count, size))


def test_a_bomb_is_not_read_to_its_end() -> None:
    read = entries(1000, 1 << 30)
    with pytest.raises(Unusable):
        safe_members(read)
    assert next(read)[0].name == "f3"


def test_a_zip_that_holds_less_than_it_claims_is_refused(tmp_path: Path) -> None:
    (tmp_path / "artifact").write_bytes(lying_zip(1000))
    with pytest.raises(Refused, match="cannot be read"):
        unpack(tmp_path / "artifact", tmp_path / "release", BY_NAME)


def test_a_safe_archive_is_written_with_plain_modes(tmp_path: Path) -> None:
    folders = [tar_member(name, type=tarfile.DIRTYPE, mode=0o700) for name in ("./", "./bin/", "./empty/")]
    files = [tar_member("./bin/start", mode=0o6755 & 0o755), tar_member("./lib/ü", mode=0o600)]
    (tmp_path / "artifact").write_bytes(tar_of(*folders, *files))
    unpack(tmp_path / "artifact", tmp_path / "release", BY_NAME)
    release = tmp_path / "release"
    assert {str(path.relative_to(release)) for path in release.rglob("*")} == {
        "bin",
        "bin/start",
        "empty",
        "lib",
        "lib/ü",
    }
    assert os.access(release / "bin" / "start", os.X_OK)
    assert stat.S_IMODE((release / "lib" / "ü").stat().st_mode) & 0o111 == 0
