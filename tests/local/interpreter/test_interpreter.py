"""A launcher runs a program as the genuine interpreter would, by a fork of a warm one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.control import ControlServer, listen
from local.interpreter import warm
from local.interpreter.keeper import PACKAGES, SOCKET, Keeper
from local.paths import Paths
from local.workspace import write_python
from tests.local.balancers.world import wait_until

pytestmark = pytest.mark.enable_socket

WARM = "json"  # a package that the warm interpreter of these tests has imported


@dataclass
class World:
    """A folder with a launcher, and programs to run by it."""

    paths: Paths

    @property
    def command(self) -> Path:
        return self.paths.python / "bin" / "python"

    def program(self, text: str, name: str = "program.py") -> str:
        (self.paths.project / name).write_text(text)
        return str(self.paths.project / name)

    def begin(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(self.command), *arguments],
            cwd=self.paths.project,
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, stdin: str = "", **variables: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        process = self.begin(*arguments, **variables)
        out, err = process.communicate(stdin, timeout=20)
        return process.returncode, out, err


def served(paths: Paths, handler: Callable[[dict[str, Any], object], dict[str, Any]]) -> ControlServer:
    control = ControlServer(paths.control, {"interpreter": handler})
    control.start()
    return control


@pytest.fixture
def cold(tmp_path: Path) -> World:
    """A launcher whose cloud is down."""
    paths = Paths(project=tmp_path)
    write_python(paths)
    return World(paths)


@pytest.fixture
def world(cold: World) -> Iterator[World]:
    """A launcher, and a warm interpreter that has imported next to nothing."""
    with listen(cold.paths.root / SOCKET) as server:
        interpreter = subprocess.Popen(
            [sys.executable, "-I", warm.__file__, str(server.fileno()), WARM], pass_fds=[server.fileno()]
        )
    control = served(cold.paths, lambda request, connection: {"socket": SOCKET})
    yield cold
    control.close()
    interpreter.kill()
    interpreter.wait()


SHOW = "import os, sys; print('json' in sys.modules, sys.argv[1:], os.getcwd(), os.environ.get('WORD'))"


def test_a_program_gets_its_arguments_folder_and_environment_and_finds_packages_imported(world: World) -> None:
    told = world.run(world.program(SHOW), "one", "two words", WORD="said")
    assert told == (0, f"True ['one', 'two words'] {world.paths.project} said\n", "")


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        pytest.param("import sys; sys.exit(7)", 7, "", id="a code"),
        pytest.param("import sys; sys.exit('no')", 1, "no\n", id="a word"),
        pytest.param("raise ValueError('no')", 1, "ValueError: no\n", id="an exception"),
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "", id="a signal"),
    ],
)
def test_it_ends_as_its_fork_ends(world: World, text: str, code: int, error: str) -> None:
    ended, _, said = world.run(world.program(text))
    assert (ended, said.splitlines(keepends=True)[-1:]) == (code, [error] if error else [])


def test_a_program_reads_what_is_piped_in_and_ends_with_all_that_it_put_off(world: World) -> None:
    program = world.program("import atexit, sys; atexit.register(print, 'late'); print(sys.stdin.read())")
    assert world.run("-u", program, stdin="in") == (0, "in\nlate\n", "")


def test_the_projects_own_modules_are_read_anew_by_each_run(world: World) -> None:
    program = world.program("import own; print(own.VALUE)")
    for value in ("1", "22"):
        world.program(f"VALUE = {value}", "own.py")
        assert world.run(program)[1] == f"{value}\n"


def test_modules_are_searched_beside_the_program_and_where_pythonpath_says(world: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "own.py").write_text("VALUE = 'elsewhere'")
    program = world.program("import own; print(own.VALUE)")
    assert world.run(program, PYTHONPATH=str(tmp_path / "elsewhere"))[1] == "elsewhere\n"


def test_a_signal_reaches_the_fork(world: World) -> None:
    text = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); print('on', flush=True);"
        "signal.pause()"
    )
    process = world.begin(world.program(text))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 9


def test_a_launcher_that_is_killed_takes_its_fork_with_it(world: World) -> None:
    text = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    process = world.begin(world.program(text))
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=20)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_programs_run_side_by_side(world: World) -> None:
    program = world.program("import sys; sys.stdin.read(); print('done')")
    first, second = world.begin(program), world.begin(program)
    assert second.communicate("", timeout=20)[0] == first.communicate("", timeout=20)[0] == "done\n"


def is_sent_away(stranger: socket.socket) -> bool:
    try:
        return stranger.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_asks_for_nonsense_is_sent_away_and_the_next_one_is_served(world: World) -> None:
    folder = os.open(world.paths.root, os.O_PATH)  # a socket's path has 107 characters at most
    for nonsense in (b"", b"abc", (5).to_bytes(4, "big") + b"hello"):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(f"/proc/self/fd/{folder}/{SOCKET}")
            stranger.sendall(nonsense)
            stranger.shutdown(socket.SHUT_WR)
            assert is_sent_away(stranger)
    os.close(folder)
    assert world.run(world.program("print('well')"))[1] == "well\n"


@pytest.mark.parametrize("arguments", [["-c", "import sys; print('json' in sys.modules)"], ["-V"]], ids=str)
def test_what_is_neither_a_program_nor_pip_runs_in_the_genuine_interpreter(world: World, arguments: list[str]) -> None:
    genuine = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    assert world.run(*arguments) == (0, genuine.stdout, "")


@pytest.mark.parametrize(
    "variables", [pytest.param({}, id="cloud is down"), pytest.param({"STAGELINE_COLD": "1"}, id="wanted cold")]
)
def test_without_a_warm_one_the_genuine_interpreter_runs_a_program(cold: World, variables: Mapping[str, str]) -> None:
    program = cold.program("import sys; print(sys.prefix)")
    assert cold.run(program, **variables) == (0, f"{sys.prefix}\n", "")


def test_a_warm_one_that_has_just_ended_leaves_the_program_to_the_genuine_one(cold: World) -> None:
    with listen(cold.paths.root / SOCKET):
        pass  # nobody accepts any more
    control = served(cold.paths, lambda request, connection: {"socket": SOCKET})
    told = cold.run(cold.program("print('well')"))
    control.close()
    assert told == (0, "well\n", "")


def test_the_keeper_starts_one_and_another_one_when_that_has_ended_until_it_is_closed(cold: World) -> None:
    keeper = Keeper(cold.paths.root, packages=(WARM,))
    control = served(cold.paths, keeper.handle)
    program = cold.program("import os; print(os.getppid())")
    first = [cold.run(program)[1] for _ in range(2)]
    os.kill(int(first[0]), signal.SIGKILL)
    keeper.wait()
    again = cold.run(program)[1]
    control.close()
    keeper.close()
    assert first[0] == first[1] != again
    assert not Path(f"/proc/{int(again)}").exists()


def test_what_is_warm_is_all_that_the_program_imports_of_others() -> None:
    show = (
        "import sys\n"
        "from local.interpreter.warm import warm\n"
        f"warm({PACKAGES!r})\n"
        "before = set(sys.modules)\n"
        "import components.environment\n"
        "print(*(set(sys.modules) - before))"
    )
    told = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in told if name.startswith("pulumi")] == []


def test_launchers_that_are_killed_at_any_moment_do_not_end_the_warm_one(world: World) -> None:
    program = world.program("print('well')")
    for wait in (0.0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06):
        process = world.begin(program)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait)
        process.kill()
        process.communicate(timeout=20)
    assert world.run(world.program("import sys; print('json' in sys.modules)"))[1] == "True\n"
    assert is_still_the_first(world)


def is_still_the_first(world: World) -> bool:
    """Whether a fork comes from a process that has imported nothing for itself but what it was told."""
    ran = world.run(world.program("import os; print(open(f'/proc/{os.getppid()}/cmdline').read().count('warm.py'))"))
    return ran[1] == "1\n"
