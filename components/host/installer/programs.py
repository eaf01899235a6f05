"""Programs that are run to their end, and of what they say the end."""

from __future__ import annotations

import select
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.host.installer.errors import Failure
from components.host.installer.told import Tail

HEAR_PAUSE = 0.1  # seconds: how often it is looked whether a program ended whose output others keep open

# What programs say is not trusted to be little: only the end of it is kept, in memory and on the disk.
OUTPUT_LIMIT = 256 << 10
PIPE_LIMIT = 1 << 20  # more than a pipe holds


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the end of what it said."""

    returncode: int
    stdout: str
    stderr: str


def execute(command: Sequence[str], limit: float) -> Ended:
    output, errors = Tail(OUTPUT_LIMIT), Tail(OUTPUT_LIMIT)
    try:
        return Ended(hear(command, limit, output, errors), output.text(), errors.text())
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not end within {limit:.0f} s") from None
    except OSError as error:
        raise Failure(f"{command[0]} cannot be run on this server: {error.strerror}") from None


def hear(command: Sequence[str], limit: float, output: Tail, errors: Tail | None = None, **place: Any) -> int:
    """Run a program to its end and keep the end of what it says: its exit code. Without `errors` it is one stream.

    What the program leaves running is not waited for, also where that holds its output open.
    """
    deadline = time.monotonic() + limit
    second = subprocess.PIPE if errors else subprocess.STDOUT
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=second, bufsize=0, **place
    ) as program:
        try:
            listen(program, deadline, {program.stdout: output, program.stderr: errors})
            return program.wait(max(0.0, deadline - time.monotonic()))
        except BaseException:
            program.kill()
            raise


def listen(program: subprocess.Popen[bytes], deadline: float, tails: dict[Any, Any]) -> None:
    """Until the program ended, or closed all that it says something by."""
    pipes = [pipe for pipe in tails if pipe]
    ended = False
    while pipes and not ended and time.monotonic() < deadline:
        ended = program.poll() is not None  # asked first: what it said until then is in the pipes, and no pipe has more
        for pipe in select.select(pipes, [], [], 0 if ended else HEAR_PAUSE)[0]:
            block = pipe.read(PIPE_LIMIT)
            tails[pipe].add(block)
            if not block:
                pipes.remove(pipe)
