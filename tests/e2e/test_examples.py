"""The small applications of docs/your-application.md: packed with the usual tools of their language, and started.

A runtime that this machine has not is skipped. In CI those of MUST_RUN have to be there.
"""

import json
import os
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from release.records.artifacts.archive import inspect_artifact
from tests.docs.pages import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

TOOLS = {
    "python-web": ("python3",),
    "node-web": ("node", "npm"),
    "java-web": ("java", "javac", "jar"),
    "go-web": ("go",),
    "ruby-web": ("ruby",),
}
MUST_RUN = {"python-web", "node-web", "java-web", "go-web"}
NOT_COPIED = shutil.ignore_patterns("dist", "lib", "node_modules", "classes", "app.jar")
OFFLINE = {"PIP_NO_INDEX": "1", "npm_config_offline": "true", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
VERSION = "1.2.3"


@pytest.mark.parametrize("name", TOOLS)
def test_an_application_is_packed_by_its_own_tools_and_answers_with_its_version(name: str, tmp_path: Path) -> None:
    refuse_missing(name)
    artifact = packed(name, tmp_path)
    inspect_artifact(artifact)
    with running(artifact, tmp_path / "slot") as (process, url):
        assert answered(f"{url}/health", process) == {"version": VERSION}
        with urlopen(url, timeout=5) as page:
            assert page.read().startswith(b"Hello from")
        process.terminate()
        assert process.wait(10) is not None


def refuse_missing(name: str) -> None:
    missing = [tool for tool in TOOLS[name] if shutil.which(tool) is None]
    if missing and "CI" in os.environ and name in MUST_RUN:
        pytest.fail(f"{name} has to run in CI, and there is no {', '.join(missing)}")
    if missing:
        pytest.skip(f"there is no {', '.join(missing)} on this machine")


def packed(name: str, folder: Path) -> Path:
    """The artifact, made in a copy and without a network."""
    shutil.copytree(ROOT / "examples" / name, folder / name, ignore=NOT_COPIED)
    done = subprocess.run(
        ["./pack", VERSION],
        cwd=folder / name,
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / name / "dist" / f"{name}-{VERSION}.tar.gz"


@contextmanager
def running(artifact: Path, slot: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The application as a server runs it: unpacked, by its bin/start, in its folder."""
    with tarfile.open(artifact) as archive:
        archive.extractall(slot, filter="data")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {"HOST": "127.0.0.1", "PORT": str(port), "RELEASE_VERSION": VERSION, "SLOT": "blue"}
    process = subprocess.Popen(["bin/start"], cwd=slot, env={**os.environ, **variables})
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answered(url: str, process: "subprocess.Popen[bytes]") -> object:
    """What it answers as soon as it does."""
    pause = Event()
    for _ in range(300):
        assert process.poll() is None, "it has ended"
        try:
            with urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except URLError:
            pause.wait(0.1)
    raise AssertionError(f"{url} does not answer")
