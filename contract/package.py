"""What an artifact is: an archive that is unpacked, an executable jar, or one static binary; and how it is started.

The file itself says which of them it is, so publishing and servers cannot disagree. An archive with everything in one
folder is unpacked without that folder. A jar without a `bin/start` is kept whole, as `app.jar`; a binary becomes the
`bin/start` of its release.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.archive import (
    FILE,
    FOLDER,
    GZIP,
    HARD_LINK,
    ZIP,
    Member,
    Opened,
    plain_path,
    shown,
    tar_members,
    zip_members,
)
from contract.commands import Commands
from contract.layout import MIGRATE, START
from contract.safety import bombs, faults, link_faults, links_of, resolved

ARCHIVE, JAR, BINARY = "archive", "jar", "binary"
TARBALL = "tarball"  # the other packing of an ARCHIVE

ELF = b"\x7fELF"
SUFFIXES = (".tar.gz", ".tgz", ".zip", ".jar", ".war")
"""How an artifact's name may end; one without a suffix is a binary."""

JAR_FILE = "app.jar"
JAR_MANIFEST = "META-INF/MANIFEST.MF"
RUN_JAR = ("java", "-jar", JAR_FILE)
JAR_MODE, BINARY_MODE = 0o644, 0o755
MOST_NAMED = 3  # programs that are named where one has to be chosen

OTHERS = (
    (b"#!", "a script: a jar for servers is built without a launch script (Spring Boot: executable = false)"),
    (b"MZ", "a program for Windows: build it for Linux (Go: GOOS=linux)"),
    (b"\xcf\xfa\xed\xfe", "a program for macOS: build it for Linux (Go: GOOS=linux)"),
    (b"\xca\xfe\xba\xbe", "a program for macOS: build it for Linux (Go: GOOS=linux)"),
    (b"\x28\xb5\x2f\xfd", "zstd, which not every server has: pack it with tar -z"),
    (b"\xfd7zXZ", "xz, which not every server has: pack it with tar -z"),
    (b"BZh", "bzip2, which not every server has: pack it with tar -z"),
)
"""How files begin that are taken for artifacts, and are none."""


class NoPackage(ValueError):
    """It does not begin like anything that is known."""


@dataclass(frozen=True)
class Package:
    """What will lie in a release's folder: by which form, and its members by their paths there."""

    form: str  # ARCHIVE, JAR or BINARY
    top: str  # the folder that everything lay in, with its slash; empty where there was none
    paths: Mapping[str, Member]

    @property
    def size(self) -> int:
        """Unpacked bytes."""
        return sum(member.size for member in self.paths.values())


def form_of(path: Path) -> str:
    """ARCHIVE for a zip, TARBALL, JAR or BINARY, by how the file begins and by what a zip lists.

    Raises NoPackage, what UNREADABLE names, and OSError.
    """
    with path.open("rb") as file:
        beginning = file.read(8)
    if beginning.startswith(ELF):
        return BINARY
    if beginning.startswith(GZIP):
        return TARBALL
    if beginning.startswith(ZIP):
        return JAR if _is_jar(path) else ARCHIVE
    what = next((what for begins, what in OTHERS if beginning.startswith(begins)), "")
    raise NoPackage(f"it is {what}" if what else f"it does not begin like a {', '.join(SUFFIXES)} or a Linux binary")


def opened(path: Path, form: str) -> Opened:
    """The members of a file of this form, one by one. Raises what UNREADABLE names, and OSError."""
    if form == BINARY:
        return whole(path, Member(START, FILE, path.stat().st_size, BINARY_MODE))
    return tar_members(path) if form == TARBALL else zip_members(path)


def whole(path: Path, member: Member) -> Opened:
    """A file that is kept whole, as the one member that becomes of it."""
    with path.open("rb") as file:
        yield member, lambda: file


