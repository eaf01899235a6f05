"""On both sides: what `release publish` stores is unpacked on a server, inside its folder, and what one of the two
refuses the other refuses too.
"""

import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.commands import BY_NAME
from contract.unpacking import Unusable, unpack
from release.process.errors import Refused
from release.records.artifacts.archive import inspect_artifact
from tests.archives import UNSAFE, Member, Packed, suffix, tar_gz, with_size, zipped
from tests.components.host.installer.test_artifact import UNSAFE as UNSAFE_ON_SERVERS

EVERY_UNSAFE = {**UNSAFE, **{f"server's {name}": archive for name, archive in UNSAFE_ON_SERVERS.items()}}


def room(folder: Path, size: int) -> None:
    """As much as is asked for."""


def stored(folder: Path, archive: bytes) -> Path:
    path = folder / f"app{suffix(archive)}"
    path.write_bytes(archive)
    return path


def is_published(path: Path) -> bool:
    try:
        inspect_artifact(path)
    except Refused:
        return False
    return True


def is_unpacked(path: Path) -> bool:
    try:
        unpack(path, path.parent / "release", BY_NAME, room)
    except Unusable:
        return False
    return True


@pytest.mark.parametrize("archive", EVERY_UNSAFE.values(), ids=EVERY_UNSAFE)
def test_row_17_what_is_unsafe_is_refused_before_anything_is_stored(tmp_path: Path, archive: bytes) -> None:
    with pytest.raises(Refused):
        inspect_artifact(stored(tmp_path, archive))


@pytest.mark.parametrize("archive", UNSAFE.values(), ids=UNSAFE)
def test_row_17_what_is_unsafe_is_refused_by_the_server_too(tmp_path: Path, archive: bytes) -> None:
    path = stored(tmp_path, archive)
    with pytest.raises(Unusable, match=r"the archive (is not safe|cannot be read)"):
        unpack(path, tmp_path / "release", BY_NAME, room)
    assert [found for found in tmp_path.rglob("*") if found.name == "x"] == []


SAFE = {
    "files and folders": tar_gz([Member(name="lib", type=tarfile.DIRTYPE, mode=0o755), Member(name="lib/a.py")]),
    "the folder itself": tar_gz([Member(name="./", type=tarfile.DIRTYPE), Member(name="./lib/a.py", data=b"a")]),
    "a folder after its file": tar_gz([Member(name="lib/a"), Member(name="lib", type=tarfile.DIRTYPE)]),
    "a long name": tar_gz([Member(name="lib/" + "x" * 200)], form=tarfile.GNU_FORMAT),
    "a long name by pax": tar_gz([Member(name="lib/" + "ü" * 100)]),
    "many bytes": tar_gz([Member(name="data", data=bytes(3_000_000))]),
    "a folder twice, set-gid": tar_gz([Member(name="a/", type=tarfile.DIRTYPE, mode=0o2775)] * 2),
    "names that differ in case": tar_gz([Member(name="META-INF/LICENSE"), Member(name="META-INF/license/x")]),
    "names that are composed otherwise": tar_gz([Member(name="é"), Member(name="e\u0301")]),
    "a hard link": tar_gz([Member(name="l", type=tarfile.LNKTYPE, link="./bin/start")]),
    "a link": tar_gz([Member(name="lib/l", type=tarfile.SYMTYPE, link="../bin")]),
    "zip with a link": zipped([Packed(name="l", data=b"bin/start", mode=stat.S_IFLNK | 0o777)]),
    "nothing but spaces": tar_gz([Member(name=" ")]),
    "zip": zipped([Packed(name="lib/", mode=stat.S_IFDIR | 0o755), Packed(name="lib/a.py", data=b"a")]),
    "zip deflated": zipped([Packed(name="data", data=bytes(100_000), method=zipfile.ZIP_DEFLATED)]),
    "zip without modes": zipped([Packed(name="lib/a.py", mode=0)]),
}


@pytest.mark.parametrize("archive", SAFE.values(), ids=SAFE)
def test_what_is_safe_is_published_and_unpacked(tmp_path: Path, archive: bytes) -> None:
    path = stored(tmp_path, archive)
    assert is_published(path)
    assert is_unpacked(path)


PARTS = st.sampled_from(["a", "A", "b", "..", ".", "", "é", "e\u0301", "bin", "start", "x" * 200, "C:", "\u202e", "\0"])
NAMES = st.one_of(
    st.lists(PARTS, min_size=1, max_size=4).map("/".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
KINDS = st.sampled_from([tarfile.REGTYPE] * 6 + [tarfile.DIRTYPE] * 3 + [tarfile.SYMTYPE, tarfile.LNKTYPE, b"Z", b"S"])
MODES = st.sampled_from([0o644] * 6 + [0o755, 0, 0o4755, 0o2644])
ZIP_KINDS = st.sampled_from([0] * 3 + [stat.S_IFREG] * 4 + [stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO])
DATA = st.binary(max_size=40)


@st.composite
def members(draw: st.DrawFn) -> Member:
    kind, data = draw(KINDS), draw(DATA)
    pax = {"path": name} if draw(st.integers(0, 5)) == 0 and (name := draw(NAMES)) else {}
    return Member(
        name=draw(NAMES).replace("\0", "_"),
        data=data if kind == tarfile.REGTYPE else b"",
        type=kind,
        mode=draw(MODES),
        link=draw(st.sampled_from(["bin/start", "a", "b/..", "../x", "..", "/etc", "a/../.."])),
        claims=draw(st.sampled_from([None] * 8 + [0, 1, 700, 1 << 31])) if kind == tarfile.REGTYPE else None,
        pax=pax,
    )


@st.composite
def packed(draw: st.DrawFn) -> Packed:
    return Packed(
        name=draw(NAMES),
        data=draw(DATA),
        mode=draw(ZIP_KINDS) | draw(MODES),
        method=draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])),
    )


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    entries = draw(st.lists(packed(), max_size=4))
    archive = zipped(entries)
    resized: bool = draw(st.booleans())
    if entries and resized and (name := entries[0].name) and "\0" not in name and entries[0].data:
        names = [entry.name for entry in entries]
        if names.count(name) == 1 and entries[0].method != zipfile.ZIP_BZIP2:
            return with_size(archive, name, draw(st.integers(0, 60)))
    return archive


@given(st.one_of(st.lists(members(), max_size=4).map(tar_gz), zips()))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_row_17_both_sides_agree_on_any_archive_and_nothing_lands_outside(archive: bytes) -> None:
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside) / "deep" / "folder"
        folder.mkdir(parents=True)
        path = stored(folder, archive)
        published = is_published(path)
        assert is_unpacked(path) == published
        found = [one for one in Path(outside).rglob("*") if one not in (path, folder, folder.parent)]
        release = folder / "release"
        assert all(one.is_relative_to(release) and one.resolve().is_relative_to(release.resolve()) for one in found)
