"""The door to Pulumi: its command line, for one stack.

A subprocess and not the Automation API: that passes configuration in argv, and leaves the backend's lock behind when
its caller is ended (docs/decisions). Output goes to a file that is kept when the call failed.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from release.errors import Broken, Interrupted

FENCE = "STAGELINE_FENCE"
MOST_ERRORS = 3
HEADING = re.compile(r"  \S+ \((?P<name>[^)]+)\):")


class Stack:
    """One Pulumi stack of the project in ``project_dir``; ``log_dir`` keeps the output of calls that failed."""

    def __init__(self, project_dir: Path, name: str, log_dir: Path | None = None) -> None:
        self.name = name
        self._project_dir = project_dir
        self._log_dir = log_dir

    def exists(self) -> bool:
        """Whether the backend has the stack."""
        stacks = json.loads(self._run(["stack", "ls", "--json"]))
        return any(stack["name"].split("/")[-1] == self.name for stack in stacks)

    def create(self, secrets_provider: str) -> None:
        """Make the empty stack; what it keeps secret is encrypted by ``secrets_provider`` (a Pulumi URL)."""
        self._run(["stack", "init", self.name, "--secrets-provider", secrets_provider, "--non-interactive"])

    def up(self, *, fence: int) -> None:
        """Make AWS what the program declares. The program refuses when HEAD's fence is another than ``fence``."""
        self._run(
            ["up", "--stack", self.name, "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"],
            environment={FENCE: str(fence)},
        )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; empty before its first ``up``. Secret outputs come masked."""
        return dict(json.loads(self._run(["stack", "output", "--stack", self.name, "--json"])))

    def export(self) -> bytes:
        """The stack's state, secrets encrypted as they are in the backend."""
        return self._run(["stack", "export", "--stack", self.name]).encode()

    def _run(self, arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
        descriptor, name = tempfile.mkstemp(prefix=f"stageline-{self.name}-", suffix=".log", dir=self._log_dir)
        os.close(descriptor)
        log = Path(name)
        code = _call(["pulumi", *arguments], self._project_dir, {**os.environ, **(environment or {})}, log)
        text, errors = log.read_text(errors="replace"), Path(f"{log}.err")
        if code != 0:
            raise Broken(
                f"pulumi {arguments[0]} of {self.name} failed: {_reason(errors.read_text(errors='replace') + text)}",
                hint=f"the whole output is in {log}",
            )
        log.unlink()
        errors.unlink()
        return text


def _call(command: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> int:
    """Run a command in a session of its own, so that a Ctrl-C reaches it once and through us only."""
    with SignalsPassedOn() as signals:
        try:
            with log.open("wb") as out, Path(f"{log}.err").open("wb") as err:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
        except FileNotFoundError:
            raise Broken("there is no pulumi on PATH", hint="install it, or run make setup") from None
        signals.to(process)
        code = process.wait()
    if signals.received:
        raise Interrupted(signals.received[0], f"pulumi was asked to stop and ended with {code}")
    return code


class SignalsPassedOn:
    """Passes the first SIGTERM or SIGINT on as one SIGTERM: pulumi then ends its operation and frees its lock.

    A second one ends it at once. One that comes before the process is there is passed on when it is.
    """

    def __init__(self) -> None:
        self.received: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "SignalsPassedOn":
        self._before = {number: signal.signal(number, self._receive) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def to(self, process: "subprocess.Popen[bytes]") -> None:
        """Pass them on to this process."""
        self._process = process
        if self.received:
            process.terminate()

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM if len(self.received) == 1 else signal.SIGKILL)


def failures(output: str) -> list[str]:
    """What failed, from the Diagnostics of Pulumi's output: "<resource>: <its error in one line>" for each.

    A resource's error goes on over the following lines of its block; JSON among them is for programs.
    """
    found: dict[str, list[str]] = {}
    resource, in_error = "", False
    for line in output.partition("Diagnostics:")[2].splitlines():
        if heading := HEADING.fullmatch(line):
            resource, in_error = heading["name"], False
        elif not line.startswith("    "):
            resource, in_error = (resource, False) if not line.strip() else ("", False)
        elif line.startswith("    error:"):
            in_error = True
            found.setdefault(resource, []).append(line.removeprefix("    error:").strip())
        elif in_error and not line.lstrip().startswith("{"):
            found[resource].append(line.strip())
    return [f"{name}: {' '.join(lines)}" for name, lines in found.items() if lines != ["update failed"]]


def _reason(output: str) -> str:
    """What Pulumi says has failed, or what it said last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("error:").strip() for line in lines if line.startswith("error:")]
    chosen = failures(output) or [line for line in dict.fromkeys(errors) if line != "update failed"]
    return " / ".join((chosen or lines[-1:] or ["it printed nothing"])[:MOST_ERRORS])
