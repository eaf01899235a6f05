"""The installer as one file: its package and what it needs of `contract`, packed as `python3` runs it.

Whoever declares an environment, from whatever checkout, packs the same bytes, or each `pulumi up` would copy another
installer: names in order, one time for all, nothing compressed (zlib's versions differ), and only what is named here.
It is written to `build/`, which git ignores, because what Pulumi copies to a server has to lie in a file.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).parents[2]
PACKAGE = Path("components/host/installer")
CONTRACT = (
    *("__init__", "archive", "artifacts", "commands", "configuration", "database", "health", "layout", "migration"),
    *("order", "package", "safety", "shebang", "slots", "unit", "unpacking"),
)
AROUND = {
    "__main__.py": b"import sys\n\nfrom components.host.installer.__main__ import main\n\nsys.exit(main())\n",
    "components/__init__.py": b"",
    "components/host/__init__.py": b"",
}
EARLIEST = (1980, 1, 1, 0, 0, 0)  # what a zip can say
UNIX, PLAIN_FILE = 3, 0o100644 << 16


@dataclass(frozen=True, kw_only=True)
class OneFile:
    """Where it lies, from the program's folder, as an absolute path would differ between checkouts; and its sha256."""

    path: str
    digest: str


def one_file(program: Path = PROGRAM) -> OneFile:
    """The installer of this checkout, written to its file. ValueError where that cannot be written."""
    path, content = "build/installer.pyz", packed(sources(program))
    put(program / path, content)
    return OneFile(path=path, digest=hashlib.sha256(content).hexdigest())


def sources(program: Path = PROGRAM) -> dict[str, bytes]:
    """What is put together, by the names that it is imported by."""
    return {**AROUND, **{file.as_posix(): (program / file).read_bytes() for file in _files(program)}}


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, the same wherever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, EARLIEST)
            info.create_system, info.external_attr = UNIX, PLAIN_FILE
            archive.writestr(info, files[name])
    return buffer.getvalue()


def put(file: Path, content: bytes) -> None:
    """Write a file that others may be reading or writing now: as a whole, and only where it is another one."""
    try:
        if file.is_file() and file.read_bytes() == content:
            return
        file.parent.mkdir(exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        raise ValueError(f"cannot write {file}: {error.strerror}; make it writable") from None


def _files(program: Path) -> Iterator[Path]:
    yield from (Path("contract", f"{name}.py") for name in CONTRACT)
    yield from (file.relative_to(program) for file in (program / PACKAGE).glob("*.py"))
