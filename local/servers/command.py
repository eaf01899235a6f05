"""What clients of a server's SSH door run there: commands as real processes, and SFTP.

As with OpenSSH (7.9 and newer) a client may signal its command and all that it started; a lost connection alone does
not end it.
"""

import asyncio
import asyncio.subprocess
import os
import signal
from contextlib import suppress
from typing import cast

import asyncssh
from asyncssh.channel import SSHChannel

from local.children import kill, wholly_started
from local.servers.disk import Disk
from local.servers.layout import Layout
from local.servers.sftp import ServerFiles

SFTP_VERSION = 3  # OpenSSH's
_CHUNK = 65536


class Command(asyncssh.SSHServerProcess[bytes]):
    """One session of a client: a command, a shell that reads its input, or SFTP."""

    child: asyncio.subprocess.Process | None = None
    early: tuple[str, ...] = ()  # signals that came while the command was being started

    def started(self, child: asyncio.subprocess.Process) -> None:
        """From now on signals are passed on, and those that came before are."""
        self.child = child
        for name in self.early:
            _signal_group(child.pid, name)

    def signal_received(self, signal: str) -> None:
        """Passed on to the command and what it started."""
        if self.child is None:
            self.early += (signal,)
        elif self.child.returncode is None:
            _signal_group(self.child.pid, signal)


class Commands:
    """Starts the sessions of one server. `answering` is cleared while the server hangs: then none starts."""

    def __init__(self, layout: Layout, disk: Disk) -> None:
        self._layout = layout
        self._disk = disk
        self.answering = asyncio.Event()
        self.answering.set()

    def new(self) -> Command:
        return Command(self._run, self._files, SFTP_VERSION, allow_scp=False)

    async def _files(self, chan: "SSHChannel[bytes]") -> ServerFiles:
        await self.answering.wait()
        home = self._layout.home(chan.get_extra_info("username"))
        return ServerFiles(cast("asyncssh.SSHServerChannel[bytes]", chan), self._layout.root, home, self._disk)

    async def _run(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """One command (or, where none is given, a shell that reads its input), as a real process."""
        await self.answering.wait()
        user = process.get_extra_info("username")
        argv = ["/bin/sh", "-c", process.command] if process.command is not None else ["/bin/sh"]
        starting = asyncio.create_subprocess_exec(
            *self._disk.started_on(argv),
            cwd=self._layout.home(user),
            env={**self._layout.environment(user), **_accepted(process)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        child = await wholly_started(asyncio.ensure_future(starting))
        if isinstance(process, Command):
            process.started(child)
        await _carry(process, child)


async def _carry(process: "asyncssh.SSHServerProcess[bytes]", child: asyncio.subprocess.Process) -> None:
    """Carry input and output until the command ends; its input may still be open then."""
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    feeding = asyncio.create_task(_feed(process.stdin, child.stdin))
    try:
        await asyncio.gather(_drain(child.stdout, process.stdout), _drain(child.stderr, process.stderr))
        code = await child.wait()
    except asyncio.CancelledError:  # the servers' loop ends
        await kill(child)
        raise
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


def _signal_group(pid: int, name: str) -> None:
    known = signal.Signals.__members__.get(f"SIG{name}")
    if known is not None:
        with suppress(ProcessLookupError):
            os.killpg(pid, known)
