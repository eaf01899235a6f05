"""The artifact: downloaded, then judged and unpacked."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from components.host.installer.aws import aws
from components.host.installer.errors import Refused
from components.host.installer.slots import Server
from contract import unpacking
from contract.artifacts import artifact_key
from contract.commands import Commands

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


def unpack(artifact: Path, target: Path, commands: Commands) -> None:
    """Write what the artifact holds into the new folder, after all of it was found safe. Refused where it is not."""
    try:
        unpacking.unpack(artifact, target, commands, require_space)
    except unpacking.Unusable as error:
        raise Refused(str(error)) from None
