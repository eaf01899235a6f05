"""A look into an artifact before it is stored: is it safe to unpack, and does it keep the contract?

The whole archive is read once, nothing is written. Refused: names that leave the folder, absolute names, duplicate or
case-clashing names, files used as folders, control characters, links, devices, set-uid bits, and more entries or bytes
than an application has (bombs). Whatever passes here must pass on the server, whose rules stand in
``components/host/slot.py``. The contract: an executable ``bin/start``; optional ``smoke.json``.
"""

import hashlib
import json
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from release.errors import Refused
from release.manifest import Check, parse_checks

MOST_ENTRIES = 50_000
MOST_BYTES = 2 * 1024**3
MOST_ENTRY_BYTES = 1024**3
MOST_SMOKE_BYTES = 64 * 1024
UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)  # the last: encrypted
SUFFIXES = (".tar.gz", ".zip", ".jar")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of an archive: its name as written, kind, unpacked size in bytes and permission bits."""

    name: str
    kind: str  # "file", "folder", or what it is instead
    size: int
    mode: int


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file that passed: its digest, size and smoke checks."""

    path: Path
    digest: str
    size: int
    checks: tuple[Check, ...]


def inspect_artifact(path: Path) -> Artifact:
    """Read the archive at ``path``; Refused, with the first reason, when it must not be stored."""
    if not path.is_file():
        raise Refused(f"there is no file {path.name!r}", hint="give the path of the built artifact")
    entries, read = _open(path)
    faults = [*unsafe(entries), *contract_faults(entries)]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Refused(f"{path.name} is refused: {faults[0]}{more}", hint="build it again; nothing was stored")
    return Artifact(path=path, digest=_digest(path), size=path.stat().st_size, checks=_checks(entries, read))


def unsafe(entries: tuple[Entry, ...]) -> Iterator[str]:
    """What makes these entries unsafe to unpack, one sentence each."""
    if len(entries) > MOST_ENTRIES:
        yield f"it has {len(entries)} entries, {MOST_ENTRIES} are allowed"
    if (total := sum(entry.size for entry in entries)) > MOST_BYTES:
        yield f"it unpacks to {total} bytes, {MOST_BYTES} are allowed"
    seen: dict[str, str] = {}
    files = {str(PurePosixPath(entry.name)) for entry in entries if entry.kind == "file"}
    for entry in entries:
        if files & {str(parent) for parent in PurePosixPath(entry.name).parents}:
            yield f"{entry.name!r} lies in what is a file"
        yield from _unsafe_entry(entry)
        folded = str(PurePosixPath(entry.name)).casefold()
        if folded in seen:
            yield f"{entry.name!r} is there twice, or clashes with {seen[folded]!r} where case does not count"
        seen[folded] = entry.name


def contract_faults(entries: tuple[Entry, ...]) -> Iterator[str]:
    """Where these entries break the artifact's contract."""
    programs = {str(PurePosixPath(entry.name)): entry for entry in entries if entry.kind == "file"}
    if "bin/start" not in programs:
        yield "it has no bin/start"
    for name in ("bin/start", "bin/migrate"):
        if name in programs and not programs[name].mode & 0o100:
            yield f"{name} is not executable"


def _unsafe_entry(entry: Entry) -> Iterator[str]:
    name = entry.name
    if name.startswith("/") or "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":"):
        yield f"{name!r} is not a relative path"
    if not name.isprintable():
        yield f"{name!r} holds a control character"
    if entry.size > MOST_ENTRY_BYTES:
        yield f"{name!r} has {entry.size} bytes, {MOST_ENTRY_BYTES} are allowed for one file"
    if ".." in PurePosixPath(name).parts:
        yield f"{name!r} leaves the folder"
    if entry.kind not in ("file", "folder"):
        yield f"{name!r} is a {entry.kind}"
    if entry.mode & (stat.S_ISUID | stat.S_ISGID):
        yield f"{name!r} is set-uid or set-gid"


def _open(path: Path) -> tuple[tuple[Entry, ...], Callable[[str], bytes]]:
    if not path.name.endswith(SUFFIXES):
        raise Refused(f"{path.name!r} is not an artifact", hint=f"build one of {', '.join(SUFFIXES)}")
    try:
        return _open_tar(path) if path.name.endswith(".tar.gz") else _open_zip(path)
    except UNREADABLE as error:
        raise Refused(f"{path.name} is not a readable archive: {error}", hint="build it again") from None


def _open_tar(path: Path) -> tuple[tuple[Entry, ...], Callable[[str], bytes]]:
    with tarfile.open(path, "r:gz") as archive:
        entries, total = [], 0
        for member in archive:
            entries.append(Entry(name=member.name, kind=_tar_kind(member), size=member.size, mode=member.mode))
            total += member.size
            if total > MOST_BYTES or len(entries) > MOST_ENTRIES:
                break  # a bomb is not read to its end; unsafe() names it

    def read(name: str) -> bytes:
        with tarfile.open(path, "r:gz") as archive:
            file = archive.extractfile(name)
            return file.read() if file else b""

    return tuple(entries), read


def _open_zip(path: Path) -> tuple[tuple[Entry, ...], Callable[[str], bytes]]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        has_modes = any(info.external_attr >> 16 for info in infos)
        entries = tuple(_zip_entry(info, has_modes) for info in infos)

    def read(name: str) -> bytes:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)

    return entries, read


def _zip_entry(info: zipfile.ZipInfo, has_modes: bool) -> Entry:
    """In an archive without any permission bits (a jar, mostly), what is in bin/ counts as executable."""
    mode = info.external_attr >> 16 if has_modes else 0o755 if info.orig_filename.startswith("bin/") else 0o644
    return Entry(name=info.orig_filename, kind=_zip_kind(info), size=info.file_size, mode=mode)


def _tar_kind(member: tarfile.TarInfo) -> str:
    kinds = (
        (member.isfile(), "file"),
        (member.isdir(), "folder"),
        (member.issym(), "symbolic link"),
        (member.islnk(), "hard link"),
    )
    return next((kind for is_kind, kind in kinds if is_kind), "device")


def _zip_kind(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "device"
    return "folder" if info.is_dir() else "file"


def _checks(entries: tuple[Entry, ...], read: Callable[[str], bytes]) -> tuple[Check, ...]:
    smoke = next((entry for entry in entries if str(PurePosixPath(entry.name)) == "smoke.json"), None)
    if smoke is None:
        return ()
    if smoke.size > MOST_SMOKE_BYTES:
        raise Refused(f"smoke.json has {smoke.size} bytes, {MOST_SMOKE_BYTES} are allowed")
    try:
        return parse_checks(json.loads(read(smoke.name)))
    except (ValueError, RecursionError) as error:
        raise Refused(f"smoke.json is not JSON: {error}") from None
    except UNREADABLE as error:
        raise Refused(f"smoke.json is not readable: {error}", hint="build it again") from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
