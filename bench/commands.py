"""How long the commands take that people wait for: `release --help`, `local-cloud up`, `make demo`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.figure import Figure, NotMeasured

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.prefix) / "bin"
STARTS = 21


def help_start() -> Iterator[Figure]:
    """`release --help` against the import of click, which it cannot do without: medians of alternating runs."""
    bare, command = [sys.executable, "-c", "import click"], [str(BIN / "release"), "--help"]
    pairs = [(_seconds(bare), _seconds(command)) for _ in range(STARTS)]
    click, helped = (median(column) for column in zip(*pairs, strict=True))
    detail = f"    python -c 'import click' {click * 1000:.0f} ms, release --help {helped * 1000:.0f} ms"
    yield Figure(what="release --help, in imports of click", value=helped / click, unit="x", bound=1.5, detail=detail)


def cloud_up() -> Iterator[Figure]:
    """`local-cloud up` with nothing cached but the database template: the median of three."""
    seconds = []
    for _ in range(3):
        seconds.append(_seconds(_local_cloud("up")))
        _seconds(_local_cloud("down"))
    yield Figure(what="local-cloud up", value=median(seconds), unit="s", bound=5)


def demo() -> Iterator[Figure]:
    """`make demo` with everything set up, and its own table of where the time goes."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "local.demo"], cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise NotMeasured(f"the demo ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    times = done.stdout.partition("How long it took\n")[2].partition("\n\n")[0]
    yield Figure(what="make demo, warm", value=seconds, unit="s", bound=180, detail=times)


def _local_cloud(verb: str) -> list[str]:
    return [sys.executable, "-m", "local.cli", verb]


def _seconds(command: list[str]) -> float:
    environment = {**os.environ, "STAGELINE_ROOT_DIR": str(ROOT)}
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotMeasured(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return time.monotonic() - began
