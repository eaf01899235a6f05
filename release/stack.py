"""The door to Pulumi: its command line, for one stack.

A subprocess and not the Automation API: that passes configuration in argv, and leaves the backend's lock behind when
its caller is ended (docs/decisions). Output goes to a folder of its own that is kept when the call failed.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release.errors import Broken
from release.interruption import INTERRUPTION

FENCE = "STAGELINE_FENCE"
MOST_ERRORS = 3
MOST_TEXT = 500  # characters of one reason: it goes into the ledger and onto one line
LIMIT = 3600.0  # seconds of any call: whole environments come up in a quarter of that
END_LIMIT = 60.0  # seconds between being asked to end and being ended
DIAL_LIMIT = 16  # seconds of one SSH dial, its pause included
OUT, ERR = "out.log", "err.log"
LOCK = re.compile(r": created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
HEADING = re.compile(r"  \S+ \((?P<name>[^)]+)\):")


@dataclass(frozen=True, kw_only=True)
class LockHolder:
    """The process that a lock of the backend names."""

    host: str
    pid: int

    def is_dead(self) -> bool:
        """Whether it is known to have ended with all its group: only of this host's processes can that be told."""
        return self.host == socket.gethostname() and _is_gone(os.kill, self.pid) and _is_gone(os.killpg, self.pid)


class Locked(Broken):
    """The stack is locked in the backend, by these processes."""

    def __init__(self, message: str, *, hint: str = "", holders: tuple[LockHolder, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.holders = holders


class Stack:
    """One Pulumi stack of the project in ``project_dir``; ``log_dir`` keeps the output of calls that failed.

    No call takes longer than ``limit`` seconds: the command plugin waits for ever for a server that hangs.
    """

    def __init__(self, project_dir: Path, name: str, *, limit: float = LIMIT, log_dir: Path | None = None) -> None:
        self.name = name
        self._project_dir = project_dir
        self._limit = limit
        self._log_dir = log_dir

    def refuse_missing_engine(self) -> None:
        """Broken when there is no pulumi to run: better said before anything begins."""
        if shutil.which("pulumi") is None:
            raise no_engine()

    def exists(self) -> bool:
        """Whether the backend has the stack."""
        stacks = json.loads(self._run(["stack", "ls", "--json"]))
        return any(stack["name"].split("/")[-1] == self.name for stack in stacks)

    def create(self, secrets_provider: str) -> None:
        """Make the empty stack; what it keeps secret is encrypted by ``secrets_provider`` (a Pulumi URL)."""
        self._run(["stack", "init", self.name, "--secrets-provider", secrets_provider, "--non-interactive"])

    def up(self, *, fence: int) -> None:
        """Make AWS what the program declares. The program refuses when HEAD's fence is another than ``fence``.

        A lock whose process is dead is removed. While it is there nobody else gets one, so it is the only one.
        """
        self._up([], fence)

    def replace(self, urn: str, *, fence: int) -> None:
        """An ``up`` that also makes the resource ``urn`` anew, by what the program says now: the new one first."""
        self._up(["--replace", urn], fence)

    def _up(self, options: list[str], fence: int) -> None:
        command = ["up", "--stack", self.name, "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"]
        environment = {FENCE: str(fence)}
        try:
            self._run([*command, *options], environment)
        except Locked as locked:
            if not all(holder.is_dead() for holder in locked.holders):
                raise
            self._run(["cancel", "--stack", self.name, "--yes", "--non-interactive"])
            self._run([*command, *options], environment)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; empty before its first ``up``. Secret outputs come masked."""
        return dict(json.loads(self._run(["stack", "output", "--stack", self.name, "--json"])))

    def export(self) -> bytes:
        """The stack's state, secrets encrypted as they are in the backend."""
        return self._run(["stack", "export", "--stack", self.name]).encode()

    def refresh_preview(self) -> dict[str, Any]:
        """What a refresh would find changed in AWS, as Pulumi's JSON; neither AWS nor the state is touched."""
        return dict(
            json.loads(self._run(["refresh", "--stack", self.name, "--preview-only", "--json", "--non-interactive"]))
        )

    def _run(self, arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
        logs = Path(tempfile.mkdtemp(prefix=f"stageline-{self.name}-", dir=self._log_dir))
        process = _start(["pulumi", *arguments], self._project_dir, {**os.environ, **(environment or {})}, logs)
        with INTERRUPTION.passed_on_to(process):
            code = _wait(process, self._limit)
        text = (logs / OUT).read_text(errors="replace")
        if code is None:
            raise _too_long(f"pulumi {arguments[0]} of {self.name}", self._limit, logs)
        if code != 0:
            INTERRUPTION.check()
            output = (logs / ERR).read_text(errors="replace") + text
            raise _failure(f"pulumi {arguments[0]} of {self.name}", output, logs)
        shutil.rmtree(logs)
        return text


def no_engine() -> Broken:
    """What is said where there is no pulumi to run."""
    return Broken("there is no pulumi on PATH", hint="install it, or run make setup")


def _is_gone(ask: Callable[[int, int], None], number: int) -> bool:
    try:
        ask(number, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _failure(what: str, output: str, logs: Path) -> Broken:
    if holders := lock_holders(output):
        who = ", ".join(f"process {holder.pid} on {holder.host}" for holder in holders)
        return Locked(f"{what} failed: the stack is locked by {who}", hint="wait for it to end", holders=holders)
    return Broken(f"{what} failed: {_reason(output)}", hint=f"the whole output is in {logs}")


def lock_holders(output: str) -> tuple[LockHolder, ...]:
    """The processes that hold the stack, when that is why Pulumi failed."""
    if "the stack is currently locked by" not in output:
        return ()
    return tuple(LockHolder(host=found["host"], pid=int(found["pid"])) for found in LOCK.finditer(output))


def up_limit(*, install_timeout: int, dial_error_limit: int) -> float:
    """Seconds that a deployment's ``pulumi up`` may take: AWS's part, and twice (the canary, then all others at once)
    what one server may take to be reached and to install."""
    return LIMIT / 2 + 2 * (install_timeout + dial_error_limit * DIAL_LIMIT)


def _too_long(what: str, limit: float, logs: Path) -> Broken:
    hint = f"a server may hang: see which resources were not done in {logs}"
    return Broken(f"{what} did not end within {limit:.0f} s and was ended", hint=hint)


def _wait(process: "subprocess.Popen[bytes]", limit: float) -> int | None:
    """The exit code; None for a process that had to be ended."""
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        process.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return None


def _start(command: list[str], folder: Path, environment: Mapping[str, str], logs: Path) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own, so that a Ctrl-C reaches it once and through us only."""
    try:
        with (logs / OUT).open("wb") as out, (logs / ERR).open("wb") as err:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
    except FileNotFoundError:
        shutil.rmtree(logs)
        raise no_engine() from None


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
    return " / ".join(text[:MOST_TEXT] for text in (chosen or lines[-1:] or ["it printed nothing"])[:MOST_ERRORS])
