"""The SSH door of a local server: public-key login, commands, SFTP and forwarding, like a plain sshd.

Login keys are read from the user's own authorized_keys at every login, the host key from the server's own folder when
the door opens. As with a stock sshd, of a client's environment only LANG and LC_* get through (AcceptEnv).
"""

import asyncio
import asyncio.subprocess
import signal
from collections.abc import Coroutine
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import asyncssh

from local.servers.layout import Layout
from local.servers.sftp import ServerFiles

_T = TypeVar("_T")
_CHUNK = 65536


class LoopThread:
    """One event loop in a thread of its own, for the doors of all servers."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="ssh", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run it there, and wait for it here."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self.run(_end_all_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SshDoor:
    """Listens on the server's address while open; `open` again to take a new host key."""

    def __init__(self, layout: Layout, port: int) -> None:
        self._layout = layout
        self._port = port
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    @property
    def is_open(self) -> bool:
        return self._acceptor is not None

    async def open(self) -> None:
        """Raises OSError when the address is taken, asyncssh.KeyImportError for a bad host key."""
        host_key = asyncssh.read_private_key(str(self._layout.host_key))
        if self._acceptor is not None:
            self._acceptor.update(server_host_keys=[host_key])
            return
        self._acceptor = await asyncssh.listen(
            self._layout.address,
            self._port,
            server_factory=lambda: _Login(self._layout, self._connections),
            server_host_keys=[host_key],
            process_factory=self._run,
            sftp_factory=self._files,
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            gss_host=None,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            config=[],
        )

    async def close(self) -> None:
        """Stop listening and drop whoever is connected."""
        if self._acceptor is None:
            return
        self._acceptor.close()
        for connection in list(self._connections):
            connection.abort()
        await self._acceptor.wait_closed()
        self._acceptor = None

    def _files(self, chan: "asyncssh.SSHServerChannel[bytes]") -> ServerFiles:
        home = self._layout.home(chan.get_extra_info("username"))
        return ServerFiles(chan, self._layout.root, home)

    async def _run(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """One command (or, where none is given, a shell that reads its input), as a real process."""
        user = process.get_extra_info("username")
        argv = ["/bin/sh", "-c", process.command] if process.command is not None else ["/bin/sh"]
        child = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self._layout.home(user),
            env={**self._layout.environment(user), **_accepted(process)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        await _carry(process, child)


class _Login(asyncssh.SSHServer):
    """Who may come in, and what besides commands they may do."""

    def __init__(self, layout: Layout, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._layout = layout
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Always ask for a key, and know only those that the user's file names at this moment."""
        keys = self._authorized_keys(username)
        if keys is not None:
            self._connection.set_authorized_keys(str(keys))
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Forwarding is allowed: a server may be the bastion of others."""
        return True

    def _authorized_keys(self, user: str) -> Path | None:
        try:
            keys = self._layout.authorized_keys(user)
        except ValueError:
            return None
        return keys if keys.is_file() and keys.stat().st_size else None


async def _carry(process: "asyncssh.SSHServerProcess[bytes]", child: asyncio.subprocess.Process) -> None:
    """Carry input and output until the command ends; its input may still be open then."""
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    feeding = asyncio.create_task(_feed(process.stdin, child.stdin))
    try:
        await asyncio.gather(_drain(child.stdout, process.stdout), _drain(child.stderr, process.stderr))
        code = await child.wait()
    finally:
        feeding.cancel()
    if code < 0:
        process.exit_with_signal(_signal_name(-code))
    else:
        process.exit(code)


async def _feed(source: "asyncssh.SSHReader[bytes]", target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    except (ConnectionError, asyncssh.Error):
        return  # either side is gone: the command's end says why
    finally:
        target.close()


async def _drain(source: asyncio.StreamReader, target: "asyncssh.SSHWriter[bytes]") -> None:
    """Reads to the end even when the client has left: a command must not hang on a full pipe."""
    left = False
    while data := await source.read(_CHUNK):
        if left:
            continue
        try:
            target.write(data)
            await target.drain()
        except (OSError, asyncssh.Error):
            left = True


def _accepted(process: "asyncssh.SSHServerProcess[bytes]") -> dict[str, str]:
    return {name: value for name, value in process.env.items() if name == "LANG" or name.startswith("LC_")}


def _signal_name(number: int) -> str:
    return signal.Signals(number).name.removeprefix("SIG")


async def _end_all_tasks() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
