"""Copies the source of a `command:remote:CopyToRemote` to its server, over SFTP.

source | path is a folder there | nothing is there  | path is a file there
folder | path/folder            | path/folder       | refused
folder/| into path              | into path         | refused
file   | path/file              | path              | overwritten
text   | refused                | path              | overwritten
"""

import posixpath
from pathlib import Path

import asyncssh

from local.command_provider.connection import Dialled, connection_of
from local.command_provider.log import Log
from local.command_provider.values import Properties, content_hash, plain


class CopyFailed(Exception):
    """The source could not be written there; says why."""


def must_copy(olds: Properties, news: Properties) -> bool:
    """Only other content or another place copies again: a new connection alone does not."""
    old_source, new_source = plain(olds["source"]), plain(news["source"])
    return content_hash(old_source) != content_hash(new_source) or plain(olds["remotePath"]) != plain(
        news["remotePath"]
    )


async def copy(inputs: Properties, folder: Path, log: Log) -> None:
    """Copy; a relative source lies in `folder`. Raises DialFailed, CopyFailed."""
    given = plain(inputs)
    async with Dialled(connection_of(given["connection"]), log) as connection, connection.start_sftp_client() as sftp:
        try:
            await _copy(sftp, given["source"], given["remotePath"], folder)
        except (OSError, asyncssh.SFTPError) as error:
            raise CopyFailed(f"failed to copy to remote path {given['remotePath']}: {error}") from error


async def _copy(sftp: asyncssh.SFTPClient, source: Properties, path: str, folder: Path) -> None:
    if "text" in source:
        return await _copy_text(sftp, source["text"], path)
    local = folder / source["path"]
    if local.is_dir():
        return await _copy_folder(sftp, local, path, into=source["path"].endswith("/"))
    return await _copy_file(sftp, local, path)


async def _copy_text(sftp: asyncssh.SFTPClient, text: str, path: str) -> None:
    if await sftp.isdir(path):
        raise CopyFailed(f"remote path {path} is a directory; a text asset needs the path of a file")
    await _write(sftp, text.encode(), path)


async def _copy_file(sftp: asyncssh.SFTPClient, source: Path, path: str) -> None:
    target = posixpath.join(path, source.name) if await sftp.isdir(path) else path
    await _write(sftp, source.read_bytes(), target)


async def _copy_folder(sftp: asyncssh.SFTPClient, source: Path, path: str, *, into: bool) -> None:
    target = path if into else posixpath.join(path, source.name)
    for part in (path, target):
        if await sftp.exists(part) and not await sftp.isdir(part):
            raise CopyFailed(f"remote path {part} exists but is not a directory")
    await sftp.makedirs(target, exist_ok=True)
    for found in sorted(source.rglob("*")):
        there = posixpath.join(target, found.relative_to(source).as_posix())
        if found.is_dir():
            await sftp.makedirs(there, exist_ok=True)
        else:
            await _write(sftp, found.read_bytes(), there)


async def _write(sftp: asyncssh.SFTPClient, content: bytes, path: str) -> None:
    """In place, with no mode and no checksum, as the genuine plugin does."""
    parent = posixpath.dirname(path)
    if parent:
        await sftp.makedirs(parent, exist_ok=True)
    async with sftp.open(path, "wb") as file:
        await file.write(content)
