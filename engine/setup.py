"""Set up everything on a bare machine: `python3 -m engine.setup`, which `make` runs before anything else.

Four parts: the virtual environment, the pinned packages, the project itself, the engine. Each is skipped when
what it is made of has not changed, so a second run takes no time, and an interrupted one goes on where it was.
"""

import hashlib
import importlib.util
import sys
import time
from pathlib import Path

from engine import build
from engine.steps import ROOT, WORK, SetupFailed, alone, command, done, mark_done, run, say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
PROJECT = ROOT / "pyproject.toml"
PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off")


def main() -> int:
    """The command. Exit 0 done, 1 failed, 130 interrupted."""
    return command("setup", set_up)


def set_up() -> None:
    """Do what is missing, and say how long it took; nothing is said when nothing was. Raises SetupFailed."""
    started = time.monotonic()
    with alone(WORK / "setup.lock"):
        worked = [part() for part in (_virtual_environment, _packages, _project, _engine)]
    if any(worked):
        say(f"setup: done in {time.monotonic() - started:.0f} s")


def _virtual_environment() -> bool:
    key = f"{sys.version} {sys.base_prefix}"
    if done(_stamp("python"), key) and PYTHON.exists():
        return False
    _check_ensurepip()
    run(f"Python {sys.version.split()[0]}: virtual environment", [sys.executable, "-m", "venv", "--clear", VENV])
    mark_done(_stamp("python"), key)
    return True


def _check_ensurepip() -> None:
    """Debian and Ubuntu ship Python without it, and `venv` then ends with a page of advice."""
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise SetupFailed(f"this Python cannot make virtual environments: run `apt install {package}`, then again")


def _packages() -> bool:
    key = _digest(REQUIREMENTS)
    if done(_stamp("packages"), key):
        return False
    run("the pinned packages", [*PIP, "--require-hashes", "--requirement", REQUIREMENTS])
    mark_done(_stamp("packages"), key)
    return True


def _project() -> bool:
    """Install the commands. `compat` puts one line into the environment instead of an import hook, which every
    start of Python would pay for."""
    key = _digest(PROJECT)
    if done(_stamp("project"), key):
        return False
    options = ["--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat"]
    run("the commands release and local-cloud", [*PIP, *options, "--editable", ROOT])
    mark_done(_stamp("project"), key)
    return True


def _engine() -> bool:
    if build.find() is not None:
        return False
    build.find_or_build()
    return True


def _stamp(part: str) -> Path:
    return VENV / f"{part}.stamp"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
