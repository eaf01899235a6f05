"""The artifact: downloaded, judged, then unpacked."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from components.host.installer.aws import aws
from components.host.installer.errors import Refused
from components.host.installer.slots import Server
from contract.archive import FILE, UNREADABLE, Member, Opened, blocks, faults, opened, start_faults
from contract.artifacts import artifact_key

SPARE_MB = 200  # what must be free beside it: a full disk also stops the slot that is live


def download(artifact: Path, digest: str, server: Server) -> None:
    """Fetch the bytes that have this sha256: others (cut short, or changed in the bucket) are refused."""
    key = artifact_key(server.artifact_folder, digest)
    aws(server, "s3api", "get-object", "--bucket", server.artifact_bucket, "--key", key, str(artifact))
    if file_sha256(artifact) != digest:
        raise Refused(f"{key} in {server.artifact_bucket} does not have its sha256: publish or promote it again")


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def require_space(folder: Path, size: int) -> None:
    needed, free = (size >> 20) + SPARE_MB, shutil.disk_usage(folder).free >> 20
    if free < needed:
        raise Refused(f"the server has {free} MB of disk left and needs {needed:.0f} MB: make room on it")


def unpack(artifact: Path, target: Path) -> None:
    """Write the archive's files below target, after every member was found safe.

    The whole list is judged before the first byte is written. Modes, owners and times of the archive are dropped:
    only "executable" is kept.
    """
    try:
        members = safe_members(opened(artifact))
        require_space(target.parent, sum(member.size for member in members))
        target.mkdir()
        write_members(opened(artifact), target)
    except UNREADABLE as error:
        raise Refused(f"the archive cannot be read ({type(error).__name__}): build and publish it again") from None


def safe_members(found: Opened) -> list[Member]:
    """All members, or Refused at the first unsafe one: nothing beyond it is even read."""
    members: list[Member] = []
    for fault in faults(kept(found, members)):
        raise Refused(f"the archive is not safe: {fault}; build it again without that")
    for fault in start_faults(members):
        raise Refused(f"the artifact cannot be started: {fault}; mend that and publish a new version")
    return members


def kept(found: Opened, members: list[Member]) -> Iterator[Member]:
    for member, _ in found:
        members.append(member)
        yield member


def write_members(found: Opened, target: Path) -> None:
    for member, source in found:
        path = target / member.path
        if member.kind == FILE:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, member, source())
        else:
            path.mkdir(parents=True, exist_ok=True)


def write_file(path: Path, member: Member, source: IO[bytes] | None) -> None:
    mode = 0o755 if member.is_executable else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, mode), "wb") as file:
        for block in blocks(member, source):
            file.write(block)
