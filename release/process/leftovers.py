"""What a killed deployment left running on this machine: Pulumi, its language host, its plugins, and every ssh that
waits for an installer.

All of them carry the deployment's name in their environment, so nothing else is ever ended: no process number was
written down that another process could have by now. Pulumi itself is asked first and waited for, because it then ends
its operation and frees its lock. On Linux only; elsewhere nothing is found, and the backend's lock stands in the way.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from release.process.errors import Broken

DEPLOYMENT = "STAGELINE_DEPLOYMENT"
GRACE = 60.0  # seconds that Pulumi may take to end what it is doing
MORE = 5.0  # seconds that everything else may take, each time it is asked
PAUSE = 0.1


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A process and the name of its program."""

    pid: int
    program: str


class Leftovers:
    """The processes of this machine, as `/proc` shows them."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        *,
        kill: Callable[[int, int], None] = os.kill,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._proc = proc
        self._kill = kill
        self._pause = pause

    def of(self, deployment: str) -> tuple[Leftover, ...]:
        """What still runs for a deployment, but for this process."""
        mark = f"{DEPLOYMENT}={deployment}".encode()
        return tuple(found for found in self._processes() if mark in self._environment(found.pid))

    def end(self, deployment: str) -> tuple[str, ...]:
        """End all of it; the programs that were ended. Broken when one does not go."""
        ended = self.of(deployment)
        self._ask(deployment, signal.SIGTERM, GRACE, only="pulumi")
        self._ask(deployment, signal.SIGTERM, MORE)
        self._ask(deployment, signal.SIGKILL, MORE)
        if left := self.of(deployment):
            who = ", ".join(f"{one.program} ({one.pid})" for one in left)
            raise Broken(f"still running for {deployment}: {who}", hint="end these processes, then run it again")
        return tuple(one.program for one in ended)

    def _ask(self, deployment: str, number: int, limit: float, only: str = "") -> None:
        """Signal once, and wait until nobody is left or the limit is over."""
        for one in self._chosen(deployment, only):
            with suppress(ProcessLookupError):
                self._kill(one.pid, number)
        for _ in range(round(limit / PAUSE)):
            if not self._chosen(deployment, only):
                return
            self._pause(PAUSE)

    def _chosen(self, deployment: str, only: str) -> list[Leftover]:
        return [one for one in self.of(deployment) if only in ("", one.program)]

    def _processes(self) -> Iterator[Leftover]:
        for folder in self._proc.glob("[0-9]*"):
            if int(folder.name) != os.getpid():
                with suppress(OSError):  # it has just ended, or is somebody else's
                    program = (folder / "cmdline").read_bytes().split(b"\0")[0]
                    yield Leftover(pid=int(folder.name), program=Path(os.fsdecode(program)).name)

    def _environment(self, pid: int) -> list[bytes]:
        with suppress(OSError):
            return (self._proc / str(pid) / "environ").read_bytes().split(b"\0")
        return []
