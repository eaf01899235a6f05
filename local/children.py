"""Processes of an event loop that end with the task that waits for them: none is lost, none is left running."""

import asyncio
import asyncio.subprocess
import os
import signal
from contextlib import suppress

Child = asyncio.subprocess.Process


async def wholly_started(starting: asyncio.Future[Child]) -> Child:
    """Cancelled in the middle, asyncio would lose the children of the process, and wait for their pipes for ever."""
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await kill(await starting)
        raise


async def kill(child: Child) -> None:
    """Whoever cancels wants the command gone, with what it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()
