"""One unit's process: started, watched, restarted as its file says, and ended with everything it started."""

import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from local.servers import processes
from local.servers.disk import Disk
from local.servers.journal import Journal
from local.servers.units import Command, Condition, Unit
from local.servers.usage import INVOCATION_VARIABLE

CLEAN_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
CANNOT_START = 203
PATIENCE = 0.05


class Service:
    """The processes of one service unit. Every method may be called from any thread."""

    def __init__(self, unit: Unit, environment: Mapping[str, str], home: Path, journal: Journal, disk: Disk) -> None:
        self.unit = unit
        self.state = ("inactive", "dead")
        self.result = "success"
        self.restarts = 0
        self.exit_code = 0
        self.condition_met = True
        self.crash = ""
        self._disk = disk
        self._invocation = ""
        self._out_of_memory = False
        self._starts: list[float] = []
        self._environment = {**environment, **unit.environment}
        self._folder = unit.working_directory or str(home)
        self._journal = journal
        self._process: subprocess.Popen[bytes] | None = None
        self._stop_wanted = threading.Event()
        self._watcher: threading.Thread | None = None
        self._lock = threading.RLock()

    @property
    def active(self) -> bool:
        return self.state[0] in ("active", "activating", "deactivating", "reloading")

    @property
    def pid(self) -> int:
        """The main process, 0 where there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def start(self) -> bool:
        """Start what is not running; for a oneshot, wait for its end. False when it could not start or failed.

        As with systemd, a condition that does not hold leaves it as it is, and is no failure.
        """
        with self._lock:
            if self.active:
                return True
            if self._watcher is not None:
                self._watcher.join()  # it has seen the end, and is about to leave
            self.condition_met = all(_holds(condition) for condition in self.unit.conditions)
            if not self.condition_met:
                return True
            if not self._start_allowed():
                self._fail("start-limit-hit")
                return False
            self._stop_wanted.clear()
            self.restarts = 0
            if self.unit.type == "oneshot":
                return self._run_to_its_end()
            if not self._prepared() or not self._spawn(self.unit.exec_start[0]):
                return self.unit.type != "exec"
            self._watcher = threading.Thread(target=self._watch, name=self.unit.name, daemon=True)
            self._watcher.start()
            return True

    def stop(self) -> None:
        """SIGTERM, then SIGKILL to whatever is left after the unit's time; returns when nothing of it runs."""
        self._stop_wanted.set()
        while not self._lock.acquire(timeout=PATIENCE):  # a start is under way: end what it waits for
            self._stop_wanted.set()
            self._terminate()
        try:
            self._terminate()
            self._end_watcher()
            self._end_the_rest()
            if self.state[0] != "failed":
                self.state = ("inactive", "dead")
        finally:
            self._lock.release()

    def reset_failed(self) -> None:
        self._starts.clear()
        if self.state[0] == "failed":
            self.state, self.result = ("inactive", "dead"), "success"

    def runs(self, invocation: str) -> bool:
        """Whether a process with that id of a start is one of this service, as it runs now."""
        return bool(invocation) and invocation == self._invocation

    def note_out_of_memory(self, line: str) -> None:
        """One of its processes is killed for lack of memory: then the service has failed, whatever it says itself."""
        self._out_of_memory = True
        self._journal.say(f"{self.unit.name}: {line}")

    def _run_to_its_end(self) -> bool:
        done = self._prepared() and all(self._completed(command) for command in self.unit.exec_start)
        if done:
            self.state = ("active", "exited") if self.unit.remain_after_exit else ("inactive", "dead")
        return done

    def _prepared(self) -> bool:
        return all(self._completed(command) for command in self.unit.exec_start_pre)

    def _completed(self, command: Command) -> bool:
        if not self._spawn(command):
            return command.may_fail
        assert self._process is not None
        self.state = ("activating", "start")
        self._record_end(self._process.wait())
        self._end_the_rest()
        if self._stop_wanted.is_set():
            self.state = ("inactive", "dead")
            return False
        if self.exit_code and not command.may_fail:
            self._fail("exit-code")
            return False
        return True

    def _spawn(self, command: Command) -> bool:
        self._invocation, self._out_of_memory = uuid.uuid4().hex, False
        output = self._journal.pipe()
        try:
            self._process = self._popen(command, output)
        except OSError as error:
            self._journal.say(f"{self.unit.name}: cannot start {command.argv[0]}: {error}")
            self.exit_code = CANNOT_START
            self._fail("exit-code")
            return False
        finally:
            os.close(output)
        self.state, self.result = ("active", "running"), "success"
        return True

    def _popen(self, command: Command, output: int) -> "subprocess.Popen[bytes]":
        environment = {**self._environment, INVOCATION_VARIABLE: self._invocation}
        return subprocess.Popen(
            self._disk.started_on(_resolved(command.argv, environment["PATH"])),
            env=environment,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _watch(self) -> None:
        """A watcher that dies would leave a service that nobody restarts, and that says it runs: `crash` tells."""
        try:
            self._watch_to_the_end()
        except (OSError, RuntimeError, ValueError) as error:
            self.crash = f"{self.unit.name} is not watched any more: {error or type(error).__name__}"

    def _watch_to_the_end(self) -> None:
        """Wait for each end of the main process, and start it again where the unit says so."""
        while True:
            assert self._process is not None
            self._record_end(self._process.wait())
            self._end_the_rest()
            if self._stop_wanted.is_set() or not self._restart_wanted():
                return self._settle()
            self.state = ("activating", "auto-restart")
            if self._stop_wanted.wait(self.unit.restart_after):
                return self._settle()
            if not self._start_allowed():
                return self._fail("start-limit-hit")
            self.restarts += 1
            if not self._spawn(self.unit.exec_start[0]):
                return None

    def _start_allowed(self) -> bool:
        """Counts this start, unless there were too many of late."""
        limit, within, now = self.unit.start_limit, self.unit.start_limit_within, time.monotonic()
        self._starts = [start for start in self._starts if now - start < within]
        if limit and within and len(self._starts) >= limit:
            self._journal.say(
                f"{self.unit.name}: start request repeated too quickly; systemctl reset-failed forgets it"
            )
            return False
        self._starts.append(now)
        return True

    def _restart_wanted(self) -> bool:
        clean = self._ended_cleanly()
        by_signal = self.exit_code < 0
        wanted = {
            "always": True,
            "on-success": clean,
            "on-failure": not clean,
            "on-abnormal": not clean and by_signal,
            "on-abort": not clean and by_signal,
        }
        return wanted.get(self.unit.restart, False)

    def _settle(self) -> None:
        if self._ended_cleanly() or (self._stop_wanted.is_set() and self.exit_code == -signal.SIGKILL):
            self.state = ("inactive", "dead")
        else:
            self._fail("oom-kill" if self._out_of_memory else "signal" if self.exit_code < 0 else "exit-code")

    def _ended_cleanly(self) -> bool:
        return not self._out_of_memory and (self.exit_code == 0 or -self.exit_code in CLEAN_SIGNALS)

    def _record_end(self, code: int) -> None:
        self.exit_code = code

    def _fail(self, result: str) -> None:
        self.state, self.result = ("failed", "failed"), result

    def _terminate(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        self.state = ("deactivating", "stop-sigterm")
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(self.unit.stop_within)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

    def _end_the_rest(self) -> None:
        if self._invocation:
            processes.end(f"{INVOCATION_VARIABLE}={self._invocation}")
        self._journal.settle()

    def _end_watcher(self) -> None:
        """It may be in the middle of a restart: then there is one more process to end."""
        while self._watcher is not None and self._watcher.is_alive():
            self._terminate()
            self._watcher.join(PATIENCE)


def _holds(condition: Condition) -> bool:
    path = Path(condition.path)
    holds = {
        "ConditionPathExists": path.exists(),
        "ConditionPathIsDirectory": path.is_dir(),
        "ConditionFileNotEmpty": path.is_file() and path.stat().st_size > 0,
    }
    return holds[condition.directive] != condition.negated


def _resolved(argv: tuple[str, ...], path: str) -> list[str]:
    """The program is looked up on the server's PATH, not on the local cloud's."""
    if "/" in argv[0]:
        return list(argv)
    found = (Path(folder) / argv[0] for folder in path.split(":"))
    program = next((str(place) for place in found if os.access(place, os.X_OK)), argv[0])
    return [program, *argv[1:]]
