"""A look into an artifact before it is stored: is it safe to unpack, and can servers start it?

The whole file is read once, nothing is written. The rules are those of `contract.package` and `contract.safety`, by
which servers judge once more. What it may say of itself stands in ``smoke.json`` and ``release.json``.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from contract.archive import FILE, UNREADABLE, Member, Opened, blocks, shown
from contract.commands import BY_NAME, Commands
from contract.layout import SEED
from contract.package import (
    JAR,
    JAR_MANIFEST,
    RUN_JAR,
    SUFFIXES,
    Package,
    form_of,
    member_faults,
    opened,
    package_faults,
    package_of,
    programs,
)
from contract.shebang import HEAD, interpreter_of, program_faults
from release.doors.aws.parts import ONE_REQUEST, PART, Parts, parts_of
from release.process.errors import Refused
from release.process.text import read_json
from release.records.artifacts.build import Build, agreed, parse_build
from release.records.artifacts.manifest import Check, parse_checks

MOST_TEXT_BYTES = 64 * 1024
TEXTS = ("smoke.json", "release.json", JAR_MANIFEST)  # what is read and kept
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file that passed: its digest and size, how it is run, its smoke checks, what its build says of itself, and
    whether it has a bin/seed.
    """

    path: Path
    digest: str
    size: int
    parts: Parts | None
    commands: Commands
    checks: tuple[Check, ...]
    build: Build
    has_seed: bool


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was read of an artifact: its members, and by their paths the texts that mean something here and how programs
    begin.
    """

    form: str
    members: list[Member] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Content:
    """A package, what its texts say, and how its programs begin, by their paths in a release's folder."""

    package: Package
    texts: dict[str, bytes]
    heads: dict[str, bytes]


def inspect_artifact(
    path: Path,
    *,
    said: Commands = BY_NAME,
    machine: str | None = None,
    one_request: int = ONE_REQUEST,
    part: int = PART,
) -> Artifact:
    """Read the artifact at ``path``; Refused, with the first reason, when it must not be stored.

    ``said`` is how whoever publishes it says that it is run, ``machine`` the CPU of servers where that is known. More
    than ``one_request`` bytes are stored in parts of ``part`` bytes.
    """
    if not path.is_file():
        raise Refused(f"there is no file {path.name!r}", hint="give the path of the built artifact")
    content = _content(path)
    build = _parsed(content, "release.json", parse_build, Build())
    commands = _commands(content, build.commands, said)
    _refuse(path, [*package_faults(content.package, commands), *_program_faults(content, commands, machine)])
    size = path.stat().st_size
    return Artifact(
        path=path,
        digest=sha256_of(path),
        size=size,
        parts=parts_of(path, part) if size > one_request else None,
        commands=commands,
        checks=_parsed(content, "smoke.json", parse_checks, ()),
        build=build,
        has_seed=SEED in content.package.paths,
    )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse(path: Path, faults: list[str]) -> None:
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Refused(f"{path.name} is refused: {faults[0]}{more}", hint="build it again; nothing was stored")


def _content(path: Path) -> Content:
    try:
        form = form_of(path)
        seen = Seen(form=form)
        unsafe = [*member_faults(_read_through(opened(path, form), seen), form), *_text_faults(seen.members)]
        _refuse(path, unsafe)
        return _placed(package_of(path, form, seen.members), seen)
    except (*UNREADABLE, OSError) as error:
        kinds = f"; artifacts are {', '.join(SUFFIXES)} and Linux binaries"
        raise Refused(f"{path.name} is not a readable archive: {error}", hint=f"build it again{kinds}") from None


def _placed(package: Package, seen: Seen) -> Content:
    """What was read, by the paths that it has in a release's folder."""
    top = package.top
    inside = {name: text for path, text in seen.texts.items() if (name := path.removeprefix(top)) in TEXTS}
    heads = {path.removeprefix(top): head for path, head in seen.heads.items()}
    return Content(package=package, texts=inside, heads=heads)


def _read_through(members: Opened, seen: Seen) -> Iterator[Member]:
    """Each member, which is read to its end after it was judged: of what is a bomb nothing is read."""
    for member, source in members:
        seen.members.append(member)
        yield member
        if member.kind == FILE:
            beginning = _beginning(blocks(member, source()))
            if _is_text(member, seen.members[0]):
                seen.texts[member.path] = beginning[: MOST_TEXT_BYTES + 1]
            if member.is_executable:
                seen.heads[member.path] = beginning[:HEAD]


def _is_text(member: Member, first: Member) -> bool:
    """Whether it may be one of the texts: at the root, or in the one folder that everything may lie in."""
    return member.path.removeprefix(f"{first.path.partition('/')[0]}/") in TEXTS or member.path in TEXTS


def _beginning(read: Iterator[bytes]) -> bytes:
    """The first of these blocks, all of which are read."""
    beginning = next(read, b"")
    for _ in read:
        pass
    return beginning


def _text_faults(members: list[Member]) -> Iterator[str]:
    for member in members:
        if member.kind == FILE and _is_text(member, members[0]) and member.size > MOST_TEXT_BYTES:
            yield f"{member.path} has {member.size} bytes, {MOST_TEXT_BYTES} are allowed"


def _commands(content: Content, built: Commands, said: Commands) -> Commands:
    """How it is run: by one word on each, and a jar that names its main class by that."""
    start = agreed("start", built.start or None, said.start or None) or ()
    migrate = agreed("migrate", built.migrate or None, said.migrate or None) or ()
    names_main = b"\nMain-Class:" in b"\n" + content.texts.get(JAR_MANIFEST, b"")
    if content.package.form == JAR and not start and names_main:
        start = RUN_JAR
    return Commands(start=start, migrate=migrate)


def _program_faults(content: Content, commands: Commands, machine: str | None) -> Iterator[str]:
    """Why the programs that it is run by would not run on servers."""
    for program in programs(content.package, commands):
        if head := content.heads.get(program):
            yield from program_faults(shown(program)[1:-1], head, machine)
            yield from _foreign_environment(program, head, content.package)


def _foreign_environment(program: str, head: bytes, package: Package) -> Iterator[str]:
    """A script of a virtual environment names the Python of the folder that the environment was made in."""
    named = interpreter_of(head)
    own = next((path for path in package.paths if "/" in path and named.endswith(f"/{path}")), "")
    if own and "python" in own:
        yield f"{program} names {shown(named)} of the machine that built it: start it with {own} -m MODULE"


def _parsed(content: Content, name: str, parse: Callable[[Any], T], default: T) -> T:
    if name not in content.texts:
        return default
    try:
        return parse(read_json(content.texts[name]))
    except ValueError as error:
        raise Refused(f"{name} is not JSON: {error}") from None
