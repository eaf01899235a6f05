"""What makes the members of an archive unsafe to unpack, one sentence each, with the usual way out.

Names that leave the folder, that are there twice or that servers cannot keep as they are; links that lead out, devices,
set-uid bits; and more members or bytes than an application has (bombs). Servers are Linux: names that differ in case
only are two names.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from contract.archive import FILE, FOLDER, HARD_LINK, LINK, LONGEST_TARGET, Member, plain_path, shown

# Far above real artifacts, far below what fills a disk or the memory.
MOST_ENTRIES = 50_000
MOST_BYTES = 2 << 30
MOST_ENTRY_BYTES = 1 << 30
MOST_LINKS = 16  # one after the other on the way to a file
LONGEST_PATH = 1000  # bytes
LONGEST_NAME = 255  # bytes of one part of a path: what file systems take
UNWANTED_SIGNS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, invisible signs, halves of signs, line ends
PARENT = "parent"  # the kind of what nobody listed, and something lies in

NODE = "install with: npm ci --install-links"
VENV = "leave the environment out, pack modules with: pip install --target vendor -r requirements.txt, and start with: "
VENV += "env PYTHONPATH=vendor python3 -m MODULE"
DEREFERENCED = "pack what it leads to: tar --dereference --hard-dereference"
MAC = "pack it with: COPYFILE_DISABLE=1 tar --no-xattrs"


def faults(members: Iterable[Member]) -> Iterator[str]:
    """What makes these members unsafe to unpack, as they are read; where links lead is said by `link_faults`.

    A bomb is not read to its end: no member is asked for after the one that makes it too much.
    """
    taken: dict[str, str] = {}
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


def bombs(members: Iterable[Member]) -> Iterator[str]:
    """What makes members too much that nobody unpacks."""
    total = 0
    for count, member in enumerate(members, start=1):
        total += max(member.size, 0)
        if too_much := _too_much(member, count, total):
            yield too_much
            return


def link_faults(paths: Mapping[str, Member]) -> Iterator[str]:
    """Which of these members, by their paths in the folder that they are unpacked into, are links that leave it."""
    links = links_of(paths)
    for path, member in paths.items():
        if member.kind == LINK and resolved(path, links) is None:
            yield f"{shown(member.name)} is a link to {shown(member.target)}, out of the archive or in a circle: " + (
                _mended(path)
            )


def links_of(paths: Mapping[str, Member]) -> dict[str, str]:
    """Where links lead, by their paths."""
    return {path: member.target for path, member in paths.items() if member.kind == LINK}


def resolved(path: str, links: Mapping[str, str]) -> str | None:
    """Where a path leads in the end, as the kernel goes; None where that is out of the folder, or in a circle."""
    done: list[str] = []
    ahead, followed = path.split("/")[::-1], 0
    while ahead:
        part = ahead.pop()
        if part == ".." and not done:
            return None
        if part == "..":
            done.pop()
        elif part not in ("", "."):
            done.append(part)
            if (target := links.get("/".join(done))) is not None:
                followed += 1
                if followed > MOST_LINKS or target.startswith("/"):
                    return None
                done.pop()
                ahead.extend(target.split("/")[::-1])
    return "/".join(done)


def _mended(path: str) -> str:
    if "node_modules/" in path:
        return NODE
    return VENV if re.search(r"(^|/)bin/python[0-9.]*$", path) else DEREFERENCED


def _too_much(member: Member, count: int, total: int) -> str:
    """What makes it a bomb; nothing where it is none."""
    if count > MOST_ENTRIES:
        return f"it has more than {MOST_ENTRIES} entries"
    if not 0 <= member.size <= MOST_ENTRY_BYTES:
        return f"{shown(member.name)} has {member.size} bytes, {MOST_ENTRY_BYTES} are allowed for one file"
    return f"it unpacks to more than {MOST_BYTES} bytes" if total > MOST_BYTES else ""


def _unsafe_kind(member: Member) -> Iterator[str]:
    """A folder's set-gid bit says who shares it on the machine that packed it, and is not kept."""
    if member.kind not in (FILE, FOLDER, LINK, HARD_LINK):
        yield f"{shown(member.name)} is a {member.kind}"
    if member.kind == FILE and member.mode & (stat.S_ISUID | stat.S_ISGID):
        yield f"{shown(member.name)} is set-uid or set-gid: chmod ug-s"
    if member.kind == LINK and not 0 < _length(member.target) <= LONGEST_TARGET:
        yield f"{shown(member.name)} is a link to nothing, or to a place that is too far away"
    if member.kind == LINK and not all(_belongs(sign) for sign in member.target):
        yield f"{shown(member.name)} is a link to a path with a sign that does not belong in one"


def _unsafe_path(member: Member) -> Iterator[str]:
    name, parts = member.name, member.path.split("/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        yield f"{shown(name)} is not a relative path"
    if "\\" in name or not all(map(_belongs, name)):
        yield f"{shown(name)} holds a control character, or another sign that does not belong in a path"
    if ".." in parts:
        yield f"{shown(name)} leaves the folder"
    elif "" in parts or "." in parts:
        yield f"{shown(name)} has an empty part"
    if member.kind != FOLDER and name.endswith("/"):
        yield f"{shown(name)} is a {member.kind} with the name of a folder"
    if _length(name) > LONGEST_PATH or any(_length(part) > LONGEST_NAME for part in name.split("/")):
        yield f"{shown(name)} is longer than file systems take"
    if parts[-1].startswith("._") or parts[0] == "__MACOSX":
        yield f"{shown(name)} is what macOS writes beside a file, and programs take for one: {MAC}"


def _belongs(sign: str) -> bool:
    return unicodedata.category(sign) not in UNWANTED_SIGNS


def _clashes(member: Member, taken: dict[str, str]) -> Iterator[str]:
    """No file or link twice, and nothing below one; a hard link only to a file before it. `taken` is filled as it goes.

    Folders are listed twice by builds of several file sets, which is harmless.
    """
    parts = member.path.split("/")
    for length in range(1, len(parts)):
        kind = taken.setdefault("/".join(parts[:length]), PARENT)
        if kind not in (FOLDER, PARENT):
            yield f"{shown(member.name)} lies in what is a {kind}"
    there = taken.get(member.path)
    if there and not (there in (FOLDER, PARENT) and member.kind == FOLDER):
        yield f"{shown(member.name)} is there twice"
    if member.kind == HARD_LINK and taken.get(plain_path(member.target)) not in (FILE, HARD_LINK):
        yield f"{shown(member.name)} is a hard link to {shown(member.target)}, no file before it: {DEREFERENCED}"
    taken[member.path] = member.kind


def _length(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
