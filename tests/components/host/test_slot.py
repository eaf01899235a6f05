"""The installer, run for real as a subprocess in a home of its own, with a fake `aws` and a fake `systemctl`."""

from __future__ import annotations

import ast
import fcntl
import gzip
import hashlib
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HOST = Path(__file__).parents[3] / "components" / "host"
FAKE_BIN = Path(__file__).parent / "fake_bin"
PASSWORD = "canary p&ss/wörd"
QUOTED_PASSWORD = "canary%20p%26ss%2Fw%C3%B6rd"

# The real limits are for real servers.
FASTER = {
    "LOCK_LIMIT": 0.3,
    "HEALTH_LIMIT": 10.0,
    "HEALTH_ERRORS_LIMIT": 0.3,
    "HEALTH_PAUSE": 0.03,
    "RETRY_PAUSE": 0.01,
}

APPLICATION = """#!/usr/bin/env -S python3 -IS
import os, socket
open("seen", "w").write(os.environ["DATABASE_URL"] + " " + os.environ["SLOT"])
with socket.create_server((os.environ["HOST"], int(os.environ["PORT"]))) as server:
    statuses = {statuses}
    while True:
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 %d X\\r\\n\\r\\n{{\\"version\\": \\"{version}\\"}}" % status)
"""

KILLED_BEFORE_RENAME = """
import os, runpy, signal, sys
real, left = os.rename, int(sys.argv.pop(1))
def rename(source, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
os.rename = rename
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="session")
def slot_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("slot", HOST / "slot.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["slot"] = module
    spec.loader.exec_module(module)
    return module


# --- A server to install on --------------------------------------------------------------------------------------


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

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def slots(self) -> Path:
        return self.home / "stageline" / "slots"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.home / "stageline" / "slot.py"), *arguments]

    def popen(self, command: list[str]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=self.home
        )

    def execute(self, command: list[str], stdin: str = "") -> Run:
        return self.end(self.popen(command), stdin)

    def end(self, process: subprocess.Popen[str], stdin: str | None = None) -> Run:
        """Wait for the process; whatever it did, it must not have told a secret or failed with a traceback."""
        stdout, stderr = process.communicate(stdin, timeout=30)
        assert not [text for text in (PASSWORD, QUOTED_PASSWORD, "Traceback") if text in stdout + stderr], stderr
        return Run(code=process.returncode, answer=json.loads(stdout) if stdout else {}, stderr=stderr)

    def install(self, request: dict[str, Any]) -> Run:
        return self.execute(self.command("install"), json.dumps(request))

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

    def request(self, version: str, artifact: bytes, slot: str = "blue", deployment: str = "d1") -> dict[str, Any]:
        where = {"slot": slot, "port": self.ports[slot]}
        return {**where, "release": version, "digest": self.store(artifact), "deployment": deployment}

    def limit(self, name: str, seconds: float) -> None:
        program = self.home / "stageline" / "slot.py"
        program.write_text(with_limit(program.read_text(), name, seconds))

    def faults(self, *faults: str) -> None:
        (self.root / "aws" / "faults").write_text("".join(f"{fault}\n" for fault in faults))

    def calls(self, of: str) -> list[str]:
        return (self.root / of / "calls").read_text().splitlines()

    def leftovers(self) -> list[str]:
        """The folders of an unfinished run."""
        return sorted(path.name for path in self.slots.glob(".*") if path.is_dir())

    def seen_by(self, slot: str) -> str:
        """What the application in the slot found in its environment."""
        return (self.slots / slot / "release" / "seen").read_text()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert isinstance(port, int)
        return port


def with_limit(text: str, name: str, seconds: float) -> str:
    text, count = re.subn(rf"(?m)^{name} = [0-9.]+", f"{name} = {seconds}", text)
    assert count == 1, name
    return text


def make_aws(folder: Path) -> None:
    secret = folder / "secrets" / "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1"
    parameter = folder / "parameters" / "shop" / "dev" / "database"
    for path in (secret, parameter, folder / "artifacts-bucket" / "artifacts" / "x"):
        path.parent.mkdir(parents=True)
    database = {"identifier": "shop-dev", "engine": "postgres", "host": "db.example", "port": 5432, "name": "shop"}
    parameter.write_text(json.dumps({**database, "secret": secret.name}))
    secret.write_text(json.dumps({"username": "admin", "password": PASSWORD}))
    (folder / "faults").touch()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeServer]:
    program = tmp_path / "home" / "stageline"
    program.mkdir(parents=True)
    make_aws(tmp_path / "aws")
    (tmp_path / "systemd").mkdir()
    shutil.copyfile(HOST / "slot.py", program / "slot.py")
    facts = {"project": "shop", "environment": "dev", "region": "eu-central-1", "address": "127.0.0.1"}
    names = {"artifact_bucket": "artifacts-bucket", "database_parameter": "/shop/dev/database"}
    (program / "server.json").write_text(json.dumps({**facts, **names}))
    environment = {
        "PATH": f"{FAKE_BIN}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "FAKE_AWS": str(tmp_path / "aws"),
        "FAKE_SYSTEMD": str(tmp_path / "systemd"),
    }
    ports = {"blue": free_port(), "green": free_port()}
    server = FakeServer(root=tmp_path, environment=environment, ports=ports)
    for name, seconds in FASTER.items():
        server.limit(name, seconds)
    yield server
    for slot in ports:
        command = [str(FAKE_BIN / "systemctl"), "--user", "stop", f"stageline-{slot}.service"]
        done = subprocess.run(command, env={**environment, "XDG_RUNTIME_DIR": "x"}, check=False, timeout=20)
        assert done.returncode in (0, 5)  # 5: never installed


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


# --- What an install does -----------------------------------------------------------------------------------------


@loopback
def test_an_install_into_an_empty_slot_makes_the_release_answer(server: FakeServer) -> None:
    run = server.install(server.request("1.0.0", good("1.0.0")))
    assert (run.code, run.answer) == (
        0,
        {"result": "installed", "slot": "blue", "release": "1.0.0", "deployment": "d1"},
    )
    status = server.status()
    assert (status["unit"], status["health"]) == ("active", {"status": 200, "version": "1.0.0"})
    assert server.leftovers() == []


@loopback
def test_the_application_gets_the_database_and_its_slot_by_its_environment_only(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    assert server.seen_by("blue") == f"postgresql://admin:{QUOTED_PASSWORD}@db.example:5432/shop blue"
    told = "\n".join([*server.calls("aws"), *server.calls("systemd"), (server.slots / "blue/slot.json").read_text()])
    assert PASSWORD not in told and QUOTED_PASSWORD not in told


@loopback
def test_the_same_deployment_a_second_time_does_nothing(server: FakeServer) -> None:
    request = server.request("1.0.0", good("1.0.0"))
    server.install(request)
    calls = server.calls("aws")
    run = server.install(request)
    assert (run.code, run.answer["result"]) == (0, "unchanged")
    assert server.calls("aws") == calls
    assert [call for call in server.calls("systemd") if call.startswith("start")] == ["start stageline-blue.service"]


@loopback
def test_the_same_release_by_another_deployment_is_installed_again(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    run = server.install(server.request("1.0.0", good("1.0.0"), deployment="d2"))
    assert run.answer["result"] == "installed"
    assert server.status()["content"]["deployment"] == "d2"
    assert len([call for call in server.calls("systemd") if call.startswith("start")]) == 2


@loopback
def test_the_same_deployment_is_installed_again_when_its_process_is_gone(server: FakeServer) -> None:
    request = server.request("1.0.0", good("1.0.0"))
    server.install(request)
    os.killpg(int((server.root / "systemd" / "stageline-blue.service").read_text()), signal.SIGKILL)
    assert server.install(request).answer["result"] == "installed"
    assert server.status()["unit"] == "active"


@loopback
def test_the_other_slot_is_not_touched(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0"), slot="green"))
    before = server.status("green")
    pid = (server.root / "systemd" / "stageline-green.service").read_text()
    assert server.install(server.request("2.0.0", good("2.0.0"))).code == 0
    assert server.install(server.request("3.0.0", tar_gz({"bin/start": "#!/bin/sh\n"}))).code == 1
    assert server.status("green") == before
    assert (server.root / "systemd" / "stageline-green.service").read_text() == pid


@loopback
def test_a_jar_without_any_modes_can_be_installed(server: FakeServer) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("META-INF/MANIFEST.MF", "bin/start"):
            info = zipfile.ZipInfo(name)
            info.create_system = 0
            archive.writestr(info, application("1.0.0"))
            info.external_attr = 0
    assert server.install(server.request("1.0.0", buffer.getvalue())).answer["result"] == "installed"


@loopback
def test_a_slow_start_is_waited_for(server: FakeServer) -> None:
    start = application("1.0.0", 503, 503, 503, 200)
    assert server.install(server.request("1.0.0", tar_gz({"bin/start": start}))).answer["result"] == "installed"


@loopback
def test_a_migration_runs_before_the_release_starts_and_knows_the_database(server: FakeServer) -> None:
    migrate = '#!/bin/sh\n[ ! -e seen ] && [ "$RELEASE_VERSION" = 1.0.0 ] && echo "$DATABASE_URL" >migrated\n'
    run = server.install(server.request("1.0.0", good("1.0.0", **{"bin/migrate": migrate})))
    assert run.answer["result"] == "installed"
    assert (server.slots / "blue" / "release" / "migrated").read_text().startswith("postgresql://")


# --- Failures: the slot stays as it was ------------------------------------------------------------------------

BAD_RELEASES = {
    "dies at once": (tar_gz({"bin/start": "#!/bin/sh\nexit 3\n"}), "does not stay up, its unit is failed"),
    "answers 500": (tar_gz({"bin/start": application("2.0.0", 500)}), "keeps answering 500"),
    "says another version": (tar_gz({"bin/start": application("2.0.0", said="1.9")}), "says it is version 1.9;"),
    "fails to migrate": (
        good("2.0.0", **{"bin/migrate": "#!/bin/sh\necho told; echo broke at $DATABASE_URL >&2; exit 4\n"}),
        "bin/migrate failed with 4: broke at ***",
    ),
    "has no bin/start": (tar_gz({"start": ""}), "has no executable bin/start"),
    "escapes": (tar_gz({"bin/start": "", "../../evil": "x"}), "does not name a path below the release"),
}
bad_releases = pytest.mark.parametrize(("artifact", "why"), list(BAD_RELEASES.values()), ids=list(BAD_RELEASES))


@loopback
@bad_releases
def test_after_a_bad_release_the_earlier_one_runs_again(server: FakeServer, artifact: bytes, why: str) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    run = server.install(server.request("2.0.0", artifact, deployment="d2"))
    assert run.code == 1
    assert run.answer["result"] in ("restored", "refused")
    assert why in run.answer["why"]
    assert run.stderr == run.answer["why"] + "\n"
    status = server.status()
    assert (status["content"]["deployment"], status["unit"]) == ("d1", "active")
    assert status["health"] == {"status": 200, "version": "1.0.0"}
    assert server.leftovers() == []


@loopback
@pytest.mark.parametrize("kind", ["dies at once", "fails to migrate", "escapes"])
def test_after_a_bad_release_an_empty_slot_is_empty(server: FakeServer, kind: str) -> None:
    run = server.install(server.request("2.0.0", BAD_RELEASES[kind][0]))
    assert (run.code, run.answer["result"]) == (1, "refused" if kind == "escapes" else "emptied")
    status = server.status()
    assert (status["content"], status["health"]) == (None, None)
    assert status["unit"] == "inactive"
    assert list((server.slots / "blue").iterdir()) == []
    assert server.leftovers() == []


@loopback
def test_a_release_that_never_answers_is_given_up_at_the_limit(server: FakeServer) -> None:
    server.limit("HEALTH_LIMIT", 0.5)
    run = server.install(server.request("1.0.0", tar_gz({"bin/start": "#!/bin/sh\nexec sleep 60\n"})))
    assert run.answer["result"] == "emptied"
    assert "is not healthy after 0 s (/health does not answer)" in run.answer["why"]


@loopback
def test_a_failed_migration_is_logged_on_the_server_without_secrets(server: FakeServer) -> None:
    server.install(server.request("2.0.0", BAD_RELEASES["fails to migrate"][0]))
    log = server.home / "stageline" / "log" / "blue-migrate.log"
    assert log.read_text() == "told\nbroke at ***\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@loopback
def test_other_bytes_than_the_digest_says_are_refused_before_they_are_unpacked(server: FakeServer) -> None:
    request = server.request("1.0.0", good("1.0.0"))
    server.object(request["digest"]).write_bytes(good("6.6.6"))
    run = server.install(request)
    assert (run.code, run.answer["result"]) == (1, "refused")
    assert "does not have its sha256" in run.answer["why"]
    assert server.leftovers() == []


@loopback
@pytest.mark.parametrize("fault", ["truncate", "throttle"])
def test_a_download_that_fails_now_and_then_is_tried_again(server: FakeServer, fault: str) -> None:
    server.faults(fault, fault)
    assert server.install(server.request("1.0.0", good("1.0.0"))).answer["result"] == "installed"


@loopback
def test_a_download_that_always_fails_is_given_up(server: FakeServer) -> None:
    server.faults(*["throttle"] * 9)
    run = server.install(server.request("1.0.0", good("1.0.0")))
    assert (run.answer["result"], len(server.calls("aws"))) == ("emptied", 3)
    assert "aws s3api get-object failed with 254: An error occurred (SlowDown)" in run.answer["why"]


@loopback
def test_being_told_to_stop_puts_the_slot_back(server: FakeServer, tmp_path: Path) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    fifo = tmp_path / "reached"
    os.mkfifo(fifo)
    migrate = f"#!/bin/sh\necho >{shlex.quote(str(fifo))}\nexec sleep 60\n"
    request = server.request("2.0.0", good("2.0.0", **{"bin/migrate": migrate}), deployment="d2")
    process = server.popen(server.command("install"))
    assert process.stdin
    process.stdin.write(json.dumps(request))
    process.stdin.close()
    process.stdin = None
    fifo.read_text()
    process.send_signal(signal.SIGTERM)
    run = server.end(process)
    assert (run.code, run.answer["result"]) == (1, "restored")
    assert "stopped by signal 15" in run.answer["why"]
    assert (server.status()["health"]["version"], server.leftovers()) == ("1.0.0", [])


# --- Killed --------------------------------------------------------------------------------------------------------


@loopback
@pytest.mark.parametrize("renames", range(4))
def test_killed_before_any_rename_the_next_run_finds_the_slot_as_it_was(server: FakeServer, renames: int) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    request = server.request("2.0.0", good("2.0.0"), deployment="d2")
    command = [sys.executable, "-c", KILLED_BEFORE_RENAME, str(renames), *server.command("install")[1:]]
    assert server.execute(command, json.dumps(request)).code == -signal.SIGKILL
    assert server.leftovers() != []
    status = server.status_when_answering()
    assert (status["unit"], status["health"]) == ("active", {"status": 200, "version": "1.0.0"})
    assert (status["content"]["deployment"], server.leftovers()) == ("d1", [])
    assert server.install(request).answer["result"] == "installed"


@loopback
def test_killed_while_it_empties_the_slot_the_next_run_ends_that(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    (server.slots / "blue").rename(server.slots / ".blue.trash")
    status = server.status()
    assert (status["content"], status["unit"], server.leftovers()) == (None, "inactive", [])


@loopback
def test_a_slot_that_another_run_holds_is_refused_and_shown_as_busy(server: FakeServer) -> None:
    server.slots.mkdir()
    with (server.slots / ".blue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = server.install(server.request("1.0.0", good("1.0.0")))
        assert (run.code, run.answer["result"]) == (1, "refused")
        assert "is being changed by another run" in run.answer["why"]
        assert (server.status("blue")["busy"], server.status("green")["busy"]) == (True, False)


# --- The other verbs and the input --------------------------------------------------------------------------------


@loopback
def test_emptying_a_slot_stops_it_and_forgets_its_content(server: FakeServer) -> None:
    server.install(server.request("1.0.0", good("1.0.0")))
    run = server.execute(server.command("empty"), '{"slot": "blue"}')
    assert (run.code, run.answer) == (0, {"result": "emptied", "slot": "blue"})
    assert server.status() == {"content": None, "unit": "inactive", "health": None, "busy": False}
    assert server.execute(server.command("empty"), '{"slot": "blue"}').answer["result"] == "unchanged"


@loopback
def test_a_slot_that_no_deployment_has_reached_can_be_emptied(server: FakeServer) -> None:
    run = server.execute(server.command("empty"), '{"slot": "green"}')
    assert (run.code, run.answer) == (0, {"result": "unchanged", "slot": "green"})


@loopback
def test_a_content_without_a_release_empties_the_slot(server: FakeServer) -> None:
    request = server.request("1.0.0", good("1.0.0"))
    server.install(request)
    run = server.install({**request, "release": None, "digest": None, "deployment": "d2"})
    assert (run.code, run.answer) == (0, {"result": "emptied", "slot": "blue"})
    assert server.status()["content"] is None


@loopback
def test_an_empty_slot_cannot_be_run(server: FakeServer) -> None:
    run = server.execute(server.command("run", "blue"))
    assert (run.code, run.stderr) == (1, "slot blue is empty: nothing to run\n")


VALID = {"slot": "blue", "port": 8081, "release": "1.0.0", "digest": "a" * 64, "deployment": "d1"}
INVALID = {
    "other slot": {**VALID, "slot": "../green"},
    "slot with a newline": {**VALID, "slot": "blue\n"},
    "port as text": {**VALID, "port": "8081"},
    "port as truth": {**VALID, "port": True},
    "privileged port": {**VALID, "port": 80},
    "release that is a path": {**VALID, "release": "1.0.0/../../x"},
    "release that is a command": {**VALID, "release": "1.0.0$(id)"},
    "digest in capitals": {**VALID, "digest": "A" * 64},
    "digest too short": {**VALID, "digest": "a" * 63},
    "deployment with a slash": {**VALID, "deployment": "a/b"},
    "deployment too long": {**VALID, "deployment": "a" * 101},
    "deployment with other digits": {**VALID, "deployment": "٣"},
    "unknown key": {**VALID, "url": "x"},
    "missing key": {key: value for key, value in VALID.items() if key != "digest"},
    "a list": [VALID],
    "a list of pairs": [[key, value] for key, value in VALID.items()],
    "a number": 3,
    "null": None,
}


@pytest.mark.parametrize("request_", INVALID.values(), ids=INVALID)
def test_invalid_input_is_refused(slot_module: ModuleType, request_: Any) -> None:
    with pytest.raises(slot_module.Refused, match="the input is not valid"):
        slot_module.parse_content(json.dumps(request_))


def test_a_key_given_twice_is_refused(slot_module: ModuleType) -> None:
    with pytest.raises(slot_module.Refused, match="each key once"):
        slot_module.parse_content(json.dumps(VALID)[:-1] + ', "slot": "green"}')


@loopback
@pytest.mark.parametrize("stdin", ["", "{", json.dumps({**VALID, "slot": "red"})], ids=["nothing", "half", "red"])
def test_invalid_input_is_told_on_stderr_and_changes_nothing(server: FakeServer, stdin: str) -> None:
    run = server.execute(server.command("install"), stdin)
    assert (run.code, run.answer["result"]) == (1, "refused")
    assert run.stderr.count("\n") == 1
    assert not server.slots.exists()


# --- Unsafe archives ------------------------------------------------------------------------------------------------

START = tar_member("bin/start", mode=0o755)
LIMIT = 2 << 30


def tar_of(*members: tarfile.TarInfo) -> bytes:
    """Headers only, followed by as many bytes as their sizes claim while that is little."""
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", compresslevel=1) as file:
        for member in members:
            file.write(member.tobuf(tarfile.GNU_FORMAT))
            file.write(bytes(max(0, min(-member.size % 512 + member.size, 1 << 20))))
        file.write(bytes(1024))
    return buffer.getvalue()


def zip_of(*names: str, mode: int = stat.S_IFREG | 0o755) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = mode << 16
            archive.writestr(info, b"x")
    return buffer.getvalue()


def lying_zip(size: int) -> bytes:
    """Claims that its entry has this size, in the list at the end where zipfile looks."""
    data = bytearray(zip_of("bin/start"))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", size)
    return bytes(data)


def big_header() -> bytes:
    """A header of its own kind that claims to hold a name of a gigabyte."""
    return tar_of(tar_member("././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=1 << 30), START)


UNSAFE = {
    "path escape": tar_of(START, tar_member("../evil")),
    "path escape in the middle": tar_of(START, tar_member("lib/../../evil")),
    "dot in the middle": tar_of(START, tar_member("lib/./x")),
    "absolute path": tar_of(START, tar_member("/etc/passwd")),
    "absolute after dot": tar_of(START, tar_member(".//etc/passwd")),
    "control sign": tar_of(START, tar_member("a\nb")),
    "backslash": tar_of(START, tar_member("..\\evil")),
    "name too long": tar_of(START, tar_member("x" * 256)),
    "path too deep": tar_of(START, tar_member("/".join(["deep"] * 300))),
    "symbolic link": tar_of(START, tar_member("l", type=tarfile.SYMTYPE, linkname="/etc")),
    "hard link": tar_of(START, tar_member("l", type=tarfile.LNKTYPE, linkname="bin/start")),
    "character device": tar_of(START, tar_member("d", type=tarfile.CHRTYPE)),
    "block device": tar_of(START, tar_member("d", type=tarfile.BLKTYPE)),
    "fifo": tar_of(START, tar_member("d", type=tarfile.FIFOTYPE)),
    "unknown kind": tar_of(START, tar_member("d", type=b"Z")),
    "setuid": tar_of(START, tar_member("s", mode=0o4755)),
    "setgid": tar_of(START, tar_member("s", mode=0o2755)),
    "duplicate": tar_of(START, tar_member("bin/start")),
    "duplicate in other form": tar_of(START, tar_member("./bin/start")),
    "case clash": tar_of(START, tar_member("bin/START")),
    "case clash of folders": tar_of(START, tar_member("BIN/other")),
    "clash of accents": tar_of(START, tar_member("é"), tar_member("e\u0301")),
    "below a file": tar_of(START, tar_member("bin/start/x")),
    "file over a folder": tar_of(START, tar_member("bin")),
    "one huge file": tar_of(START, tar_member("big", size=LIMIT // 2 + 1)),
    "negative size": tar_of(START, tar_member("big", size=-512)),
    "huge header": big_header(),
    "zip path escape": zip_of("bin/start", "../evil"),
    "zip absolute path": zip_of("bin/start", "/etc/passwd"),
    "zip drive letter": zip_of("bin/start", "C:evil"),
    "zip backslash": zip_of("bin/start", "..\\evil"),
    "zip NUL": zip_of("bin/start", "ok\0/../evil"),
    "zip duplicate": zip_of("bin/start", "x", "x"),
    "zip case clash": zip_of("bin/start", "x", "X"),
    "zip symbolic link": zip_of("l", mode=stat.S_IFLNK | 0o777),
    "zip device": zip_of("d", mode=stat.S_IFCHR | 0o644),
    "zip setuid": zip_of("s", mode=stat.S_IFREG | 0o4755),
    "zip folder that is a link": zip_of("l/", mode=stat.S_IFLNK | 0o777),
    "zip huge file": lying_zip(LIMIT // 2 + 1),
}


@pytest.mark.parametrize("archive", UNSAFE.values(), ids=UNSAFE)
def test_an_unsafe_archive_is_refused_before_anything_is_written(
    slot_module: ModuleType, tmp_path: Path, archive: bytes
) -> None:
    (tmp_path / "artifact").write_bytes(archive)
    with pytest.raises(slot_module.Refused, match=r"the archive (is not safe|cannot be read)"):
        slot_module.unpack(tmp_path / "artifact", tmp_path / "release")
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


@pytest.mark.parametrize("archive", [b"", b"GIF89a", good("1.0.0")[:200]], ids=["nothing", "other", "half"])
def test_what_is_no_archive_is_refused(slot_module: ModuleType, tmp_path: Path, archive: bytes) -> None:
    (tmp_path / "artifact").write_bytes(archive)
    with pytest.raises(slot_module.Refused, match=r"neither a .tar.gz nor|cannot be read"):
        slot_module.unpack(tmp_path / "artifact", tmp_path / "release")


@pytest.mark.parametrize("mode", [0o644, None], ids=["not executable", "a folder"])
def test_a_bin_start_that_cannot_be_executed_is_refused(
    slot_module: ModuleType, tmp_path: Path, mode: int | None
) -> None:
    start = tmp_path / "bin" / "start"
    if mode is None:
        start.mkdir(parents=True)
    else:
        start.parent.mkdir()
        start.touch(mode)
    with pytest.raises(slot_module.Refused, match="no executable bin/start"):
        slot_module.check_contract(tmp_path)


def test_what_is_found_unsafe_is_named_on_one_line(slot_module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "artifact").write_bytes(UNSAFE["control sign"])
    with pytest.raises(slot_module.Refused, match=re.escape(r"'a\nb' has a sign that does not belong in a path")):
        slot_module.unpack(tmp_path / "artifact", tmp_path / "release")


def entries(module: ModuleType, count: int, size: int) -> Iterator[Any]:
    return (module.Entry(f"f{number}", "file", size, 0o644, None) for number in range(count))


@pytest.mark.parametrize(("count", "size"), [(100_001, 0), (3, 1 << 30)], ids=["too many", "too large together"])
def test_a_bomb_of_many_entries_is_refused(slot_module: ModuleType, count: int, size: int) -> None:
    with pytest.raises(slot_module.Refused, match="the archive is not safe"):
        slot_module.safe_entries(entries(slot_module, count, size))


def test_a_bomb_is_not_read_to_its_end(slot_module: ModuleType) -> None:
    read = entries(slot_module, 1000, 1 << 30)
    with pytest.raises(slot_module.Refused):
        slot_module.safe_entries(read)
    assert next(read).name == "f3"


def test_a_zip_that_holds_less_than_it_claims_is_refused(slot_module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "artifact").write_bytes(lying_zip(1000))
    with pytest.raises(slot_module.Refused, match="cannot be read"):
        slot_module.unpack(tmp_path / "artifact", tmp_path / "release")


def test_a_safe_archive_is_written_with_plain_modes(slot_module: ModuleType, tmp_path: Path) -> None:
    folders = [tar_member(name, type=tarfile.DIRTYPE, mode=0o700) for name in ("./", "./bin/", "./empty/")]
    files = [tar_member("./bin/start", mode=0o6755 & 0o755), tar_member("./lib/ü", mode=0o600)]
    (tmp_path / "artifact").write_bytes(tar_of(*folders, *files))
    slot_module.unpack(tmp_path / "artifact", tmp_path / "release")
    release = tmp_path / "release"
    assert {str(path.relative_to(release)) for path in release.rglob("*")} == {
        "bin",
        "bin/start",
        "empty",
        "lib",
        "lib/ü",
    }
    assert os.access(release / "bin" / "start", os.X_OK)
    assert stat.S_IMODE((release / "lib" / "ü").stat().st_mode) & 0o111 == 0


# --- Rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "version", "expected"),
    [
        (None, None, "starting"),
        (503, None, "starting"),
        (503, "1.0.0", "starting"),
        (500, "1.0.0", "failing"),
        (404, None, "failing"),
        (302, None, "failing"),
        (200, "1.0.0", "healthy"),
        (200, "1.0.1", "wrong"),
        (200, None, "wrong"),
    ],
)
def test_an_answer_is_judged(slot_module: ModuleType, status: int | None, version: str | None, expected: str) -> None:
    assert slot_module.verdict(slot_module.Health(status, version), "1.0.0") == expected


@pytest.mark.parametrize("body", [b"", b"[1]", b"{}", b"[" * 9000, b'{"version"', b"\xff", b"null", b'{"version": 1}'])
def test_a_body_without_a_version_states_none(slot_module: ModuleType, body: bytes) -> None:
    assert slot_module.stated_version(body) is None


def test_the_file_is_python_3_9() -> None:
    ast.parse((HOST / "slot.py").read_text(), feature_version=(3, 9))
