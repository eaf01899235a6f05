"""Ending processes by a mark in their environment."""

import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.servers import processes
from tests.local.servers.small_cloud import eventually, runs


def test_every_marked_process_ends_and_no_other(tmp_path: Path) -> None:
    mark = f"MARK={uuid.uuid4().hex}"
    script = f"setsid sleep 300 & echo $! > {tmp_path}/child; wait"
    with started(["/bin/sh", "-c", script], mark) as marked, started(["sleep", "300"], "MARK=another") as stranger:
        eventually(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().endswith("\n"))
        processes.end(mark)
        assert marked.wait() == -signal.SIGKILL
        assert not runs(int((tmp_path / "child").read_text()))
        assert stranger.poll() is None


def test_a_mark_that_only_begins_alike_is_another_mark() -> None:
    mark = f"MARK={uuid.uuid4().hex}"
    with started(["sleep", "300"], f"{mark}0") as longer:
        processes.end(mark)
        assert longer.poll() is None


@contextmanager
def started(argv: list[str], mark: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the mark, ended at the end."""
    name, _, value = mark.partition("=")
    with subprocess.Popen(argv, env={"PATH": "/usr/bin:/bin", name: value}) as process:
        yield process
        process.kill()
