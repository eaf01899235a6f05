"""The door to Pulumi: its command line, for one stack.

A subprocess and not the Automation API: that passes configuration in argv, and leaves the backend's lock behind when
its caller is ended (docs/decisions). Output goes to a folder of its own that is kept when the call failed.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from contract.up import FENCE, PASSED_OVER, passed_over_text
from release.doors.engine.call import Ended, Witness, exit_code, start
from release.doors.engine.locks import Lock, Locked, Locks, locks_in, who
from release.doors.engine.output import STACK, changes, document, failed_resources, reason
from release.doors.engine.patience import Patience
from release.doors.engine.traces import Folders, Trace, write_trace
from release.process.errors import Broken, NotBegun, StagelineError, ToldToEnd
from release.process.interruption import INTERRUPTION
from release.process.leftovers import DEPLOYMENT, Leftovers
from release.process.processes import Processes

# Where somebody has asked for events line by line, a preview's one document would not come.
PLAIN_JSON = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": ""}
LIMIT = 3600.0  # seconds of any call: whole environments come up in a quarter of that
READING = 60.0  # seconds of a call that only asks the backend: a rollback asks it, with users waiting
ASKING = frozenset({"stack", "whoami"})  # what Pulumi calls those
BEGUN = ("Updating (", "@ updating")  # what an `up` prints before it looks at the first resource, and while it does
DIAL_LIMIT = 16  # seconds of one SSH dial, its pause included


def _to_nobody(line: str) -> None:
    """Who does not care whom a call waits for."""


class UpFailed(Broken):
    """An ``up`` failed in these resources; in none of them when the program refused, or Pulumi itself could not run."""

    def __init__(self, message: str, *, hint: str = "", resources: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.resources = resources


class Stack:
    """One Pulumi stack of the project in ``project_dir``; ``log_dir`` keeps the output of calls that failed.

    No call takes longer than ``limit`` seconds: the command plugin waits for ever for a server that hangs. One that
    only asks the backend takes ``reading`` at most.
    ``open_locks`` opens the locks in the backend of a URL, or knows none there; without it none is ever removed.
    ``variables`` are set for every call.
    """

    def __init__(
        self,
        project_dir: Path,
        name: str,
        *,
        limit: float = LIMIT,
        reading: float = READING,
        log_dir: Path | None = None,
        open_locks: Callable[[str], Locks | None] | None = None,
        pause: Callable[[float], None] = time.sleep,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self._project_dir = project_dir
        self._limit = limit
        self._reading = min(limit, reading)
        self._open_locks = open_locks
        self._pause = pause
        self._variables = variables
        self._processes = Processes()
        self._folders = Folders(name, log_dir, self._processes)

    def refuse_missing_engine(self) -> None:
        """Broken when there is no pulumi to run: better said before anything begins."""
        if shutil.which("pulumi") is None:
            raise no_engine()

    def version(self) -> str:
        """The version of the pulumi that is on PATH, like 3.259.0."""
        return self._run(["version"]).strip().removeprefix("v")

    def plugins(self) -> dict[str, frozenset[str]]:
        """The versions of each plugin that is installed for it."""
        found: dict[str, frozenset[str]] = {}
        for one in json.loads(self._run(["plugin", "ls", "--json"])):
            found[one["name"]] = found.get(one["name"], frozenset()) | {str(one.get("version", "")).removeprefix("v")}
        return found

    def exists(self) -> bool:
        """Whether the backend has the stack."""
        return self.name in self.all()

    def all(self) -> tuple[str, ...]:
        """The names of the project's stacks in the backend, this one's or not."""
        stacks = json.loads(self._run(["stack", "ls", "--json"]))
        return tuple(stack["name"].split("/")[-1] for stack in stacks)

    def create(self, secrets_provider: str) -> None:
        """Make the empty stack; what it keeps secret is encrypted by ``secrets_provider`` (a Pulumi URL)."""
        self._run(["stack", "init", self.name, "--secrets-provider", secrets_provider, "--non-interactive"])

    def up(
        self,
        *,
        fence: int,
        deployment: str = "",
        passed_over: Collection[str] = (),
        wait: float = 0.0,
        told: Callable[[str], None] = _to_nobody,
        limit: float | None = None,
    ) -> None:
        """Make AWS what the program declares, without the servers that are passed over.

        The program refuses when HEAD's fence is another than ``fence``. What is started carries the ``deployment`` in
        its environment, and is found by that when it outlives us.

        A lock that is proven to be left by this deployment's own Pulumi is removed. For any other one it waits up to
        ``wait`` seconds, ``told`` of whom it waits for; then Locked. UpFailed when resources failed, and when it takes
        longer than ``limit`` seconds.
        """
        environment = {FENCE: str(fence), DEPLOYMENT: deployment, PASSED_OVER: passed_over_text(passed_over)}
        self._up([], environment, Patience(self.name, wait, told, self._pause), limit)

    def replace(self, urn: str, *, fence: int, wait: float = 0.0, told: Callable[[str], None] = _to_nobody) -> None:
        """An ``up`` that also makes the resource ``urn`` anew, by what the program says now: the new one first.

        A lock is waited for as in ``up``.
        """
        environment = {FENCE: str(fence), DEPLOYMENT: "", PASSED_OVER: ""}
        self._up(["--replace", urn], environment, Patience(self.name, wait, told, self._pause))

    def destroy(self, *, deployment: str, wait: float = 0.0, told: Callable[[str], None] = _to_nobody) -> None:
        """Delete all that the stack made; the program is not asked. A lock is waited for as in ``up``."""
        self._changed("destroy", [], {DEPLOYMENT: deployment}, Patience(self.name, wait, told, self._pause))

    def remove(self) -> None:
        """Forget the stack, which has to be empty, and its stack file."""
        self._run(["stack", "rm", self.name, "--yes", "--non-interactive"])

    def preview(self, *, fence: int, deployment: str) -> tuple[str, ...]:
        """What an ``up`` under this fence would change now, each with its kind: "env-lb-live (update)".

        Outputs of the stack do not count. It takes no lock and writes nothing. Broken when it cannot be told.
        """
        command = ["preview", "--stack", self.name, "--json", "--non-interactive", "--suppress-outputs"]
        environment = {FENCE: str(fence), DEPLOYMENT: deployment, PASSED_OVER: "", **PLAIN_JSON}
        return changes(document(self._run(command, environment), f"pulumi preview of {self.name}"))

    def backend(self) -> str:
        """The URL of the backend that keeps the stack's state."""
        return str(document(self._run(["whoami", "--json"]), "pulumi whoami")["url"])

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; empty before its first ``up``. Secret outputs come masked."""
        return document(self._run(["stack", "output", "--stack", self.name, "--json"]), f"pulumi stack of {self.name}")

    def export(self) -> bytes:
        """The stack's state, secrets encrypted as they are in the backend."""
        return self._run(["stack", "export", "--stack", self.name]).encode()

    def refresh_preview(self) -> dict[str, Any]:
        """What a refresh would find changed in AWS, as Pulumi's JSON; neither AWS nor the state is touched."""
        command = ["refresh", "--stack", self.name, "--preview-only", "--json", "--non-interactive"]
        return document(self._run(command, PLAIN_JSON), f"pulumi refresh of {self.name}")

    def _up(
        self, options: list[str], environment: Mapping[str, str], patience: Patience, limit: float | None = None
    ) -> None:
        self._changed("up", options, environment, patience, limit)

    def _changed(
        self,
        verb: str,
        options: list[str],
        environment: Mapping[str, str],
        patience: Patience,
        limit: float | None = None,
    ) -> None:
        command = [verb, "--stack", self.name, "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"]
        freed: frozenset[str] = frozenset()
        while True:
            try:
                self._run([*command, *options], environment, self._locks, limit)
                return
            except Locked as locked:
                left = self._left_by(environment[DEPLOYMENT], locked.locks) - freed
                if not left:
                    patience.wait_for(locked)
            _remove(self._locks, left)
            freed |= left

    @cached_property
    def _locks(self) -> Locks | None:
        """The stack's locks; None where they cannot be read, so that nothing is proven of any."""
        if self._open_locks is None:
            return None
        try:
            return self._open_locks(os.environ.get("PULUMI_BACKEND_URL") or self.backend())
        except ToldToEnd:
            raise
        except StagelineError:
            return None

    def _left_by(self, deployment: str, locks: tuple[Lock, ...]) -> frozenset[str]:
        """Which of these locks are proven to be left by this deployment's own Pulumi, here."""
        return self._folders.left_by(deployment) & {lock.id for lock in locks}

    def _run(
        self,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
        locks: Locks | None = None,
        limit: float | None = None,
    ) -> str:
        """What Pulumi printed. Of a call that locks the stack, ``locks`` shows what it holds."""
        given, limit = environment or {}, min(limit or self._limit, self._limit_of(arguments[0]))
        ended = self._call(arguments, given, locks, limit)
        if ended.code == 0:
            text = ended.out
            self._folders.drop(ended.folder)
            return text
        failure = self._failure(ended, limit)
        if ended.is_orderly or self._is_cleaned_up(given.get(DEPLOYMENT, ""), locks):
            self._folders.forget(ended.folder)
        if isinstance(failure, Locked):
            self._folders.drop(ended.folder)
        if ended.code is not None:
            INTERRUPTION.check()
        raise failure

    def _call(self, arguments: list[str], environment: Mapping[str, str], locks: Locks | None, limit: float) -> Ended:
        folder = self._folders.make()
        try:
            variables = {**os.environ, **self._variables, **environment}
            process = start(["pulumi", *arguments], self._project_dir, variables, folder)
        except FileNotFoundError:
            self._folders.drop(folder)
            raise no_engine() from None
        with INTERRUPTION.passed_on_to(process):
            code = exit_code(process, limit, self._witness(folder, process, environment, locks))
        return Ended(verb=arguments[0], code=code, folder=folder)

    def _limit_of(self, verb: str) -> float:
        return self._reading if verb in ASKING else self._limit

    def _witness(
        self,
        folder: Path,
        process: "subprocess.Popen[bytes]",
        environment: Mapping[str, str],
        locks: Locks | None,
    ) -> Callable[[], bool]:
        """Write down what was started; what looks for the lock that it holds."""
        found = self._processes.find(process.pid)
        if found is None:
            return lambda: True
        trace = Trace(deployment=environment.get(DEPLOYMENT, ""), process=found)
        write_trace(folder, trace)
        return Witness(folder, trace, locks).look if locks is not None else lambda: True

    def _is_cleaned_up(self, deployment: str, locks: Locks | None) -> bool:
        """End what a Pulumi leaves that did not end by itself, its plugins and the lock that it was seen to hold.

        What could not be done now is done before the next ``up``: the trace stays.
        """
        try:
            if deployment:
                Leftovers().end(deployment)
            _remove(locks, self._folders.left_by(deployment))
        except StagelineError:
            return False
        return True

    def _failure(self, ended: Ended, limit: float) -> Broken:
        what = f"pulumi {ended.verb} of {self.name}"
        if ended.code is None:
            hint = f"a server may hang: see which resources were not done in {ended.folder}"
            return _failed(ended, f"{what} did not end within {limit:.0f} s and was ended", hint)
        kept = f"the whole output is in {ended.folder}"
        if ended.killed_by:
            return _failed(ended, f"{what} was killed by signal {ended.killed_by}{_suspicion(ended.killed_by)}", kept)
        if locks := locks_in(ended.output):
            return _locked(what, self.name, locks)
        if ended.verb == "up" and never_began(ended.output):
            return NotBegun(f"{what} failed: {reason(ended.output)}", hint=kept)
        return _failed(ended, f"{what} failed: {reason(ended.output)}", kept)


