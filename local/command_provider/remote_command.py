"""Runs the command of a `command:remote:Command` on its server."""

import asyncio
import signal
from contextlib import suppress

import asyncssh

from local.command_provider.connection import Dialled, connection_of
from local.command_provider.log import Log
from local.command_provider.output import CommandFailed, Output, previous_output
from local.command_provider.values import Properties, plain

KILL_PATIENCE = 2.0
_REFUSED_VARIABLE = (
    "Unable to set '{}'. This only works if your SSH server is configured to accept these variables via AcceptEnv. "
    "Give the data on stdin instead."
)


async def run(command: str, inputs: Properties, before: Properties, log: Log) -> dict[str, str]:
    """stdout and stderr of `command`. Raises DialFailed, CommandFailed."""
    given = plain(inputs)
    environment = _environment(given, before, log)
    output = Output(log=log, logging=given.get("logging", "stdoutAndStderr"))
    async with Dialled(connection_of(given["connection"]), log) as connection:
        process = await connection.create_process(command, env=environment, encoding=None)
        try:
            await asyncio.gather(_feed(process, given.get("stdin", "")), output.collect(process.stdout, process.stderr))
            await process.wait_closed()
        except asyncio.CancelledError:
            await _kill(process)
            raise
    if process.returncode != 0:
        raise output.failure(_ended(process), command)
    return output.results()


async def _kill(process: "asyncssh.SSHClientProcess[bytes]") -> None:
    """Whoever cancels wants the command gone on the server too; a lost connection alone would leave it running."""
    with suppress(OSError, TimeoutError):
        process.kill()
        await asyncio.wait_for(process.wait_closed(), KILL_PATIENCE)


async def _feed(process: "asyncssh.SSHClientProcess[bytes]", text: str) -> None:
    try:
        process.stdin.write(text.encode())
        process.stdin.write_eof()
        await process.stdin.drain()
    except (OSError, asyncssh.Error):
        return  # the command does not read its input, or has ended already: that is no failure


def _environment(given: Properties, before: Properties, log: Log) -> dict[str, str]:
    """SSH does not tell our client which variable the server refused, so we go by what a stock sshd accepts."""
    wanted: dict[str, str] = given.get("environment", {})
    for name in wanted:
        if not _is_accepted(name):
            raise CommandFailed(f'could not set environment variable "{name}": {_REFUSED_VARIABLE.format(name)}')
    for name in previous_output(given, before):
        log.warning(_REFUSED_VARIABLE.format(name))
    return wanted


def _is_accepted(variable: str) -> bool:
    return variable == "LANG" or variable.startswith("LC_")


def _ended(process: "asyncssh.SSHClientProcess[bytes]") -> str:
    if process.exit_signal is not None:
        name = process.exit_signal[0]
        return f"Process exited with status {128 + signal.Signals[f'SIG{name}']} from signal {name}"
    if process.exit_status is None:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {process.exit_status}"
