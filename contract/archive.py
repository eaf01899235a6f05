"""What an artifact may contain: one set of rules for who stores it and for who unpacks it.

`opened` reads an archive with care: no header is believed that asks for much memory. `faults` says what makes its
members unsafe to unpack: names that leave the folder, that are there twice or clash, links, devices, set-uid bits, and
more members or bytes than an application has (bombs). `start_faults` says whether it can be started. `blocks` reads one
member, which has to be as long as it says. Nothing is written here.
"""

from __future__ import annotations

import copy
import gzip
import re
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from contract.layout import MIGRATE, SEED, START

# Far above real artifacts, far below what fills a disk or the memory.
MOST_ENTRIES = 50_000
MOST_BYTES = 2 << 30
MOST_ENTRY_BYTES = 1 << 30
LONGEST_HEADER = 1 << 20  # bytes of a tar header's extension: real ones have a few hundred
LONGEST_PATH = 1000  # bytes
LONGEST_NAME = 255  # bytes of one part of a path: what file systems take
UNWANTED_SIGNS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, invisible signs, halves of signs, line ends
BLOCK = 1 << 20

FILE, FOLDER = "file", "folder"

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
SUFFIXES = {".tar.gz": GZIP, ".zip": ZIP, ".jar": ZIP}
"""How an artifact's name may end, and how its bytes begin then."""

PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    ValueError,
    RuntimeError,
)
"""What is raised while an archive is read that is broken or none."""


class NoArchive(ValueError):
    """It does not begin like an archive of any kind that is known."""


@dataclass(frozen=True)
class Member:
    """One member of an archive: its name as written, kind, unpacked size in bytes and permission bits."""

    name: str
    kind: str  # FILE, FOLDER, or what it is instead
    size: int
    mode: int

    @property
    def path(self) -> str:
        """The name as it will be written: without the leading and trailing marks that archivers add."""
        name = self.name[2:] if self.name.startswith("./") else self.name
        return name.rstrip("/")

    @property
    def is_root(self) -> bool:
        """Whether it is the folder itself that everything is unpacked into."""
        return self.kind == FOLDER and self.path in ("", ".")

    @property
    def is_executable(self) -> bool:
        """Whether its owner may run it."""
        return bool(self.mode & stat.S_IXUSR)


Opened = Iterator["tuple[Member, Callable[[], IO[bytes] | None]]"]


def opened(path: Path) -> Opened:
    """Each member, and how to open it before the next one is asked for. Raises what UNREADABLE names, and OSError."""
    with path.open("rb") as file:
        beginning = file.read(len(ZIP))
    if beginning.startswith(GZIP):
        return _tar(path)
    if beginning == ZIP:
        return _zip(path)
    raise NoArchive(f"it does not begin like a {' or '.join(SUFFIXES)}")


def blocks(member: Member, source: IO[bytes] | None) -> Iterator[bytes]:
    """What a member holds, block by block; EOFError when its header lies about its length."""
    length = 0
    while block := source.read(BLOCK) if source else b"":
        length += len(block)
        yield block
    if length != member.size:
        more = "more" if length > member.size else "fewer"
        raise EOFError(f"{_shown(member)} has {more} bytes than the {member.size} that it says")


def faults(members: Iterable[Member]) -> Iterator[str]:
    """What makes these members unsafe to unpack, one sentence each, as they are read.

    A bomb is not read to its end: no member is asked for after the one that makes it too much.
    """
    taken: dict[str, tuple[str, str]] = {}
    total = 0
    for count, member in enumerate(members, start=1):
        total += max(member.size, 0)
        if too_much := _too_much(member, count, total):
            yield too_much
            return
        if not member.is_root:
            yield from _unsafe_kind(member)
            yield from _unsafe_path(member)
            yield from _clashes(member, taken)


def start_faults(members: Iterable[Member]) -> Iterator[str]:
    """Why a server could not start what these members are."""
    files = {member.path: member for member in members if member.kind == FILE}
    if START not in files:
        yield f"it has no {START}"
    for name in (START, MIGRATE, SEED):
        if name in files and not files[name].is_executable:
            yield f"{name} is not executable"


