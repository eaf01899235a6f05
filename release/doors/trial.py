"""The door to an artifact that is tried on this machine: a folder of its own, what runs in it, and the end of both.

Programs get what the application's processes have on a server, and not what this shell has: a home and a folder for
temporary files that are empty, and no variables but the given ones. Whatever they start bears a mark, so that also what
left their session is ended.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from contract.commands import runnable
from contract.shebang import why_not_run
from release.process.errors import Refused
from release.process.interruption import INTERRUPTION
from release.process.text import bounded

MARK = "STAGELINE_TRIAL"
INHERITED = ("PATH", "LANG", "LC_ALL", "USER", "LOGNAME", "SHELL")
STOP_LIMIT = 20.0  # seconds: as long as a server's unit waits behind SIGTERM
PAUSE = 0.02
HIDDEN = "***"
SHORTEST_SECRET = 6  # signs of a value that is hidden: shorter ones stand in half of all words


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How time passes: a pause of so many seconds, and the seconds so far."""

    pause: Callable[[float], None] = time.sleep
    ticks: Callable[[], float] = time.monotonic


PACE = Pace()


class Trial:
    """A release's folder and the programs that run there. ``given`` are variables from outside, which are not shown."""

    def __init__(self, folder: Path, given: Mapping[str, str], version: str, pace: Pace) -> None:
        self.release = folder / "release"
        self.port = free_port()
        self._folder, self._given, self._pace = folder, dict(given), pace
        self._log = folder / "output"
        self._program: subprocess.Popen[bytes] | None = None
        self._run: list[subprocess.Popen[bytes]] = []
        self._places = {"HOST": "127.0.0.1", "PORT": str(self.port), "RELEASE_VERSION": version, "SLOT": "blue"}
        for name in ("home", "tmp"):
            (folder / name).mkdir()

    @property
    def url(self) -> str:
        """Where the release has to answer."""
        return f"http://127.0.0.1:{self.port}"

    def give(self, name: str, value: str) -> None:
        """One more variable for what is started from now on."""
        self._given[name] = value

    def run(self, command: Sequence[str], limit: float) -> int | None:
        """Run one of the release's commands to its end: its exit code, None where it did not end in time."""
        return self._ended(self._started(command), limit)

    def start(self, command: Sequence[str]) -> None:
        """Start the release."""
        self._program = self._started(command)

    def exit_code(self) -> int | None:
        """How the release ended; None while it runs."""
        return self._program.poll() if self._program else None

    def stop(self) -> bool:
        """End the release, and say whether it did by itself, as servers ask it to."""
        program = self._program
        if program is None or program.poll() is not None:
            return True
        os.killpg(program.pid, signal.SIGTERM)
        return self._ended(program, STOP_LIMIT) is not None

    def last_line(self) -> str:
        """The last words of what was run, without what it was given."""
        return bounded((self.output().strip().splitlines() or ["nothing"])[-1].strip())

    def output(self) -> str:
        """All that was said, without what was given."""
        text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        for value in sorted(self._given.values(), key=len, reverse=True):
            text = text.replace(value, HIDDEN) if len(value) >= SHORTEST_SECRET else text
        return text

    def end(self) -> None:
        """End whatever was started here, also what hid from its session."""
        while left := self._marked():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for program in self._run:
                program.wait()
            self._pace.pause(PAUSE)

    def _started(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        environment = self._environment()
        words = runnable(command, self.release, environment)
        try:
            with self._log.open("ab") as output:
                program = subprocess.Popen(
                    words,
                    cwd=self.release,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise Refused(f"{command[0]} cannot be run: {why_not_run(words[0], error)}") from None
        self._run.append(program)
        return program

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"HOME": str(self._folder / "home"), "TMPDIR": str(self._folder / "tmp"), MARK: str(self._folder)}
        return {**inherited, **own, **self._given, **self._places}

    def _ended(self, program: "subprocess.Popen[bytes]", limit: float) -> int | None:
        deadline = self._pace.ticks() + limit
        while (code := program.poll()) is None and self._pace.ticks() < deadline:
            INTERRUPTION.check()
            self._pace.pause(PAUSE)
        return code

    def _marked(self) -> list[int]:
        """The processes that bear the mark; only what was started from here where there is no /proc."""
        if not sys.platform.startswith("linux"):
            return [program.pid for program in self._run if program.poll() is None]
        return [
            pid
            for pid in (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())
            if self._is_marked(pid)
        ]

    def _is_marked(self, pid: int) -> bool:
        with suppress(OSError):
            return f"{MARK}={self._folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return False


@contextmanager
def trial(given: Mapping[str, str], version: str, pace: Pace, place: Path | None) -> Iterator[tuple[Trial, Path]]:
    """A trial in a new folder of ``place`` (by default where temporary files lie), and that folder.

    When the block ends, neither a process nor a file of it is left.
    """
    folder = Path(tempfile.mkdtemp(prefix="stageline-check-", dir=place)).resolve()
    tried = Trial(folder, given, version, pace)
    try:
        yield tried, folder
    finally:
        tried.end()
        remove(folder)


def remove(folder: Path) -> None:
    """Take a folder away, also where a release took the right to change its folders from itself."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            if not (one := Path(place, name)).is_symlink():
                one.chmod(0o700)
    shutil.rmtree(folder)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