def member_faults(members: Iterable[Member], form: str) -> Iterator[str]:
    """What makes members unsafe, as they are read: what is kept whole is nowhere unpacked."""
    return bombs(members) if form == JAR else faults(members)


def package_of(path: Path, form: str, members: Iterable[Member]) -> Package:
    """What becomes of members that have no fault of their own."""
    if form == JAR:
        return Package(JAR, "", {JAR_FILE: Member(JAR_FILE, FILE, path.stat().st_size, JAR_MODE)})
    listed = [member for member in members if not member.is_root]
    top = _top(listed)
    paths = {member.path[len(top) :]: member for member in listed if len(member.path) > len(top)}
    return Package(BINARY if form == BINARY else ARCHIVE, top, paths)


def package_faults(package: Package, commands: Commands) -> Iterator[str]:
    """Where links of a package leave it, and why a server could not start it by these commands."""
    yield from link_faults(package.paths)
    yield from start_faults(package, commands)


def start_faults(package: Package, commands: Commands) -> Iterator[str]:
    """Why a server could not start what this is."""
    find = _finder(package)
    if not commands.start and not find(START):
        yield f"it has no {START}, and no command that starts it is stated: {_how_to_start(package)}"
    if commands.start and START in package.paths:
        yield f"it has {START}, and a command that starts it is stated: leave out one of the two"
    if commands.migrate and MIGRATE in package.paths:
        yield f"it has {MIGRATE}, and a command that migrates is stated: leave out one of the two"
    for program in programs(package, commands):
        member = find(program)
        if member is None:
            yield f"it has no {program}, by which it is to be run"
        elif not member.is_executable:
            yield f"{program} is not executable: chmod +x"


def programs(package: Package, commands: Commands) -> list[str]:
    """The programs of its own that a package is run by: what is on the server's PATH is none of them."""
    stated = [command[0] for command in (commands.start, commands.migrate) if command and "/" in command[0]]
    by_name = [name for name in (START, MIGRATE) if name in package.paths]
    return by_name + [plain_path(program) for program in stated if not program.startswith("/")]


def _finder(package: Package) -> Callable[[str], Member | None]:
    """The file that a path leads to, by whatever links."""
    links = links_of(package.paths)
    by_name = {member.path: member for member in package.paths.values()}

    def find(path: str) -> Member | None:
        member = package.paths.get(resolved(path, links) or "")
        while member and member.kind == HARD_LINK:
            member = by_name.get(plain_path(member.target))
        return member if member and member.kind == FILE else None

    return find


def _how_to_start(package: Package) -> str:
    """By a program that it has, or as builds of that kind are usually started."""
    files = [path for path, member in package.paths.items() if member.kind == FILE]
    jars = [path for path in files if path.endswith(".jar")]
    scripts = [path for path in files if path.startswith("bin/") and package.paths[path].is_executable]
    if package.form == JAR:
        return 'its manifest names no Main-Class; state one: --start "java -cp app.jar CLASS"'
    if scripts:
        return "state one of its own: --start " + ", or ".join(shown(path).strip("'") for path in scripts[:MOST_NAMED])
    if "package.json" in files:
        return 'state it: --start "node FILE"'
    if jars:
        return f'state it: --start "java -jar {shown(jars[0])[1:-1]}"'
    if any(path.endswith(".py") for path in files):
        return 'state it: --start "python3 FILE"'
    return 'write one, or state it: --start "PROGRAM ARGUMENT..."'


def _is_jar(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    return JAR_MANIFEST in names and START not in names


def _top(members: list[Member]) -> str:
    """The one folder that all of it lies in, with its slash: what sbt, Gradle, npm and source archives have.

    An archive of nothing but `bin/` has programs in it, and is meant as it is.
    """
    tops = {member.path.partition("/")[0] for member in members}
    lies_below = all(member.kind == FOLDER or "/" in member.path for member in members)
    if len(tops) != 1 or tops == {"bin"} or not lies_below:
        return ""
    return f"{tops.pop()}/"
