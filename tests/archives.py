"""Archives that a builder never makes: what row 17 of the faults lists, byte by byte."""

import gzip
import io
import re
import stat
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

START = b"#!/bin/sh\n"


@dataclass(frozen=True, kw_only=True)
class Member:
    """An entry of a tar: `claims` is the size in its header, where it is not that of its bytes."""

    name: str
    data: bytes = b""
    type: bytes = tarfile.REGTYPE
    mode: int = 0o644
    link: str = ""
    claims: int | None = None
    pax: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """An entry of a zip: `mode` is what Unix tools write beside it, kind and permissions."""

    name: str
    data: bytes = b""
    mode: int = stat.S_IFREG | 0o644
    method: int = zipfile.ZIP_STORED


def tar_gz(members: Iterable[Member], *, form: Literal[0, 1, 2] = tarfile.PAX_FORMAT, start: bool = True) -> bytes:
    """The members behind a bin/start, header by header: tarfile would not write most of them."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as file:
        first = Member(name="bin/start", data=START, mode=0o755)
        for member in (*[first][: int(start)], *members):
            info = tarfile.TarInfo(member.name)
            info.type, info.mode, info.linkname = member.type, member.mode, member.link
            info.size = len(member.data) if member.claims is None else member.claims
            info.pax_headers = dict(member.pax)
            file.write(info.tobuf(form, errors="surrogateescape"))
            file.write(member.data + bytes(-len(member.data) % 512))
        file.write(bytes(1024))
    return buffer.getvalue()


def zipped(entries: Iterable[Packed], *, start: bool = True) -> bytes:
    """The entries, with names and modes as they are given, behind a bin/start."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        first = Packed(name="bin/start", data=START, mode=stat.S_IFREG | 0o755)
        for entry in (*[first][: int(start)], *entries):
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.external_attr, info.compress_type = entry.name, entry.mode << 16, entry.method
            archive.writestr(info, entry.data)
    return buffer.getvalue()


def with_size(archive: bytes, name: str, size: int, *, checked: int | None = None) -> bytes:
    """A zip whose list at the end says another size of one entry, and has the checksum of so many bytes."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        beginning = opened.read(name)[: size if checked is None else checked]
    return _patched(archive, name, 24, struct.pack("<I", size), 16, struct.pack("<I", zlib.crc32(beginning)))


def with_flag(archive: bytes, name: str, flag: int) -> bytes:
    """A zip one entry of which says that it is encrypted, or whatever the flag means."""
    return _patched(archive, name, 8, struct.pack("<H", flag))


def named_otherwise_inside(archive: bytes, name: str, other: str) -> bytes:
    """A zip whose entry has one name in the list and another, as long, before its bytes."""
    return archive.replace(name.encode(), other.encode(), 1)


def long_name(name: str, member: Member) -> list[Member]:
    """A member with a name in GNU's way: an entry of its own before it."""
    return [
        Member(name="././@LongLink", type=tarfile.GNUTYPE_LONGNAME, data=name.encode() + b"\0"),
        member,
    ]


def truncated_last(members: Iterable[Member]) -> bytes:
    """A tar that ends in the middle of its last member's bytes."""
    whole = gzip.decompress(tar_gz(members))
    return gzip.compress(whole[:-1536], mtime=0)


def _patched(archive: bytes, name: str, *changes: int | bytes) -> bytes:
    data = bytearray(archive)
    places = [found.start() for found in re.finditer(b"PK\x01\x02", archive)]
    place = next(at for at in places if data[at + 46 : at + 46 + len(name.encode())] == name.encode())
    for offset, value in zip(changes[::2], changes[1::2], strict=True):
        assert isinstance(offset, int)
        assert isinstance(value, bytes)
        data[place + offset : place + offset + len(value)] = value
    return bytes(data)


GOOD = tar_gz([Member(name="a", data=b"a" * 600)])
GOOD_ZIP = zipped([Packed(name="a", data=b"a")])
SYMLINK = stat.S_IFLNK | 0o777
ZEROS = bytes(100_000)

