"""A look into an artifact before it is stored: is it safe to unpack, and does it keep the contract?

The whole archive is read once, nothing is written. What is unsafe, ``entries`` says: names that leave the folder, that
are there twice or clash, links, devices, set-uid bits, and more entries or bytes than an application has (bombs). Here
it is opened with care: no header is believed that asks for much memory, and every entry has to be as long as it says.
The contract: an executable ``bin/start``; optional ``smoke.json`` and ``release.json``.
"""

import copy
import gzip
import hashlib
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from release.artifacts.build import Build, parse_build
from release.artifacts.checksum import ONE_REQUEST, PART, parts_of
from release.artifacts.entries import FILE, FOLDER, MOST_BYTES, MOST_ENTRIES, MOST_ENTRY_BYTES, Entry, unsafe
from release.artifacts.manifest import Check, Parts, parse_checks
from release.errors import Refused
from release.text import read_json

MOST_TEXT_BYTES = 64 * 1024
HEADER_LIMIT = 1 << 20  # bytes of a tar header's extension: real ones have a few hundred
CHUNK = 1 << 20
TEXTS = ("smoke.json", "release.json")  # what is read and kept
UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)
SUFFIXES = {".tar.gz": b"\x1f\x8b", ".zip": b"PK\x03\x04", ".jar": b"PK\x03\x04"}
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
T = TypeVar("T")

Opened = Iterator[tuple[Entry, Callable[[], IO[bytes] | None]]]


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file that passed: its digest and size, its smoke checks, and what its build says of itself."""

    path: Path
    digest: str
    size: int
    parts: Parts | None
    checks: tuple[Check, ...]
    build: Build


@dataclass(frozen=True, kw_only=True)
class Content:
    """What was found in an archive: its entries, and the text files among them that mean something here."""

    entries: tuple[Entry, ...]
    texts: Mapping[str, bytes]


class CautiousGzip(gzip.GzipFile):
    """Never reads much at once: a tar header that claims gigabytes must not fill the memory."""

    def read(self, size: int | None = -1) -> bytes:
        """Read like any file, up to HEADER_LIMIT bytes at a time."""
        if size is None or not 0 <= size <= HEADER_LIMIT:
            raise tarfile.ReadError("a header is too large")
        return super().read(size)


def inspect_artifact(path: Path, *, one_request: int = ONE_REQUEST, part: int = PART) -> Artifact:
    """Read the archive at ``path``; Refused, with the first reason, when it must not be stored.

    More than ``one_request`` bytes are stored in parts of ``part`` bytes.
    """
    if not path.is_file():
        raise Refused(f"there is no file {path.name!r}", hint="give the path of the built artifact")
    content = _content(path)
    faults = [*unsafe(content.entries), *contract_faults(content.entries)]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Refused(f"{path.name} is refused: {faults[0]}{more}", hint="build it again; nothing was stored")
    size = path.stat().st_size
    return Artifact(
        path=path,
        digest=sha256_of(path),
        size=size,
        parts=parts_of(path, part) if size > one_request else None,
        checks=_parsed(content, "smoke.json", parse_checks, ()),
        build=_parsed(content, "release.json", parse_build, Build()),
    )


def contract_faults(entries: tuple[Entry, ...]) -> Iterator[str]:
    """Where these entries break the artifact's contract."""
    files = {entry.path: entry for entry in entries if entry.kind == FILE}
    if "bin/start" not in files:
        yield "it has no bin/start"
    for name in ("bin/start", "bin/migrate"):
        if name in files and not files[name].mode & stat.S_IXUSR:
            yield f"{name} is not executable"
    for name in TEXTS:
        if name in files and files[name].size > MOST_TEXT_BYTES:
            yield f"{name} has {files[name].size} bytes, {MOST_TEXT_BYTES} are allowed"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(path: Path) -> Content:
    suffix = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), None)
    if suffix is None:
        raise Refused(f"{path.name!r} is not an artifact", hint=f"build one of {', '.join(SUFFIXES)}")
    try:
        with path.open("rb") as file:
            if file.read(len(SUFFIXES[suffix])) != SUFFIXES[suffix]:
                raise EOFError(f"it does not begin like a {suffix}")
        return _walked(_tar(path) if suffix == ".tar.gz" else _zip(path))
    except UNREADABLE as error:
        raise Refused(f"{path.name} is not a readable archive: {error}", hint="build it again") from None


