"""Runs the command of a `command:local:Command` on this machine."""

import asyncio
import asyncio.subprocess
import os
from pathlib import Path

from local.children import kill, wholly_started
from local.command_provider.log import Log
from local.command_provider.output import CommandFailed, Output, previous_output
from local.command_provider.values import Properties, plain

INTERPRETER = ["/bin/sh", "-c"]


async def run(command: str, inputs: Properties, before: Properties, folder: Path, log: Log) -> dict[str, str]:
    """stdout and stderr of `command`, run in `folder` or in `dir` below it. Raises CommandFailed."""
    given = plain(inputs)
    output = Output(log=log, logging=given.get("logging", "stdoutAndStderr"))
    try:
        process = await wholly_started(asyncio.ensure_future(_started(command, given, before, folder)))
    except OSError as error:
        raise CommandFailed(f'{error}: running "{command}"') from error
    try:
        await asyncio.gather(_feed(process, given.get("stdin", "")), _collect(process, output))
        code = await process.wait()
    except asyncio.CancelledError:
        await kill(process)
        raise
    if code != 0:
        raise output.failure(f"exit status {code}" if code > 0 else f"signal: {-code}", command)
    return output.results()


async def _started(command: str, given: Properties, before: Properties, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(given.get("interpreter") or INTERPRETER),
        command,
        cwd=folder / given.get("dir", "."),
        env={**os.environ, **given.get("environment", {}), **previous_output(given, before)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def _feed(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(text.encode())
        await process.stdin.drain()
    except ConnectionError:
        return  # the command does not read its input: that is no failure
    finally:
        process.stdin.close()


async def _collect(process: asyncio.subprocess.Process, output: Output) -> None:
    assert process.stdout is not None and process.stderr is not None
    await output.collect(process.stdout, process.stderr)