def never_began(output: str) -> bool:
    """Whether an ``up`` says why it failed and shows no sign of having looked at a resource: silence is no proof."""
    return bool(output.strip()) and not any(sign in output for sign in BEGUN)


def outputs_of(state: bytes) -> dict[str, Any]:
    """The outputs in an exported state; empty for a stack that has not come up. None of them is a secret."""
    resources = (json.loads(state).get("deployment") or {}).get("resources") or []
    return next((dict(one.get("outputs") or {}) for one in resources if one["type"] == STACK), {})


def up_limit(*, install_timeout: int, dial_error_limit: int) -> float:
    """Seconds that a deployment's ``pulumi up`` may take: AWS's part, and twice (the canary, then all others at once)
    what one server may take to be reached and to install."""
    return LIMIT / 2 + 2 * (install_timeout + dial_error_limit * DIAL_LIMIT)


def no_engine() -> NotBegun:
    """What is said where there is no pulumi to run."""
    return NotBegun("there is no pulumi on PATH", hint="install it, or run make setup")


def _remove(locks: Locks | None, ids: Collection[str]) -> None:
    if locks is None or not ids:
        return
    for lock in locks.all():
        if lock.id in ids:
            locks.remove(lock)


def _failed(ended: Ended, message: str, hint: str) -> Broken:
    if ended.verb != "up":
        return Broken(message, hint=hint)
    return UpFailed(message, hint=hint, resources=failed_resources(ended.out))


def _suspicion(number: int) -> str:
    return "; was the machine out of memory?" if number == signal.SIGKILL else f" ({signal.Signals(number).name})"


def _locked(what: str, stack: str, locks: tuple[Lock, ...]) -> Locked:
    """The hint says what to do by what is known of the processes: nothing but waiting helps against one that lives."""
    removals = " and ".join(f"release unlock {stack} {lock.id} --reason TEXT" for lock in locks)
    hint = "wait for it to end" if any(lock.is_alive() for lock in locks) else f"wait; if it is dead: {removals}"
    return Locked(f"{what} failed: the stack is locked by {who(locks)}", hint=hint, locks=locks)
