"""The folders of calls: the newest stay, those of others are left alone, and a trace counts only if it is whole."""

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from release.doors.engine.traces import MOST_FOLDERS, TRACE, Folders, Trace, read_trace, write_trace
from release.process.errors import Broken
from release.process.processes import Process, Processes

PROCESS = Process(pid=2**22 - 1, began=1, boot="a", space="b")


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders("dev", tmp_path, Processes())


def made(folders: Folders, count: int) -> list[Path]:
    """Folders of calls that failed, the oldest one first."""
    found = [folders.make() for _ in range(count)]
    for age, folder in enumerate(reversed(found)):
        os.utime(folder, (1000 - age, 1000 - age))
    return found


def test_where_no_folder_can_be_made_it_says_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"can be made in .*/missing: No such file or directory; make room there"):
        Folders("dev", tmp_path / "missing", Processes()).make()


def test_a_trace_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    write_trace(tmp_path / "missing", Trace(deployment="dev-1", process=PROCESS))
    assert read_trace(tmp_path / "missing") is None


def test_the_oldest_folders_go_when_a_call_begins(folders: Folders, tmp_path: Path) -> None:
    old = made(folders, MOST_FOLDERS)
    new = folders.make()
    assert sorted(tmp_path.iterdir()) == sorted([*old[1:], new])


def test_the_folder_of_a_call_that_runs_stays(folders: Folders) -> None:
    old = made(folders, MOST_FOLDERS)
    with subprocess.Popen(["sleep", "60"]) as running:
        process = Processes().find(running.pid)
        assert process is not None
        write_trace(old[0], Trace(deployment="dev-1", process=process))
        os.utime(old[0], (1, 1))
        folders.make()
        running.kill()
    assert old[0].is_dir()
    folders.make()
    assert not old[0].is_dir()


@pytest.mark.parametrize("name", ["stageline-dev-eu-abcdefgh", "stageline-qa-abcdefgh", "stageline-dev-short", "other"])
def test_what_is_not_of_this_stack_is_left_alone(folders: Folders, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    os.utime(tmp_path / name, (1, 1))
    made(folders, MOST_FOLDERS)
    folders.make()
    assert (tmp_path / name).is_dir()


def test_a_link_that_another_user_laid_is_no_folder_of_ours(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "stageline-dev-abcdefgh").symlink_to(tmp_path / "elsewhere")
    write_trace(tmp_path / "elsewhere", Trace(deployment="dev-1", process=ended(), lock="5f-1"))
    assert folders.left_by("dev-1") == frozenset()


def test_the_locks_that_a_deployment_left_are_those_of_its_ended_processes(folders: Folders) -> None:
    for deployment, lock in (("dev-1", "5f-1"), ("dev-1", "5f-2"), ("dev-2", "5f-3"), ("dev-1", "")):
        write_trace(folders.make(), Trace(deployment=deployment, process=ended(), lock=lock))
    assert folders.left_by("dev-1") == {"5f-1", "5f-2"}


def ended() -> Process:
    with subprocess.Popen(["sleep", "60"]) as started:
        process = Processes().find(started.pid)
        started.kill()
    assert process is not None
    return process


def test_a_trace_is_read_as_it_was_written(tmp_path: Path) -> None:
    trace = Trace(deployment="dev-1", process=PROCESS, lock="5f-1")
    write_trace(tmp_path, trace)
    assert (read_trace(tmp_path), [file.name for file in tmp_path.iterdir()]) == (trace, [TRACE])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param('{"deployment": "dev-1"', id="cut"),
        pytest.param("[1]", id="a-list"),
        pytest.param(json.dumps({"deployment": "dev-1", "process": {"pid": 1}, "lock": ""}), id="half-a-process"),
        pytest.param(json.dumps({"process": asdict(PROCESS), "lock": ""}), id="of-no-deployment"),
    ],
)
def test_a_trace_that_is_not_whole_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / TRACE).write_text(text)
    assert read_trace(tmp_path) is None
