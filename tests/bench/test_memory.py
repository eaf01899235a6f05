"""The memory of a program: that of the process which runs it for its project, and of no other one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.memory import program_memory

MEGABYTE = 1_000_000
TAKES = "import sys; taken = bytearray(50_000_000); print(flush=True); sys.stdin.read()"


@contextmanager
def running(*words: str) -> Iterator[None]:
    """A process that takes 50 MB, with these words in its command line."""
    command = [sys.executable, "-c", TAKES, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()


def most(project: Path) -> int:
    """What is seen of a project's program within two looks."""
    with program_memory(project) as seen:
        for _ in range(2):
            seen.looked.acquire(timeout=10)
    return seen.most


def test_the_most_that_a_program_takes_is_seen(tmp_path: Path) -> None:
    with running("pulumi-language-python-exec", str(tmp_path)):
        assert 50 * MEGABYTE < most(tmp_path) < 100 * MEGABYTE


def test_programs_of_other_projects_and_other_processes_are_not_looked_at(tmp_path: Path) -> None:
    with running("pulumi-language-python-exec", "/elsewhere"), running("pytest", str(tmp_path)):
        assert most(tmp_path) == 0
