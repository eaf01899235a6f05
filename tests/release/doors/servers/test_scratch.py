"""Files for `ssh` that nobody else reads, and of which nothing is left, also by a process that was killed."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from release.doors.servers.scratch import PREFIX, Disk, Memory, Scratch, scratch_here

GONE = 999_999_999  # no system gives such a number to a process


@pytest.mark.parametrize("scratch", [Memory(), Disk()], ids=["linux", "elsewhere"])
def test_only_this_user_may_read_what_is_told(scratch: Scratch) -> None:
    with scratch.told("SECRET") as path:
        assert Path(path).read_text() == "SECRET"
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert not Path(path).exists()


def test_nobody_else_enters_the_folder_on_the_disk(tmp_path: Path) -> None:
    with Disk(tmp_path).told("SECRET") as path:
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_taken_away_and_what_another_one_uses_is_not(tmp_path: Path) -> None:
    left, used = tmp_path / f"{PREFIX}{GONE}-a", tmp_path / f"{PREFIX}{os.getppid()}-b"
    for folder in (left, used):
        folder.mkdir()
        (folder / "told").write_text("SECRET")
    with Disk(tmp_path).told(""):
        pass
    assert list(tmp_path.iterdir()) == [used]


def test_an_answer_on_the_disk_has_no_name(tmp_path: Path) -> None:
    with Disk(tmp_path).room() as file:
        os.write(file, b"said")
        assert list(tmp_path.iterdir()) == []


def test_a_command_on_the_disk_keeps_its_number_and_its_arguments() -> None:
    line = Disk().within(["sh", "-c", 'echo "$$ $1"', "x", "a  b"])
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0] == f"{process.pid} a  b\n"


def test_linux_has_memory_for_it() -> None:
    assert isinstance(scratch_here(), Memory)
