"""SFTP paths of a local server: relative ones start at HOME, absolute ones at the server's folder."""

import posixpath
from pathlib import Path

import asyncssh


class ServerFiles(asyncssh.SFTPServer):
    """Serves the folder of one server to one user; a path never leaves that folder."""

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]", root: Path, home: Path) -> None:
        super().__init__(chan, chroot=str(root).encode())
        self._root = str(root.resolve()).encode()
        self._home = b"/" + str(home.relative_to(root)).encode()

    def map_path(self, path: bytes) -> bytes:
        """What commands see as an absolute path (within the folder) is understood as well."""
        if path == self._root or path.startswith(self._root + b"/"):
            path = path[len(self._root) :] or b"/"
        return super().map_path(posixpath.join(self._home, path))
