"""What may stand in an artifact: the rules by which its entries are judged before anything is stored.

They are those of the installer, which judges once more on the server and shares no code with this side: what one of
the two refuses as unsafe, the other refuses too. A test holds them together.
"""

import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MOST_ENTRIES = 50_000
MOST_BYTES = 2 * 1024**3
MOST_ENTRY_BYTES = 1024**3
LONGEST_PATH = 1000  # bytes
LONGEST_NAME = 255  # bytes of one part of a path: what file systems take
UNWANTED_SIGNS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, invisible signs, halves of signs, line ends

FILE, FOLDER = "file", "folder"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of an archive: its name as written, kind, unpacked size in bytes and permission bits."""

    name: str
    kind: str  # FILE, FOLDER, or what it is instead
    size: int
    mode: int

    @property
    def path(self) -> str:
        """The name as it will be written: without the leading and trailing marks that archivers add."""
        return self.name.removeprefix("./").rstrip("/")

    @property
    def is_root(self) -> bool:
        """Whether it is the folder itself that everything is unpacked into."""
        return self.kind == FOLDER and self.path in ("", ".")


def unsafe(entries: tuple[Entry, ...]) -> Iterator[str]:
    """What makes these entries unsafe to unpack, one sentence each."""
    if len(entries) > MOST_ENTRIES:
        yield f"it has {len(entries)} entries or more, {MOST_ENTRIES} are allowed"
    if (total := sum(entry.size for entry in entries)) > MOST_BYTES:
        yield f"it unpacks to {total} bytes or more, {MOST_BYTES} are allowed"
    taken: dict[str, tuple[str, str]] = {}
    for entry in entries:
        if not 0 <= entry.size <= MOST_ENTRY_BYTES:
            yield f"{_shown(entry)} has {entry.size} bytes, {MOST_ENTRY_BYTES} are allowed for one file"
        if not entry.is_root:
            yield from _unsafe_kind(entry)
            yield from _unsafe_path(entry)
            yield from _clashes(entry, taken)


def _unsafe_kind(entry: Entry) -> Iterator[str]:
    if entry.kind not in (FILE, FOLDER):
        yield f"{_shown(entry)} is a {entry.kind}"
    if entry.mode & (stat.S_ISUID | stat.S_ISGID):
        yield f"{_shown(entry)} is set-uid or set-gid"


def _unsafe_path(entry: Entry) -> Iterator[str]:
    name, parts = entry.name, entry.path.split("/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        yield f"{_shown(entry)} is not a relative path"
    if "\\" in name or any(unicodedata.category(sign) in UNWANTED_SIGNS for sign in name):
        yield f"{_shown(entry)} holds a control character, or another sign that does not belong in a path"
    if ".." in parts:
        yield f"{_shown(entry)} leaves the folder"
    elif "" in parts or "." in parts:
        yield f"{_shown(entry)} has an empty part"
    if entry.kind == FILE and name.endswith("/"):
        yield f"{_shown(entry)} is a file with the name of a folder"
    if _length(name) > LONGEST_PATH or any(_length(part) > LONGEST_NAME for part in name.split("/")):
        yield f"{_shown(entry)} is longer than file systems take"


def _clashes(entry: Entry, taken: dict[str, tuple[str, str]]) -> Iterator[str]:
    """No path twice, also not in another spelling, and nothing below a file. ``taken`` is filled as it goes."""
    parts = entry.path.split("/")
    for length in range(1, len(parts)):
        parent = "/".join(parts[:length])
        known, kind = taken.setdefault(_spelling(parent), (parent, "parent"))
        if kind == FILE:
            yield f"{_shown(entry)} lies in what is a file"
        elif known != parent:
            yield f"{_shown(entry)} clashes with {known!a} where case or spelling does not count"
    there = taken.get(_spelling(entry.path))
    if there and not (there == (entry.path, "parent") and entry.kind == FOLDER):
        yield f"{_shown(entry)} is there twice, or clashes with {there[0]!a} where case or spelling does not count"
    taken[_spelling(entry.path)] = (entry.path, entry.kind)


def _spelling(path: str) -> str:
    """What is one for a file system that knows no case, or composes signs differently."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _length(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _shown(entry: Entry) -> str:
    return ascii(entry.name[:100])
