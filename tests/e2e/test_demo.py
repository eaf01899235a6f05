"""`make demo` as a user runs it: every sentence is true, and nothing is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.paths import CODE
from tests.e2e.clone import Clone, new_program, stack_files

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return new_program(tmp_path / "clone")


def test_every_sentence_of_the_demo_is_true_and_no_process_is_left(clone: Clone) -> None:
    before, environment = stack_files(clone.folder), {**os.environ, "PYTHONPATH": str(CODE)}
    environment.pop("KEEP", None)
    told = subprocess.run(
        [sys.executable, "-m", "local.demo"],
        cwd=clone.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr + told.stdout[-2000:]
    assert "sentences, all true." in told.stdout
    assert clone.processes() == []
    assert stack_files(clone.folder) == before


def test_a_demo_beside_a_running_cloud_is_refused_because_it_may_hold_somebodys_work(clone: Clone) -> None:
    try:
        assert clone.run("up").returncode == 0
        told = subprocess.run(
            [sys.executable, "-m", "local.demo"],
            cwd=clone.folder,
            env={**os.environ, "PYTHONPATH": str(CODE)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 1
        assert told.stderr.startswith("demo: a local cloud is already running here")
        assert clone.run("status").returncode == 0
    finally:
        clone.run("down")
