"""AWS, asked by its own command with the server's role, and asked again where that may help."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from components.host.installer.errors import Failure, Stopped
from components.host.installer.programs import execute
from components.host.installer.slots import Server
from components.host.installer.told import last_line

AWS_LIMIT = 300.0  # seconds
ATTEMPTS = 3
RETRY_PAUSE = 1.0  # seconds
T = TypeVar("T")


def aws(server: Server, *arguments: str) -> str:
    done = execute(["aws", *arguments, "--region", server.region], AWS_LIMIT)
    if done.returncode != 0:
        raise Failure(f"aws {' '.join(arguments[:2])} failed with {done.returncode}: {last_line(done.stderr)}")
    return done.stdout


def parameter_call(name: str) -> tuple[str, ...]:
    return ("ssm", "get-parameter", "--name", name, "--query", "Parameter.Value", "--output", "text")


def fetched(server: Server, parse: Callable[[str], T], *arguments: str) -> T:
    """What an aws call answers, parsed; its text is never shown, it may be a secret."""
    text = retried(lambda: aws(server, *arguments))
    try:
        return parse(text)
    except ValueError:
        raise Failure(f"{' '.join(arguments[:4])} does not say what it has to: run pulumi up") from None


def retried(action: Callable[[], T]) -> T:
    """The action's result; tried again a bounded number of times, with growing pauses that differ by chance."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return action()
        except Stopped:
            raise
        except Failure:
            time.sleep(RETRY_PAUSE * 2**attempt * (0.5 + os.urandom(1)[0] / 255))
    return action()
