"""SFTP paths of a local server: relative ones start at HOME, absolute ones at the server's folder."""

import posixpath
from pathlib import Path

import asyncssh
from asyncssh.misc import MaybeAwait

from local.servers.disk import Disk


class ServerFiles(asyncssh.SFTPServer):
    """Serves the folder of one server to one user; a path never leaves that folder."""

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]", root: Path, home: Path, disk: Disk) -> None:
        super().__init__(chan, chroot=str(root).encode())
        self._disk = disk
        self._root = str(root.resolve()).encode()
        self._home = b"/" + str(home.relative_to(root)).encode()

    def map_path(self, path: bytes) -> bytes:
        """What commands see as an absolute path (within the folder) is understood as well."""
        if path == self._root or path.startswith(self._root + b"/"):
            path = path[len(self._root) :] or b"/"
        return super().map_path(posixpath.join(self._home, path))

    def write(self, file_obj: object, offset: int, data: bytes) -> MaybeAwait[int]:
        """Raises OSError when the disk is full."""
        self._disk.require_space()
        return super().write(file_obj, offset, data)
