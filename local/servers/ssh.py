"""The SSH door of a local server: public-key login, commands, SFTP and forwarding, like a plain sshd.

Login keys are read from the user's own authorized_keys at every login, the host key from the server's own folder when
the door opens. As with a stock sshd, of a client's environment only LANG and LC_* get through (AcceptEnv).
"""

import asyncio
from pathlib import Path

import asyncssh

from local.servers.command import Command, Commands
from local.servers.disk import Disk
from local.servers.layout import Layout

LATE = 3.0  # seconds until a slow server answers a login


class SshDoor:
    """Listens on the server's address while open; `open` again to take a new host key.

    `hush` keeps accepting, but nobody gets an answer any more until it is opened again.
    """

    def __init__(self, layout: Layout, disk: Disk, port: int) -> None:
        self.layout = layout
        self.commands = Commands(layout, disk)
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.late = 0.0
        self._port = port
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._silent: asyncio.Server | None = None
        self._waiting: set[asyncio.StreamWriter] = set()

    @property
    def is_open(self) -> bool:
        return self._acceptor is not None

    @property
    def is_lost(self) -> bool:
        """Whether it should listen, and does not."""
        listener = self._acceptor or self._silent
        return listener is not None and not listener.is_serving()

    async def open(self) -> None:
        """Raises OSError when the address is taken, asyncssh.KeyImportError for a bad host key."""
        host_key = asyncssh.read_private_key(str(self.layout.host_key))
        self._end_silence()
        if self._acceptor is not None:
            self._acceptor.update(server_host_keys=[host_key])
            return
        self._acceptor = await asyncssh.listen(
            self.layout.address,
            self._port,
            server_factory=lambda: _Login(self),
            server_host_keys=[host_key],
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            gss_host=None,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            config=[],
        )

    async def hush(self) -> None:
        """Accept whoever comes, and answer nothing; who is logged in already can start nothing more."""
        self.commands.answering.clear()
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        if self._silent is None:
            self._silent = await asyncio.start_server(self._say_nothing, self.layout.address, self._port)

    async def close(self) -> None:
        """Stop listening and drop whoever is connected."""
        self._end_silence()
        for connection in list(self.connections):
            connection.abort()
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
            self._acceptor = None

    def _end_silence(self) -> None:
        self.commands.answering.set()
        if self._silent is not None:
            self._silent.close()
            self._silent = None
        for writer in self._waiting:
            writer.transport.abort()

    async def _say_nothing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._waiting.add(writer)
        try:
            while await reader.read(1024):
                continue
        except ConnectionError:
            return
        finally:
            self._waiting.discard(writer)
            writer.close()


class _Login(asyncssh.SSHServer):
    """Who may come in, and what they may do."""

    def __init__(self, door: SshDoor) -> None:
        self._door = door

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._door.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.connections.discard(self._connection)

    async def begin_auth(self, username: str) -> bool:
        """Always ask for a key, and know only those that the user's file names at this moment."""
        await asyncio.sleep(self._door.late)
        keys = self._authorized_keys(username)
        if keys is not None:
            self._connection.set_authorized_keys(str(keys))
        return True

    def session_requested(self) -> Command:
        return self._door.commands.new()

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Forwarding is allowed: a server may be the bastion of others."""
        return True

    def _authorized_keys(self, user: str) -> Path | None:
        try:
            keys = self._door.layout.authorized_keys(user)
        except ValueError:
            return None
        return keys if keys.is_file() and keys.stat().st_size else None
