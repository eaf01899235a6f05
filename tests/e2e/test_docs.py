"""Pages that are run as they are written: every command in one shell on a terminal, with what it is said to print."""

import os
import pty
import re
import shutil
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Shown, pattern, terminal

RUN = ("tutorial", "local", "demos", "your-application")
EXIT_CODE = "echo $?"
MARK = re.compile(r"^@@ \d+ (\d+)$", re.MULTILINE)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
SHARED = {".venv": Path(sys.prefix), ".engine": ROOT / ".engine", "build": ROOT / "build"}
OTHERS = ("AWS_", "PULUMI_", "STAGELINE_", "VIRTUAL_ENV")

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True)
class Done:
    """A command as it ended: its exit code and what stood on the terminal."""

    code: int
    output: str


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A copy of this project that is set up, and no cloud or process of it afterwards."""
    folder = tmp_path / "stageline"
    shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
    for name, target in SHARED.items():
        if target.exists():
            (folder / name).symlink_to(target)
    yield folder
    subprocess.run([sys.executable, "-m", "local.cli", "down"], cwd=folder, env=own_environment(folder), check=True)


@pytest.mark.parametrize("page", RUN)
def test_the_page_runs_as_it_is_written(clone: Path, page: str) -> None:
    steps = terminal((ROOT / "docs" / f"{page}.md").read_text())
    for number, (step, done) in enumerate(zip(steps, run(steps, clone), strict=False), start=1):
        where = f"{step.command} (command {number}):\n{done.output}"
        assert done.code == 0 or may_fail(steps, number), f"exit code {done.code} of {where}"
        assert missing(step, done) == "", f"{missing(step, done)!r} is not in what it printed: {where}"
    assert done.code == 0 and number == len(steps), f"it ended early, at command {number} of {len(steps)}"


def run(steps: list[Shown], folder: Path) -> list[Done]:
    """Run the commands in one shell on a terminal, to the first one that must not fail and does."""
    script = folder.parent / "page.sh"
    script.write_text("".join(marked(steps, number) for number in range(1, len(steps) + 1)))
    text = on_terminal(["bash", "--noprofile", "--norc", str(script)], folder)
    parts = MARK.split(text)
    return [Done(int(code), output) for output, code in zip(parts[0::2], parts[1::2], strict=False)]


def marked(steps: list[Shown], number: int) -> str:
    """A command, a mark with its exit code, and the same `$?` for the command after it."""
    go_on = "" if may_fail(steps, number) else '[ "$code" = 0 ] || exit 1\n'
    return f'{steps[number - 1].command}\ncode=$?; printf "\\n@@ {number} %s\\n" "$code"\n{go_on}(exit "$code")\n'


def may_fail(steps: list[Shown], number: int) -> bool:
    """Whether the next command shows the exit code of this one."""
    return number < len(steps) and steps[number].command == EXIT_CODE


def missing(step: Shown, done: Done) -> str:
    """The first line that the page shows and the command did not print, in that order; empty when there is none."""
    lines = iter(done.output.splitlines())
    for shown in step.output:
        wanted = pattern(shown)
        if not any(wanted.fullmatch(line.strip()) for line in lines):
            return shown
    return ""


def on_terminal(command: list[str], folder: Path) -> str:
    """What a command prints on a terminal of 200 columns, without colours and cursor movements."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (60, 200))
    with subprocess.Popen(
        command,
        cwd=folder,
        env=own_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
        start_new_session=True,
    ):
        os.close(its)
        printed = b"".join(read_all(ours))
    os.close(ours)
    return CONTROL.sub("", printed.decode()).replace("\r\n", "\n").replace("\r", "\n")


def read_all(descriptor: int) -> Iterator[bytes]:
    """What is read from a terminal until nobody writes to it any more, which Linux reports as an error."""
    while True:
        try:
            read = os.read(descriptor, 65536)
        except OSError:
            return
        if not read:
            return
        yield read


def own_environment(folder: Path) -> dict[str, str]:
    """The environment of a user who has just set the project up; logs of failed commands go beside the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    return {**kept, "PYTHONPATH": str(folder), "TERM": "xterm", "TMPDIR": str(folder.parent)}
