"""An artifact unpacked into a release's folder: by servers, and by who tries one before it is published.

The whole list is judged before the first byte is written, and links are made last, so that nothing is ever written by
way of one. Modes, owners and times are dropped: only "executable" is kept. Names are written as they stand in the
archive, whatever this machine's locale is.
"""
# pathlib knows no names in bytes
# ruff: noqa: PTH103, PTH118, PTH120, PTH123, PTH211

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from contract.archive import FILE, HARD_LINK, LINK, UNREADABLE, Member, Opened, blocks, plain_path
from contract.commands import Commands
from contract.package import (
    ARCHIVE,
    JAR,
    JAR_FILE,
    Package,
    form_of,
    member_faults,
    opened,
    package_of,
    start_faults,
    whole,
)
from contract.safety import link_faults

Room = Callable[[Path, int], None]


class Unusable(ValueError):
    """Why an artifact is not unpacked, in a sentence that says what to do."""


def unpack(artifact: Path, target: Path, commands: Commands, room: Room) -> None:
    """Write what the artifact holds into the new folder ``target``, once all of it was found safe and can be started.

    ``room`` raises what forbids so many bytes beside the folder. Unusable, or OSError.
    """
    try:
        form = form_of(artifact)
        package = _judged(artifact, form, commands)
        room(target.parent, package.size)
        target.mkdir()
        _write(package, whole(artifact, package.paths[JAR_FILE]) if form == JAR else opened(artifact, form), target)
    except Unusable:
        raise
    except UNREADABLE as error:
        raise Unusable(f"the archive cannot be read ({type(error).__name__}): build and publish it again") from None


def _judged(artifact: Path, form: str, commands: Commands) -> Package:
    """What it is; Unusable at the first fault: nothing beyond it is even read."""
    members = safe_members(opened(artifact, form), form)
    package = package_of(artifact, form, members)
    for fault in link_faults(package.paths):
        raise Unusable(f"the archive is not safe: {fault}; build it again without that")
    for fault in start_faults(package, commands):
        raise Unusable(f"the artifact cannot be started: {fault}; mend that and publish a new version")
    return package


def safe_members(found: Opened, form: str = ARCHIVE) -> list[Member]:
    """All members; Unusable at the first unsafe one."""
    members: list[Member] = []
    for fault in member_faults(_kept(found, members), form):
        raise Unusable(f"the archive is not safe: {fault}; build it again without that")
    return members


def _kept(found: Opened, members: list[Member]) -> Iterator[Member]:
    for member, _ in found:
        members.append(member)
        yield member


def _write(package: Package, found: Opened, target: Path) -> None:
    links: list[tuple[bytes, bytes]] = []
    for member, source in found:
        path = member.path[len(package.top) :]
        if member.is_root or not path:
            continue
        place = _place(target, path)
        if member.kind == FILE:
            _write_file(place, member, source())
        elif member.kind == LINK:
            links.append((place, member.target.encode()))
        elif member.kind == HARD_LINK:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.link(_place(target, plain_path(member.target)[len(package.top) :]), place)
        else:
            os.makedirs(place, exist_ok=True)
    for place, leads_to in links:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(leads_to, place)


def _place(target: Path, path: str) -> bytes:
    return os.path.join(os.fsencode(target), path.encode())


def _write_file(place: bytes, member: Member, source: IO[bytes] | None) -> None:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    mode = 0o755 if member.is_executable else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(place, flags, mode), "wb") as file:
        for block in blocks(member, source):
            file.write(block)
