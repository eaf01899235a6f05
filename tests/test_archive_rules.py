"""One rule on both sides: what `release publish` stores is unpacked on a server, inside its folder, and what one of
the two refuses the other refuses too.
"""

import importlib.util
import stat
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from release.artifacts import entries as publishing
from release.artifacts.archive import inspect_artifact
from release.errors import Refused
from tests.archives import UNSAFE, Member, Packed, suffix, tar_gz, with_size, zipped
from tests.components.host.test_slot_archives import UNSAFE as UNSAFE_ON_SERVERS

SLOT = Path(__file__).parents[1] / "components" / "host" / "slot.py"
EVERY_UNSAFE = {**UNSAFE, **{f"server's {name}": archive for name, archive in UNSAFE_ON_SERVERS.items()}}


@pytest.fixture(scope="module")
def server() -> Iterator[ModuleType]:
    """The installer as a module."""
    spec = importlib.util.spec_from_file_location("slot_of_archive_rules", SLOT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


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


def is_unpacked(server: ModuleType, path: Path) -> bool:
    try:
        server.unpack(path, path.parent / "release")
    except server.Refused:
        return False
    return True


@pytest.mark.parametrize("archive", EVERY_UNSAFE.values(), ids=EVERY_UNSAFE)
def test_row_17_what_is_unsafe_is_refused_before_anything_is_stored(tmp_path: Path, archive: bytes) -> None:
    with pytest.raises(Refused):
        inspect_artifact(stored(tmp_path, archive))


@pytest.mark.parametrize("archive", UNSAFE.values(), ids=UNSAFE)
def test_row_17_what_is_unsafe_is_refused_by_the_server_too(server: ModuleType, tmp_path: Path, archive: bytes) -> None:
    path = stored(tmp_path, archive)
    with pytest.raises(server.Refused, match=r"the archive (is not safe|cannot be read)"):
        server.unpack(path, tmp_path / "release")
    assert [found for found in tmp_path.rglob("*") if found.name == "x"] == []


SAFE = {
    "files and folders": tar_gz([Member(name="lib", type=tarfile.DIRTYPE, mode=0o755), Member(name="lib/a.py")]),
    "the folder itself": tar_gz([Member(name="./", type=tarfile.DIRTYPE), Member(name="./lib/a.py", data=b"a")]),
    "a folder after its file": tar_gz([Member(name="lib/a"), Member(name="lib", type=tarfile.DIRTYPE)]),
    "a long name": tar_gz([Member(name="lib/" + "x" * 200)], form=tarfile.GNU_FORMAT),
    "a long name by pax": tar_gz([Member(name="lib/" + "ü" * 100)]),
    "many bytes": tar_gz([Member(name="data", data=bytes(3_000_000))]),
    "nothing but spaces": tar_gz([Member(name=" ")]),
    "zip": zipped([Packed(name="lib/", mode=stat.S_IFDIR | 0o755), Packed(name="lib/a.py", data=b"a")]),
    "zip deflated": zipped([Packed(name="data", data=bytes(100_000), method=zipfile.ZIP_DEFLATED)]),
    "zip without modes": zipped([Packed(name="lib/a.py", mode=0)]),
}


@pytest.mark.parametrize("archive", SAFE.values(), ids=SAFE)
def test_what_is_safe_is_published_and_unpacked(server: ModuleType, tmp_path: Path, archive: bytes) -> None:
    path = stored(tmp_path, archive)
    assert is_published(path)
    assert is_unpacked(server, path)


def test_both_sides_have_the_same_limits(server: ModuleType) -> None:
    assert publishing.MOST_ENTRIES == server.ENTRIES_LIMIT
    assert publishing.MOST_ENTRY_BYTES == server.ENTRY_LIMIT
    assert publishing.MOST_BYTES == server.UNPACKED_LIMIT
    assert publishing.LONGEST_PATH == server.PATH_LIMIT
    assert publishing.UNWANTED_SIGNS == server.UNWANTED_SIGNS


PARTS = st.sampled_from(["a", "A", "b", "..", ".", "", "é", "e\u0301", "bin", "start", "x" * 200, "C:", "\u202e", "\0"])
NAMES = st.one_of(
    st.lists(PARTS, min_size=1, max_size=4).map("/".join),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
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
        link="bin/start",
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
    if entries and draw(st.booleans()) and (name := entries[0].name) and "\0" not in name and entries[0].data:
        names = [entry.name for entry in entries]
        if names.count(name) == 1 and entries[0].method != zipfile.ZIP_BZIP2:
            return with_size(archive, name, draw(st.integers(0, 60)))
    return archive


@given(st.one_of(st.lists(members(), max_size=4).map(tar_gz), zips()))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_row_17_both_sides_agree_on_any_archive_and_nothing_lands_outside(server: ModuleType, archive: bytes) -> None:
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside) / "deep" / "folder"
        folder.mkdir(parents=True)
        path = stored(folder, archive)
        published = is_published(path)
        assert is_unpacked(server, path) == published
        found = [one for one in Path(outside).rglob("*") if one not in (path, folder, folder.parent)]
        assert all(one.is_relative_to(folder / "release") and not one.is_symlink() for one in found)
