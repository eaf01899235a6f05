"""A server to install on: a home of its own with the installer in it, a fake `aws` and a fake `systemctl`.

The installer is run for real, as a process (see `warm_run`); `FakeServer` says what to run it with and reads what
became of it. The rest makes artifacts.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import socket
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.host.one_file import packed, sources
from contract.commands import BY_NAME, Commands
from contract.layout import INSTALLER
from tests.components.host.warm_run import WarmPython, WarmRun

FAKE_BIN = Path(__file__).parent / "fake_bin"
EFFECTS = Path(__file__).parent / "effects.py"
PASSWORD = "canary p&ss/wörd"
QUOTED_PASSWORD = "canary%20p%26ss%2Fw%C3%B6rd"

# The real limits are for real servers.
FASTER = {
    "LOCK_LIMIT": 0.3,
    "LOOK_LIMIT": 0.3,
    "HEALTH_LIMIT": 10.0,
    "HEALTH_ERRORS_LIMIT": 0.3,
    "HEALTH_PAUSE": 0.03,
    "RETRY_PAUSE": 0.01,
    "SETTLE": 0.0,
    "SETTLE_PAUSE": 0.03,
}

APPLICATION = """#!/usr/bin/env -S python3 -IS
import os, signal, socket, time
from contextlib import suppress
open("seen", "w").write(os.environ["DATABASE_URL"] + " " + os.environ["SLOT"])
with socket.create_server((os.environ["HOST"], int(os.environ["PORT"]))) as server:
    statuses = {statuses}
    while True:
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        connection, _ = server.accept()
        if status == 8:
            signal.pause()
        if status < 8:
            os._exit(status)
        with suppress(ConnectionError), connection:  # who hangs up early does not end it
            connection.recv(65536)
            while status == 9:
                connection.send(b"H")
                time.sleep(0.05)
            connection.sendall(b"HTTP/1.0 %d X\\r\\n\\r\\n{{\\"version\\": \\"{version}\\"}}" % status)
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    code: int
    answer: dict[str, Any]
    stderr: str


