"""A look into an artifact before it is stored: is it safe to unpack, and does it keep the contract?

The whole archive is read once, nothing is written. The rules are those of `contract.archive`, by which servers judge
once more. The contract: an executable ``bin/start``; optional ``smoke.json`` and ``release.json``.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from contract.archive import FILE, SUFFIXES, UNREADABLE, Member, Opened, blocks, faults, opened, start_faults
from contract.layout import SEED
from release.doors.aws.parts import ONE_REQUEST, PART, Parts, parts_of
from release.process.errors import Refused
from release.process.text import read_json
from release.records.artifacts.build import Build, parse_build
from release.records.artifacts.manifest import Check, parse_checks

MOST_TEXT_BYTES = 64 * 1024
TEXTS = ("smoke.json", "release.json")  # what is read and kept
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file that passed: its digest and size, its smoke checks, what its build says of itself, and bin/seed."""

    path: Path
    digest: str
    size: int
    parts: Parts | None
    checks: tuple[Check, ...]
    build: Build
    has_seed: bool


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """What was found in an archive: what is wrong with it, and the text files in it that mean something here."""

    faults: tuple[str, ...]
    texts: Mapping[str, bytes]
    has_seed: bool


def inspect_artifact(path: Path, *, one_request: int = ONE_REQUEST, part: int = PART) -> Artifact:
    """Read the archive at ``path``; Refused, with the first reason, when it must not be stored.

    More than ``one_request`` bytes are stored in parts of ``part`` bytes.
    """
    if not path.is_file():
        raise Refused(f"there is no file {path.name!r}", hint="give the path of the built artifact")
    content = _inspected(path)
    if content.faults:
        more = f" (and {len(content.faults) - 1} more)" if len(content.faults) > 1 else ""
        raise Refused(f"{path.name} is refused: {content.faults[0]}{more}", hint="build it again; nothing was stored")
    size = path.stat().st_size
    return Artifact(
        path=path,
        digest=sha256_of(path),
        size=size,
        parts=parts_of(path, part) if size > one_request else None,
        checks=_parsed(content, "smoke.json", parse_checks, ()),
        build=_parsed(content, "release.json", parse_build, Build()),
        has_seed=content.has_seed,
    )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _inspected(path: Path) -> Inspected:
    suffix = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), None)
    if suffix is None:
        raise Refused(f"{path.name!r} is not an artifact", hint=f"build one of {', '.join(SUFFIXES)}")
    try:
        with path.open("rb") as file:
            if file.read(len(SUFFIXES[suffix])) != SUFFIXES[suffix]:
                raise EOFError(f"it does not begin like a {suffix}")
        return _judged(opened(path))
    except (*UNREADABLE, OSError) as error:
        raise Refused(f"{path.name} is not a readable archive: {error}", hint="build it again") from None


def _judged(members: Opened) -> Inspected:
    read: list[Member] = []
    texts: dict[str, bytes] = {}
    unsafe = [*faults(_read_through(members, read, texts))]
    told = (*unsafe, *start_faults(read), *_text_faults(read))
    return Inspected(faults=told, texts=texts, has_seed=any(member.path == SEED for member in read))


def _read_through(members: Opened, read: list[Member], texts: dict[str, bytes]) -> Iterator[Member]:
    """Each member, which is read to its end after it was judged: of what is a bomb nothing is read."""
    for member, source in members:
        read.append(member)
        yield member
        if member.kind == FILE:
            beginning = _beginning(blocks(member, source()))
            if member.path in TEXTS:
                texts[member.path] = beginning


def _beginning(read: Iterator[bytes]) -> bytes:
    """The first of these blocks, all of which are read."""
    beginning = next(read, b"")
    for _ in read:
        pass
    return beginning


def _text_faults(members: list[Member]) -> Iterator[str]:
    for member in members:
        if member.kind == FILE and member.path in TEXTS and member.size > MOST_TEXT_BYTES:
            yield f"{member.path} has {member.size} bytes, {MOST_TEXT_BYTES} are allowed"


def _parsed(content: Inspected, name: str, parse: Callable[[Any], T], default: T) -> T:
    if name not in content.texts:
        return default
    try:
        return parse(read_json(content.texts[name]))
    except ValueError as error:
        raise Refused(f"{name} is not JSON: {error}") from None
