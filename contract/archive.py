"""Archives, read with care: no header is believed that asks for much memory, and one that is not whole is none.

`opened` gives the members of a `.tar.gz` or of a zip, and `blocks` reads one of them, which has to be as long as it
says. What may be unpacked of that is said in `contract.safety`, and what an artifact is in `contract.package`. Nothing
is written here.

Whole means: nothing before, nothing behind, and every checksum right. tarfile takes a damaged header for the end, and
zipfile looks for the last list there is, so neither would notice an archive that was cut, or two of them in one file.
"""

from __future__ import annotations

import copy
import gzip
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

LONGEST_HEADER = 1 << 20  # bytes of a tar header's extension: real ones have a few hundred
LONGEST_TARGET = 1000  # bytes of where a link leads
BLOCK = 1 << 20

FILE, FOLDER, LINK, HARD_LINK = "file", "folder", "symbolic link", "hard link"

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
ZIP_END = b"PK\x05\x06"
ZIP_END_LENGTH = 22
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED, UTF_8 = 0x1, 0x800
UNIX = (3, 19)  # systems that write permissions into a zip: elsewhere the same bits mean nothing
UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    gzip.BadGzipFile,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
)
"""What is raised while an archive is read that is broken or none."""


@dataclass(frozen=True)
class Member:
    """One member of an archive: its name as written, kind, unpacked size in bytes and permission bits.

    `target` is where a link leads, as it is written.
    """

    name: str
    kind: str  # FILE, FOLDER, LINK, HARD_LINK, or what it is instead
    size: int
    mode: int
    target: str = ""

    @property
    def path(self) -> str:
        """The name as it will be written: without the leading and trailing marks that archivers add."""
        return plain_path(self.name)

    @property
    def is_root(self) -> bool:
        """Whether it is the folder itself that everything is unpacked into."""
        return self.kind == FOLDER and self.path in ("", ".")

    @property
    def is_executable(self) -> bool:
        """Whether its owner may run it."""
        return bool(self.mode & stat.S_IXUSR)


Opened = Iterator["tuple[Member, Callable[[], IO[bytes] | None]]"]


def plain_path(name: str) -> str:
    """A name without the leading and trailing marks that archivers add."""
    return (name[2:] if name.startswith("./") else name).rstrip("/")


def tar_members(path: Path) -> Opened:
    """Each member, and how to open it before the next one is asked for. Raises what UNREADABLE names, and OSError."""
    # Names are UTF-8 wherever this runs; what is none shows by halves of signs, which no path may hold.
    how = {"mode": "r:", "encoding": "utf-8", "errors": "surrogateescape"}
    with CautiousGzip(path) as stream, tarfile.open(fileobj=stream, **how) as archive:  # type: ignore[call-overload]  # texts, all of them
        for member in archive:
            yield _tar_member(member), partial(archive.extractfile, member)
        _require_end(stream)


def zip_members(path: Path) -> Opened:
    """The same of a zip."""
    with zipfile.ZipFile(path) as archive:
        _require_alone(path, archive)
        for info in archive.infolist():
            yield _zip_member(archive, info), partial(archive.open, _longer(info))


def blocks(member: Member, source: IO[bytes] | None) -> Iterator[bytes]:
    """What a member holds, block by block; EOFError when its header lies about its length."""
    length = 0
    while block := source.read(BLOCK) if source else b"":
        length += len(block)
        yield block
    if length != member.size:
        more = "more" if length > member.size else "fewer"
        raise EOFError(f"{shown(member.name)} has {more} bytes than the {member.size} that it says")


def shown(name: str) -> str:
    """A name from an archive, as it may stand in a line."""
    return ascii(name[:100])


class CautiousGzip(gzip.GzipFile):
    """Never reads much at once: a tar header that claims gigabytes must not fill the memory.

    `last` is what was read last: where a tar ends, that is the header which tarfile took for its end.
    """

    last = b""

    def read(self, size: int | None = -1) -> bytes:
        """Read like any file, up to LONGEST_HEADER bytes at a time."""
        if size is None or not 0 <= size <= LONGEST_HEADER:
            raise tarfile.ReadError("a header is too large")
        self.last = super().read(size)
        return self.last


def _require_end(stream: CautiousGzip) -> None:
    """A tar ends with blocks of zeros, and gzip's checksum is compared by who reads to the end."""
    ended = bool(stream.last)
    while ended and not any(stream.last):
        if not stream.read(BLOCK):
            return
    raise EOFError("it was cut, or holds more than one archive" if ended else "it was cut: its end is missing")


def _tar_member(member: tarfile.TarInfo) -> Member:
    return Member(member.name, _tar_kind(member), member.size, member.mode, member.linkname)


def _tar_kind(member: tarfile.TarInfo) -> str:
    kinds = {
        tarfile.REGTYPE: FILE,
        tarfile.AREGTYPE: FILE,
        tarfile.DIRTYPE: FOLDER,
        tarfile.SYMTYPE: LINK,
        tarfile.LNKTYPE: HARD_LINK,
        tarfile.FIFOTYPE: "named pipe",
    }
    return "sparse file" if member.issparse() else kinds.get(member.type, "device, or something else that is no file")


def _require_alone(path: Path, archive: zipfile.ZipFile) -> None:
    first = min((info.header_offset for info in archive.infolist()), default=0)
    with path.open("rb") as file:
        file.seek(-ZIP_END_LENGTH - len(archive.comment), os.SEEK_END)
        end = file.read(ZIP_END_LENGTH)
    if first or not end.startswith(ZIP_END) or int.from_bytes(end[-2:], "little") != len(archive.comment):
        raise zipfile.BadZipFile("there is something before its first entry, or behind its end")


def _longer(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """The member as if it said one byte more: zipfile reads as much as it says, and hides what lies beyond."""
    longer = copy.copy(info)
    longer.file_size += 1
    return longer


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    """Judged by the name that stands in the archive: zipfile cuts names at NUL, and newer ones read a second name.

    Where nobody wrote permissions down, as `jar` and Windows do, everything counts as executable.
    """
    mode = info.external_attr >> 16
    permissions = stat.S_IMODE(mode)
    kind = _zip_kind(info, mode)
    target = _zip_target(archive, info) if kind == LINK else ""
    if not permissions or info.create_system not in UNIX:
        permissions = stat.S_IRWXU
    return Member(info.orig_filename, kind, info.file_size, permissions, target)


def _zip_target(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Where a link leads, which is what it holds."""
    if info.file_size > LONGEST_TARGET:
        raise zipfile.BadZipFile(f"{shown(info.orig_filename)} is a link to a place that is too far away")
    with archive.open(info) as source:
        return source.read(LONGEST_TARGET).decode("utf-8", "surrogateescape")


def _zip_kind(info: zipfile.ZipInfo, mode: int) -> str:
    if info.flag_bits & ENCRYPTED:
        return "encrypted file"
    if info.compress_type not in PACKED:
        return f"file packed by method {info.compress_type}, which not every unpacker knows"
    if not info.flag_bits & UTF_8 and not info.orig_filename.isascii():
        return "file whose name is not marked as UTF-8"
    kinds = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK, stat.S_IFIFO: "named pipe"}
    stated = stat.S_IFMT(mode)
    if not stated:
        return FOLDER if info.filename.endswith("/") else FILE  # is_dir() fails on an empty name
    return kinds.get(stated, "device, or something else that is no file")