class CautiousGzip(gzip.GzipFile):
    """Never reads much at once: a tar header that claims gigabytes must not fill the memory."""

    def read(self, size: int | None = -1) -> bytes:
        """Read like any file, up to LONGEST_HEADER bytes at a time."""
        if size is None or not 0 <= size <= LONGEST_HEADER:
            raise tarfile.ReadError("a header is too large")
        return super().read(size)


def _tar(path: Path) -> Opened:
    with CautiousGzip(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            yield Member(member.name, _tar_kind(member), member.size, member.mode), partial(archive.extractfile, member)


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


def _zip(path: Path) -> Opened:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield _zip_member(info), partial(archive.open, _longer(info))


def _longer(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """The member as if it said one byte more: zipfile reads as much as it says, and hides what lies beyond."""
    longer = copy.copy(info)
    longer.file_size += 1
    return longer


def _zip_member(info: zipfile.ZipInfo) -> Member:
    """Judged by the name that stands in the archive: zipfile cuts names at NUL.

    `jar` records no mode at all, so what is in `bin/` counts as executable then.
    """
    mode = info.external_attr >> 16
    if mode == 0 and info.filename.startswith("bin/"):
        mode = stat.S_IXUSR
    return Member(info.orig_filename, _zip_kind(info, mode), info.file_size, stat.S_IMODE(mode))


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


def _too_much(member: Member, count: int, total: int) -> str:
    """What makes it a bomb; nothing where it is none."""
    if count > MOST_ENTRIES:
        return f"it has more than {MOST_ENTRIES} entries"
    if not 0 <= member.size <= MOST_ENTRY_BYTES:
        return f"{_shown(member)} has {member.size} bytes, {MOST_ENTRY_BYTES} are allowed for one file"
    return f"it unpacks to more than {MOST_BYTES} bytes" if total > MOST_BYTES else ""


def _unsafe_kind(member: Member) -> Iterator[str]:
    if member.kind not in (FILE, FOLDER):
        yield f"{_shown(member)} is a {member.kind}"
    if member.mode & (stat.S_ISUID | stat.S_ISGID):
        yield f"{_shown(member)} is set-uid or set-gid"


def _unsafe_path(member: Member) -> Iterator[str]:
    name, parts = member.name, member.path.split("/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        yield f"{_shown(member)} is not a relative path"
    if "\\" in name or any(unicodedata.category(sign) in UNWANTED_SIGNS for sign in name):
        yield f"{_shown(member)} holds a control character, or another sign that does not belong in a path"
    if ".." in parts:
        yield f"{_shown(member)} leaves the folder"
    elif "" in parts or "." in parts:
        yield f"{_shown(member)} has an empty part"
    if member.kind == FILE and name.endswith("/"):
        yield f"{_shown(member)} is a file with the name of a folder"
    if _length(name) > LONGEST_PATH or any(_length(part) > LONGEST_NAME for part in name.split("/")):
        yield f"{_shown(member)} is longer than file systems take"


def _clashes(member: Member, taken: dict[str, tuple[str, str]]) -> Iterator[str]:
    """No path twice, also not in another spelling, and nothing below a file. `taken` is filled as it goes."""
    parts = member.path.split("/")
    for length in range(1, len(parts)):
        parent = "/".join(parts[:length])
        known, kind = taken.setdefault(_spelling(parent), (parent, "parent"))
        if kind == FILE:
            yield f"{_shown(member)} lies in what is a file"
        elif known != parent:
            yield f"{_shown(member)} clashes with {known!a} where case or spelling does not count"
    there = taken.get(_spelling(member.path))
    if there and not (there == (member.path, "parent") and member.kind == FOLDER):
        yield f"{_shown(member)} is there twice, or clashes with {there[0]!a} where case or spelling does not count"
    taken[_spelling(member.path)] = (member.path, member.kind)


def _spelling(path: str) -> str:
    """What is one for a file system that knows no case, or composes signs differently."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _length(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _shown(member: Member) -> str:
    return ascii(member.name[:100])
