"""`release` as a fork of an interpreter that has imported it: a process of its own all the same, without the imports.

Most tests run a verb and look at how it ended. Where the process itself matters, because a test kills, interrupts or
watches it, the real command is started (`clone.begin`), and so it is by the pages, by the demo and in benchmarks.
"""

import os
import pkgutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import release
from local.interpreter.keeper import SOCKET, Keeper
from local.interpreter.launcher import connect, ended, hand_over

COMMAND = Path(sys.prefix) / "bin" / "release"
COMMANDS_MODULE = "release.__main__"  # runs when it is imported
PACKAGES = ("boto3", "botocore.httpsession", "pydantic", "yaml")


class Verbs:
    """Runs verbs; its interpreter is started by the first one, and its socket is in the folder."""

    def __init__(self, folder: Path) -> None:
        modules = [module.name for module in pkgutil.walk_packages(release.__path__, "release.")]
        self._keeper = Keeper(folder, (*PACKAGES, *(name for name in modules if name != COMMANDS_MODULE)))
        self._folder = folder

    def run(
        self, command: Sequence[str], folder: Path, variables: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """Run `release` to its end, as `subprocess.run` does."""
        request: dict[str, object] = {
            "arguments": [str(COMMAND), *command[1:]],
            "environment": dict(variables),
            "folder": str(folder),
        }
        with (
            Path(os.devnull).open("rb") as nothing,
            tempfile.TemporaryFile() as said,
            tempfile.TemporaryFile() as complained,
        ):
            with self._begun(request, (nothing.fileno(), said.fileno(), complained.fileno())) as process:
                code = ended(process)
            for output in (said, complained):
                output.seek(0)
            return subprocess.CompletedProcess(command, code, said.read().decode(), complained.read().decode())

    def _begun(self, request: dict[str, object], streams: tuple[int, ...]) -> socket.socket:
        """The interpreter may end in this very moment, as nobody asked for a while: the next one does it then."""
        with suppress(OSError):
            return self._handed_over(request, streams)
        return self._handed_over(request, streams)

    def _handed_over(self, request: dict[str, object], streams: tuple[int, ...]) -> socket.socket:
        self._keeper.handle({}, None)
        return hand_over(connect(str(self._folder), SOCKET), request, streams)

    def close(self) -> None:
        self._keeper.close()


_verbs: list[Verbs] = []


@contextmanager
def warm(folder: Path) -> Iterator[None]:
    """Shells run verbs like this until the end."""
    _verbs.append(Verbs(folder))
    try:
        yield
    finally:
        _verbs.pop().close()


def warm_verbs() -> Verbs | None:
    """Who runs them; None outside of tests."""
    return _verbs[-1] if _verbs else None
