"""The door to the program: one process, each request asked once, failures in one line."""

import sys
from pathlib import Path
from typing import Any

import pytest

from release.doors.recordings import Recordings
from release.process.errors import Broken
from settings.stackfile import Project

# Answers each request with its own text and how many came before it; changes decide how it fails.
PROGRAM = """
import json, sys
for number, line in enumerate(sys.stdin):
    request = json.loads(line)
    if request["changes"].get("dies"):
        sys.exit("it cannot go on")
    if request["changes"].get("refused"):
        print(json.dumps({"error": "no such setting"}), flush=True)
    else:
        print(json.dumps({"resources": [{"asked": sys.argv[1:], "number": number, "request": request}]}), flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose program lies in another folder, as on the local cloud."""
    program, project = tmp_path / "program", tmp_path / "project"
    program.mkdir()
    (program / "__main__.py").write_text(PROGRAM)
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: stageline\nmain: ../program\n")
    return project


def asked(recordings: Recordings, name: str, changes: dict[str, Any] | None = None) -> list[Any]:
    """What the program above answers, which is no graph."""
    return list(recordings.resources(name, changes or {}))


def test_the_program_is_asked_about_the_project_with_changes_and_slots(project: Path) -> None:
    with Recordings(Project(project)) as recordings:
        (found,) = asked(recordings, "qa", {"servers.count": 3})
    assert (found["asked"], found["request"]["environment"]) == (["--graph", str(project)], "qa")
    assert found["request"]["changes"] == {"servers.count": 3}
    assert found["request"]["slots"] == {"blue": True, "green": True, "declared": "blue"}


def test_the_same_request_is_asked_only_once(project: Path) -> None:
    with Recordings(Project(project)) as recordings:
        numbers = [asked(recordings, name)[0]["number"] for name in ("dev", "qa", "dev")]
    assert numbers == [0, 1, 0]


def test_what_cannot_be_declared_is_broken_and_the_next_request_is_answered(project: Path) -> None:
    with Recordings(Project(project)) as recordings:
        with pytest.raises(Broken, match="qa cannot be declared: no such setting"):
            recordings.resources("qa", {"refused": True})
        assert asked(recordings, "qa")[0]["number"] == 1


def test_a_program_that_dies_says_why(project: Path) -> None:
    with Recordings(Project(project)) as recordings:
        for _ in range(2):
            with pytest.raises(Broken, match="the program cannot be recorded: it cannot go on"):
                recordings.resources("qa", {"dies": True})


def test_the_process_is_gone_at_the_end_also_of_what_failed(project: Path) -> None:
    recordings = Recordings(Project(project))
    with pytest.raises(ZeroDivisionError), recordings:
        recordings.resources("qa")
        raise ZeroDivisionError
    assert recordings._process.returncode is not None
    assert sys.executable in str(recordings._process.args)
