"""Runs one part of a set-up after the other, shows what runs and for how long, and skips what is done."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".engine"
TICK_S = 1.0
LOG_LINES_SHOWN = 15


class SetupFailed(Exception):
    """A part could not be done; one line says what, why, and what to do next."""


def done(stamp: Path, key: str) -> bool:
    """Whether the part of that stamp was finished with exactly this input."""
    return stamp.is_file() and stamp.read_text(encoding="ascii") == key


def mark_done(stamp: Path, key: str) -> None:
    """Note that a part was finished with this input; written whole or not at all."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    fresh = stamp.with_name(stamp.name + ".new")
    fresh.write_text(key, encoding="ascii")
    fresh.replace(stamp)


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that two set-ups at once wait for each other instead of mixing."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is running here: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def command(name: str, work: Callable[[], object]) -> int:
    """Do the work of a command; a failure is one line. Exit 0 done, 1 failed, 130 interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or what a part started would outlive us
    try:
        work()
    except SetupFailed as error:
        say(f"{name}: {error}")
        return 1
    except KeyboardInterrupt:
        say(f"{name}: interrupted; run it again, and it goes on where it was")
        return 130
    return 0


def say(line: str) -> None:
    """One line of progress, on stderr: stdout belongs to results."""
    print(line, file=sys.stderr, flush=True)


def run(
    title: str,
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    log: Path = WORK / "setup.log",
) -> None:
    """Run a command, with its output in a log, and show its title and its seconds.

    Raises SetupFailed when it fails, after showing the end of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("ab") as output:
        output.write(f"\n== {title}\n".encode())
        output.flush()
        code = _wait(title, _start(command, output.fileno(), env, cwd), started)
    if code:
        _show_end(title, log)
        raise SetupFailed(f"{title} failed: see above and .engine/{log.name}, then run it again")


def _start(
    command: Sequence[str | Path], output: int, env: Mapping[str, str] | None, cwd: Path
) -> subprocess.Popen[bytes]:
    """In a session of its own, so that an interruption ends it with everything it started."""
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise SetupFailed(f"{command[0]} cannot be run: {error.strerror}") from error


def _wait(title: str, process: subprocess.Popen[bytes], started: float) -> int:
    say_now = _on_terminal if sys.stderr.isatty() else _elsewhere
    say_now(title, None)
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(TICK_S)
                break
            if sys.stderr.isatty():
                _on_terminal(title, time.monotonic() - started)
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    say_now(title, time.monotonic() - started, end="\n")
    return code


def _on_terminal(title: str, seconds: float | None, end: str = "") -> None:
    took = "" if seconds is None else f" {seconds:.0f} s"
    print(f"\r  {title} ...{took}", end=end, file=sys.stderr, flush=True)


def _elsewhere(title: str, seconds: float | None, end: str = "") -> None:
    say(f"  {title} ..." if seconds is None else f"  {title}: {seconds:.1f} s")


def _show_end(title: str, log: Path) -> None:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    starts = [number for number, line in enumerate(lines, 1) if line == f"== {title}"]
    for line in lines[starts[-1] if starts else 0 :]:
        say(f"    {line}")