def _walked(opened: Opened) -> Content:
    """Every entry, read through. A bomb is not read to its end: ``unsafe`` names what made it stop."""
    entries: list[Entry] = []
    texts: dict[str, bytes] = {}
    total = 0
    for entry, source in opened:
        entries.append(entry)
        total += max(entry.size, 0)
        if total > MOST_BYTES or len(entries) > MOST_ENTRIES or not 0 <= entry.size <= MOST_ENTRY_BYTES:
            break
        if entry.kind == FILE:
            text = _read(entry, source())
            if entry.path in TEXTS:
                texts[entry.path] = text
    return Content(entries=tuple(entries), texts=texts)


def _read(entry: Entry, source: IO[bytes] | None) -> bytes:
    """Read an entry to its end, and give what it begins with; EOFError when its header lies about its length."""
    beginning, length = b"", 0
    while chunk := source.read(CHUNK) if source else b"":
        beginning, length = beginning or chunk, length + len(chunk)
    if length != entry.size:
        more = "more" if length > entry.size else "fewer"
        raise EOFError(f"{entry.name[:100]!a} has {more} bytes than the {entry.size} that it says")
    return beginning


def _tar(path: Path) -> Opened:
    with CautiousGzip(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            entry = Entry(name=member.name, kind=_tar_kind(member), size=member.size, mode=member.mode)
            yield entry, partial(archive.extractfile, member)


def _zip(path: Path) -> Opened:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield _zip_entry(info), partial(archive.open, _longer(info))


def _longer(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """The entry as if it said one byte more: zipfile reads as much as it says, and hides what lies beyond."""
    longer = copy.copy(info)
    longer.file_size += 1
    return longer


def _zip_entry(info: zipfile.ZipInfo) -> Entry:
    """Judged by the name that stands in the archive: zipfile cuts names at NUL. ``jar`` records no mode at all, so
    what is in ``bin/`` counts as executable then.
    """
    mode = info.external_attr >> 16
    if mode == 0 and info.filename.startswith("bin/"):
        mode = stat.S_IXUSR
    return Entry(name=info.orig_filename, kind=_zip_kind(info, mode), size=info.file_size, mode=stat.S_IMODE(mode))


def _tar_kind(member: tarfile.TarInfo) -> str:
    kinds = {
        tarfile.REGTYPE: FILE,
        tarfile.AREGTYPE: FILE,
        tarfile.DIRTYPE: FOLDER,
        tarfile.SYMTYPE: "symbolic link",
        tarfile.LNKTYPE: "hard link",
        tarfile.FIFOTYPE: "named pipe",
    }
    return "sparse file" if member.issparse() else kinds.get(member.type, "device, or something else that is no file")


def _zip_kind(info: zipfile.ZipInfo, mode: int) -> str:
    if info.flag_bits & ENCRYPTED:
        return "encrypted file"
    if info.compress_type not in PACKED:
        return f"file packed by method {info.compress_type}, which not every unpacker knows"
    kinds = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: "symbolic link", stat.S_IFIFO: "named pipe"}
    stated = stat.S_IFMT(mode)
    if not stated:
        return FOLDER if info.filename.endswith("/") else FILE  # is_dir() fails on an empty name
    return kinds.get(stated, "device, or something else that is no file")


def _parsed(content: Content, name: str, parse: Callable[[Any], T], default: T) -> T:
    if name not in content.texts:
        return default
    try:
        return parse(read_json(content.texts[name]))
    except ValueError as error:
        raise Refused(f"{name} is not JSON: {error}") from None
