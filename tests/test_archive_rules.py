"""One rule on both sides: what `release publish` stores can be unpacked on a server, and what it refuses cannot."""

import importlib.util
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from release import archive as publishing
from release.archive import inspect_artifact
from release.errors import Refused

SLOT = Path(__file__).parents[1] / "components" / "host" / "slot.py"
START = ("bin/start", tarfile.REGTYPE, 0o755)


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


def archive(folder: Path, *entries: tuple[str, bytes, int]) -> Path:
    path = folder / "app.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, mode in entries:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.linkname = kind, mode, "bin/start"
            tar.addfile(info, io.BytesIO())
    return path


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(("../x", tarfile.REGTYPE, 0o644), id="path-escape"),
        pytest.param(("/x", tarfile.REGTYPE, 0o644), id="absolute"),
        pytest.param(("a\\b", tarfile.REGTYPE, 0o644), id="backslash"),
        pytest.param(("a\nb", tarfile.REGTYPE, 0o644), id="control-character"),
        pytest.param(("BIN/START", tarfile.REGTYPE, 0o644), id="case-clash"),
        pytest.param(("bin/start", tarfile.REGTYPE, 0o755), id="duplicate"),
        pytest.param(("bin/start/x", tarfile.REGTYPE, 0o644), id="file-as-folder"),
        pytest.param(("link", tarfile.SYMTYPE, 0o777), id="symbolic-link"),
        pytest.param(("link", tarfile.LNKTYPE, 0o644), id="hard-link"),
        pytest.param(("device", tarfile.CHRTYPE, 0o644), id="device"),
        pytest.param(("pipe", tarfile.FIFOTYPE, 0o644), id="pipe"),
        pytest.param(("tool", tarfile.REGTYPE, 0o4755), id="set-uid"),
        pytest.param(("tool", tarfile.REGTYPE, 0o2755), id="set-gid"),
    ],
)
def test_what_one_side_refuses_the_other_refuses(
    server: ModuleType, tmp_path: Path, entry: tuple[str, bytes, int]
) -> None:
    """Row 17."""
    path = archive(tmp_path, START, entry)
    with pytest.raises(Refused):
        inspect_artifact(path)
    with pytest.raises(server.Refused):
        server.unpack(path, tmp_path / "release")


def test_what_is_published_can_be_unpacked(server: ModuleType, tmp_path: Path) -> None:
    path = archive(tmp_path, START, ("lib", tarfile.DIRTYPE, 0o755), ("lib/a.py", tarfile.REGTYPE, 0o644))
    assert inspect_artifact(path).digest
    server.unpack(path, tmp_path / "release")
    assert (tmp_path / "release" / "lib" / "a.py").is_file()


def test_the_limits_of_publishing_are_within_those_of_the_server(server: ModuleType) -> None:
    assert publishing.MOST_ENTRIES <= server.ENTRIES_LIMIT
    assert publishing.MOST_ENTRY_BYTES <= server.ENTRY_LIMIT
    assert publishing.MOST_BYTES <= server.UNPACKED_LIMIT