UNSAFE: dict[str, bytes] = {
    "path escape": tar_gz([Member(name="../x")]),
    "path escape inside": tar_gz([Member(name="a/../../x")]),
    "path escape by pax": tar_gz([Member(name="innocent", pax={"path": "../x"})]),
    "absolute by pax": tar_gz([Member(name="innocent", pax={"path": "/etc/x"})]),
    "NUL by pax": tar_gz([Member(name="innocent", pax={"path": "a\0/../x"})]),
    "line end by pax": tar_gz([Member(name="innocent", pax={"path": "a\nb"})]),
    "path escape by long name": tar_gz(long_name("../" * 40 + "x", Member(name="innocent"))),
    "file with the name of a folder": tar_gz(long_name("x" * 120 + "/", Member(name="x"))),
    "absolute": tar_gz([Member(name="/x")]),
    "drive": tar_gz([Member(name="C:x")]),
    "backslash": tar_gz([Member(name="a\\..\\x")]),
    "empty part": tar_gz([Member(name="a//x")]),
    "dot as a part": tar_gz([Member(name="a/./x")]),
    "empty name": tar_gz([Member(name="")]),
    "only dots": tar_gz([Member(name="..")]),
    "not text": tar_gz([Member(name="a\udcff")], form=tarfile.GNU_FORMAT),
    "turned around": tar_gz([Member(name="a\u202eexe.sh")]),
    "line separator": tar_gz([Member(name="a\u2028b")]),
    "duplicate": tar_gz([Member(name="a"), Member(name="a")]),
    "duplicate by dot": tar_gz([Member(name="a"), Member(name="./a")]),
    "below a file": tar_gz([Member(name="bin/start/x")]),
    "file over a folder": tar_gz([Member(name="bin")]),
    "symbolic link": tar_gz([Member(name="l", type=tarfile.SYMTYPE, link="/etc")]),
    "file through a symbolic link": tar_gz(
        [Member(name="l", type=tarfile.SYMTYPE, link="/tmp"), Member(name="l/x", data=b"x")]
    ),
    "hard link out": tar_gz([Member(name="l", type=tarfile.LNKTYPE, link="../x")]),
    "hard link by a symbolic link": tar_gz(
        [Member(name="l", type=tarfile.SYMTYPE, link="bin"), Member(name="h", type=tarfile.LNKTYPE, link="l/start")]
    ),
    "link out by a link that leads up": tar_gz(
        [
            Member(name="a/up", type=tarfile.SYMTYPE, link=".."),
            Member(name="l", type=tarfile.SYMTYPE, link="a/up/../x"),
        ]
    ),
    "character device": tar_gz([Member(name="d", type=tarfile.CHRTYPE)]),
    "block device": tar_gz([Member(name="d", type=tarfile.BLKTYPE)]),
    "FIFO": tar_gz([Member(name="d", type=tarfile.FIFOTYPE)]),
    "contiguous file": tar_gz([Member(name="d", type=tarfile.CONTTYPE)]),
    "unknown kind": tar_gz([Member(name="d", type=b"Z")]),
    "sparse by pax": tar_gz(
        [Member(name="s", pax={"GNU.sparse.map": "0,1", "GNU.sparse.size": "1073741824", "GNU.sparse.numblocks": "1"})]
    ),
    "set-uid": tar_gz([Member(name="s", mode=0o4755)]),
    "set-gid": tar_gz([Member(name="s", mode=0o2755)]),
    "size by pax": tar_gz([Member(name="s", data=b"x" * 512, pax={"size": str(3 << 30)})]),
    "huge file": tar_gz([Member(name="s", claims=(1 << 30) + 1)]),
    "negative size": tar_gz([Member(name="s", claims=-512)], form=tarfile.GNU_FORMAT),
    "huge header": tar_gz([Member(name="././@LongLink", type=tarfile.GNUTYPE_LONGNAME, claims=1 << 30)]),
    "without an end": gzip.compress(gzip.decompress(GOOD)[:-1024], mtime=0),
    "a damaged header": gzip.compress(gzip.decompress(GOOD).replace(b"a\0", b"b\0", 1), mtime=0),
    "another checksum": GOOD[:-8] + bytes(4) + GOOD[-4:],
    "without its checksum": GOOD[:-8],
    "something behind": GOOD + b"x",
    "two archives": GOOD + GOOD,
    "zip with something behind": GOOD_ZIP + b"x",
    "zip behind another one": GOOD_ZIP + GOOD_ZIP,
    "zip with a name in another encoding": zipped([Packed(name="\xe9", data=b"x")]).replace(b"\xc3\xa9", b"\x82 "),
    "cut short": truncated_last([Member(name="s", data=b"x" * 4096)]),
    "name too long": tar_gz([Member(name="x" * 256)]),
    "path too deep": tar_gz([Member(name="/".join(["deep"] * 300))]),
    "too many": tar_gz(Member(name=f"f{number}") for number in range(50_001)),
    "zip path escape": zipped([Packed(name="../x")]),
    "zip absolute": zipped([Packed(name="/x")]),
    "zip drive": zipped([Packed(name="C:x")]),
    "zip backslash": zipped([Packed(name="..\\x")]),
    "zip NUL": zipped([Packed(name="ok\0/../x")]),
    "zip empty name": zipped([Packed(name="")]),
    "zip duplicate": zipped([Packed(name="x"), Packed(name="x")]),
    "zip symbolic link": zipped([Packed(name="l", data=b"/etc", mode=SYMLINK)]),
    "zip folder that is a link": zipped([Packed(name="l/", data=b"/etc", mode=SYMLINK)]),
    "zip file with the name of a folder": zipped([Packed(name="f/", data=b"x")]),
    "zip device": zipped([Packed(name="d", mode=stat.S_IFCHR | 0o644)]),
    "zip FIFO": zipped([Packed(name="d", mode=stat.S_IFIFO | 0o644)]),
    "zip socket": zipped([Packed(name="d", mode=stat.S_IFSOCK | 0o644)]),
    "zip set-uid": zipped([Packed(name="s", mode=stat.S_IFREG | 0o4755)]),
    "zip set-gid": zipped([Packed(name="s", mode=stat.S_IFREG | 0o2755)]),
    "zip encrypted": with_flag(zipped([Packed(name="s", data=b"x")]), "s", 0x1),
    "zip packed by another method": zipped([Packed(name="s", data=b"x" * 99, method=zipfile.ZIP_LZMA)]),
    "zip says less than it holds": with_size(
        zipped([Packed(name="bomb", data=ZEROS, method=zipfile.ZIP_DEFLATED)]), "bomb", 10
    ),
    "zip says less, with the checksum of what is read": with_size(
        zipped([Packed(name="bomb", data=ZEROS, method=zipfile.ZIP_DEFLATED)]), "bomb", 10, checked=11
    ),
    "zip says less than it stores": with_size(zipped([Packed(name="bomb", data=ZEROS)]), "bomb", 10),
    "zip says more than it holds": with_size(zipped([Packed(name="s", data=b"x")]), "s", 1000),
    "zip huge": with_size(zipped([Packed(name="s", data=b"x")]), "s", (1 << 30) + 1),
    "zip huge together": with_size(
        with_size(with_size(zipped([Packed(name=name, data=b"x") for name in "abc"]), "a", 1 << 30), "b", 1 << 30),
        "c",
        1 << 30,
    ),
    "zip with two names for one entry": named_otherwise_inside(
        zipped([Packed(name="name", data=b"x")]), "name", "../x"
    ),
}


def suffix(archive: bytes) -> str:
    """What the name of such an archive ends with."""
    return ".zip" if archive.startswith(b"PK") else ".tar.gz"
