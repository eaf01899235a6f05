"""What a command prints: kept as outputs, mixed for the error text, and passed on line by line."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Protocol

from local.command_provider.log import Log
from local.command_provider.values import Properties, plain

_CHUNK = 65536
PREVIOUS = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}


class CommandFailed(Exception):
    """A command ended with a failure; the text holds the command and what it printed, as the genuine plugin's does."""


class Reader(Protocol):
    async def read(self, n: int = -1) -> bytes: ...


@dataclass(kw_only=True)
class Output:
    """Collects both streams of one command; `logging` says which of them the engine shows."""

    log: Log
    logging: str
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    mixed: bytearray = field(default_factory=bytearray)

    async def collect(self, stdout: Reader, stderr: Reader) -> None:
        """Read both to their end."""
        await asyncio.gather(
            self._read(stdout, self.stdout, shown=self.logging in ("stdout", "stdoutAndStderr")),
            self._read(stderr, self.stderr, shown=self.logging in ("stderr", "stdoutAndStderr")),
        )

    def results(self) -> dict[str, str]:
        """The outputs of the resource, without one final line end."""
        return {"stdout": _text(self.stdout), "stderr": _text(self.stderr)}

    def failure(self, ended: str, command: str) -> CommandFailed:
        return CommandFailed(
            f"{ended}: running {json.dumps(command, ensure_ascii=False)}:\n{self.mixed.decode(errors='replace')}"
        )

    async def _read(self, source: Reader, target: bytearray, *, shown: bool) -> None:
        line = b""
        while data := await source.read(_CHUNK):
            target += data
            self.mixed += data
            if shown:
                *lines, line = (line + data).split(b"\n")
                self._show(lines)
        if line:
            self._show([line])

    def _show(self, lines: list[bytes]) -> None:
        for line in lines:
            self.log.status(line.decode(errors="replace"))


def previous_output(inputs: Properties, before: Properties) -> dict[str, str]:
    """What the run before printed, for the environment of this one, unless that is switched off."""
    if not inputs.get("addPreviousOutputInEnv", True):
        return {}
    values = {variable: plain(before.get(name)) for name, variable in PREVIOUS.items()}
    return {variable: value for variable, value in values.items() if value}


def _text(data: bytearray) -> str:
    return data.decode(errors="replace").removesuffix("\n")