@dataclass(frozen=True, kw_only=True)
class FakeServer:
    root: Path
    environment: dict[str, str]
    ports: dict[str, int]
    python: WarmPython

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def installer(self) -> Path:
        return self.home / INSTALLER

    @property
    def slots(self) -> Path:
        return self.home / "stageline" / "slots"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.installer), *arguments]

    def popen(self, command: list[str], stdin: str = "") -> WarmRun:
        return self.python.begin(command[1:], env=self.environment, cwd=self.home, stdin=stdin)

    def execute(self, command: list[str], stdin: str = "") -> Run:
        return self.end(self.popen(command, stdin))

    def end(self, process: WarmRun) -> Run:
        """Wait for the process; whatever it did, it must not have told a secret or failed with a traceback."""
        stdout, stderr = process.communicate()
        assert not [text for text in (PASSWORD, QUOTED_PASSWORD, "Traceback") if text in stdout + stderr], stderr
        assert process.returncode is not None
        return Run(code=process.returncode, answer=json.loads(stdout) if stdout else {}, stderr=stderr)

    def install(self, request: dict[str, Any], *arguments: str) -> Run:
        return self.execute(self.command("install", *arguments), json.dumps(request))

    def begin(self, request: dict[str, Any]) -> WarmRun:
        """Start an install and do not wait for it."""
        return self.popen(self.command("install"), json.dumps(request))

    def programs(self) -> list[str]:
        """The command lines of what installers started here and what still runs."""
        mark = f"STAGELINE_INSTALL={self.slots}".encode()
        processes = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [words(process) for process in processes if mark in environ(process)]

    def status(self, slot: str = "blue") -> dict[str, Any]:
        result = self.execute(self.command("status")).answer[slot]
        assert isinstance(result, dict)
        return result

    def status_when_answering(self, slot: str = "blue") -> dict[str, Any]:
        for _ in range(50):
            result = self.status(slot)
            if result["health"] is None or result["health"]["status"] is not None:
                return result
        raise AssertionError(f"{slot} never answered: {result}")

    def store(self, artifact: bytes) -> str:
        """Put the artifact into the bucket under its digest."""
        digest = hashlib.sha256(artifact).hexdigest()
        self.object(digest).write_bytes(artifact)
        return digest

    def object(self, digest: str) -> Path:
        return self.root / "aws" / "artifacts-bucket" / "artifacts" / digest

    def request(
        self,
        version: str,
        artifact: bytes,
        slot: str = "blue",
        deployment: str = "d1",
        reuse: bool = False,
        commands: Commands = BY_NAME,
        configuration: str | None = None,
    ) -> dict[str, Any]:
        what = {"release": version, "digest": self.store(artifact), "commands": asdict(commands)}
        content = {**what, "configuration": configuration, "deployment": deployment}
        return {"slot": slot, "port": self.ports[slot], **content, "reuse": reuse}

    def let_migrate(self, deployment: str) -> None:
        """This deployment, and no other one, is asked to migrate."""
        (self.root / "aws" / "parameters" / "shop" / "dev" / "migration").write_text(f"{deployment}\n")

    def kill_release(self, slot: str) -> None:
        """End the slot's process for good, as one that nobody starts again."""
        os.killpg(int((self.root / "systemd" / f"stageline-{slot}.service").read_text()), signal.SIGKILL)

    def with_effects(self, fault: int | str, at: int, *arguments: str) -> list[str]:
        """The command that runs the installer, hit by this signal (or `full`) before its effect `at`; -1: never."""
        log = str(self.root / "effects")
        fault = int(fault) if isinstance(fault, int) else fault
        return [sys.executable, str(EFFECTS), log, str(fault), str(at), *self.command(*arguments)[1:]]

    def effects(self) -> list[str]:
        """What the last such run did."""
        return (self.root / "effects").read_text().splitlines()

    def unit_file(self, slot: str) -> Path:
        return self.home / ".config" / "systemd" / "user" / f"stageline-{slot}.service"

    def limit(self, name: str, seconds: float) -> None:
        with zipfile.ZipFile(self.installer) as archive:
            files = {one: archive.read(one) for one in archive.namelist()}
        self.installer.write_bytes(packed(with_limits(files, {name: seconds})))

    def faults(self, *faults: str) -> None:
        (self.root / "aws" / "faults").write_text("".join(f"{fault}\n" for fault in faults))

    def calls(self, of: str) -> list[str]:
        return (self.root / of / "calls").read_text().splitlines()

    def break_systemctl(self, verb: str, why: str | None) -> None:
        """From now on this verb of systemctl fails; without a reason it works again."""
        fault = self.root / "systemd" / f"{verb}.fails"
        if why is None:
            fault.unlink()
        else:
            fault.write_text(why)

    def leftovers(self) -> list[str]:
        """The folders of an unfinished run."""
        return sorted(path.name for path in self.slots.glob(".*") if path.is_dir())

    def seen_by(self, slot: str) -> str:
        """What the application in the slot found in its environment."""
        return (self.slots / slot / "release" / "seen").read_text()


def environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def words(process: Path) -> str:
    return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert isinstance(port, int)
        return port


@cache
def faster() -> bytes:
    """The installer with limits for tests."""
    return packed(with_limits(sources(), FASTER))


def with_limits(files: Mapping[str, bytes], limits: Mapping[str, float]) -> dict[str, bytes]:
    """These sources with other limits, each of which stands once in one of them."""
    changed = dict(files)
    for limit, seconds in limits.items():
        (name,) = (one for one, text in files.items() if f"\n{limit} = ".encode() in text)
        changed[name] = re.sub(rf"(?m)^{limit} = [0-9.]+".encode(), f"{limit} = {seconds}".encode(), changed[name])
    return changed


def make_aws(folder: Path) -> None:
    secret = folder / "secrets" / "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1"
    parameter = folder / "parameters" / "shop" / "dev" / "database"
    for path in (secret, parameter, folder / "artifacts-bucket" / "artifacts" / "x"):
        path.parent.mkdir(parents=True)
    database = {"identifier": "shop-dev", "engine": "postgres", "host": "db.example", "port": 5432, "name": "shop"}
    parameter.with_name("migration").write_text("none\n")
    parameter.write_text(json.dumps({**database, "secret": secret.name, "tls": "off"}))
    secret.write_text(json.dumps({"username": "admin", "password": PASSWORD}))
    (folder / "faults").touch()


def tar_gz(files: dict[str, str], mode: int = 0o755) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            tar.addfile(tar_member(name, size=len(text.encode()), mode=mode), io.BytesIO(text.encode()))
    return buffer.getvalue()


def tar_member(name: str, **attributes: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member


def application(version: str, *statuses: int, said: str | None = None) -> str:
    return APPLICATION.format(version=said or version, statuses=list(statuses) or [200])


def good(version: str, **more: str) -> bytes:
    return tar_gz({"./bin/start": application(version), **more})


loopback = pytest.mark.enable_socket
