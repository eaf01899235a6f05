"""The door to Pulumi: its command line, for one stack.

A subprocess and not the Automation API: that passes configuration in argv, and leaves the backend's lock behind when
its caller is ended (docs/decisions). Output goes to a folder of its own that is kept when the call failed.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from release.deployment.interruption import INTERRUPTION
from release.deployment.leftovers import DEPLOYMENT
from release.engine.locks import Lock, locks_in
from release.errors import Broken

STACK = "pulumi:pulumi:Stack"
FENCE = "STAGELINE_FENCE"
MOST_ERRORS = 3
MOST_TEXT = 500  # characters of one reason: it goes into the ledger and onto one line
LIMIT = 3600.0  # seconds of any call: whole environments come up in a quarter of that
END_LIMIT = 60.0  # seconds between being asked to end and being ended
DIAL_LIMIT = 16  # seconds of one SSH dial, its pause included
OUT, ERR = "out.log", "err.log"
HEADING = re.compile(r"  \S+ \((?P<name>[^)]+)\):")


class Locked(Broken):
    """The stack is locked in the backend, by these locks."""

    def __init__(self, message: str, *, hint: str = "", locks: tuple[Lock, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.locks = locks


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

    def up(self, *, fence: int, deployment: str = "") -> None:
        """Make AWS what the program declares. The program refuses when HEAD's fence is another than ``fence``.

        What it starts carries the ``deployment`` in its environment, and is found by that when it outlives us. A lock
        whose process is dead is removed. While it is there nobody else gets one, so it is the only one.
        """
        self._up([], fence, deployment)

    def replace(self, urn: str, *, fence: int) -> None:
        """An ``up`` that also makes the resource ``urn`` anew, by what the program says now: the new one first."""
        self._up(["--replace", urn], fence, "")

    def _up(self, options: list[str], fence: int, deployment: str) -> None:
        command = ["up", "--stack", self.name, "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"]
        environment = {FENCE: str(fence), DEPLOYMENT: deployment}
        try:
            self._run([*command, *options], environment)
        except Locked as locked:
            if not all(lock.is_dead() for lock in locked.locks):
                raise
            self._run(["cancel", "--stack", self.name, "--yes", "--non-interactive"])
            self._run([*command, *options], environment)

    def backend(self) -> str:
        """The URL of the backend that keeps the stack's state."""
        return str(json.loads(self._run(["whoami", "--json"]))["url"])

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
            raise _failure(f"pulumi {arguments[0]} of {self.name}", self.name, output, logs)
        shutil.rmtree(logs)
        return text


def outputs_of(state: bytes) -> dict[str, Any]:
    """The outputs in an exported state; empty for a stack that has not come up. None of them is a secret."""
    resources = (json.loads(state).get("deployment") or {}).get("resources") or []
    return next((dict(one.get("outputs") or {}) for one in resources if one["type"] == STACK), {})


def no_engine() -> Broken:
    """What is said where there is no pulumi to run."""
    return Broken("there is no pulumi on PATH", hint="install it, or run make setup")


def _failure(what: str, stack: str, output: str, logs: Path) -> Broken:
    if locks := locks_in(output):
        return _locked(what, stack, locks)
    return Broken(f"{what} failed: {_reason(output)}", hint=f"the whole output is in {logs}")


def _locked(what: str, stack: str, locks: tuple[Lock, ...]) -> Locked:
    """The hint says what to do by what is known of the processes: nothing but waiting helps against one that lives."""
    who = ", ".join(map(str, locks))
    removals = " and ".join(f"release unlock {stack} {lock.id} --reason TEXT" for lock in locks)
    hint = "wait for it to end" if any(lock.is_alive() for lock in locks) else f"wait; if it is dead: {removals}"
    return Locked(f"{what} failed: the stack is locked by {who}", hint=hint, locks=locks)


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
