"""An artifact tried on this machine: what servers would refuse is refused here, and nothing is left."""

import json
import os
from dataclasses import replace
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from contract.commands import BY_NAME, Commands
from release.doors.database.scratch import programs
from release.doors.trial import MARK, PACE, Pace, remove
from release.process.errors import Refused
from release.process.output import Progress
from release.records.artifacts.archive import inspect_artifact
from release.records.artifacts.manifest import Check
from release.work.trial import Tried, try_out
from tests.archives import Member, Packed, tar_gz, zipped

pytestmark = pytest.mark.enable_socket

SERVER = """#!/usr/bin/env -S python3 -IS
import os, signal, socket
{first}
with socket.create_server((os.environ["HOST"], int(os.environ["PORT"]))) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 {status} X\\r\\n\\r\\n{{\\"version\\": \\"{version}\\"}}")
"""


def server(*, status: int = 200, version: str = "1.0.0", first: str = "") -> str:
    return SERVER.format(status=status, version=version, first=first)


def packed(folder: Path, start: str, *more: Member, **files: str) -> Path:
    """An archive with this bin/start, below one folder, as builds have it."""
    programs = {"bin/start": start, **{f"bin/{name}": text for name, text in files.items()}}
    members = [Member(name=f"app/{name}", data=text.encode(), mode=0o755) for name, text in programs.items()]
    path = folder / "app.tgz"
    path.write_bytes(tar_gz([*members, *more], start=False))
    return path


def jumping() -> Pace:
    """A second passes with every look."""
    ticks = map(float, count())
    return replace(PACE, ticks=lambda: next(ticks))


def tried(
    path: Path, *, pace: Pace = PACE, checks: tuple[Check, ...] = (), said_of: Commands = BY_NAME, **options: Any
) -> Tried:
    """Try it, and see that neither a file nor a process is left."""
    artifact = replace(inspect_artifact(path, said=said_of), checks=checks)
    said: list[str] = []
    how = {"version": "1.0.0", "given": {}, "database": False, **options}
    place = path.parent / "place"
    place.mkdir()
    try:
        return try_out(artifact, progress=Progress(StringIO()), kept=said.append, pace=pace, place=place, **how)
    finally:
        assert [*place.iterdir()] == []
        assert [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and is_tried(pid, place)] == []


def is_tried(process: Path, place: Path) -> bool:
    try:
        return f"{MARK}={place}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False


def test_a_good_artifact_is_started_asked_and_ended(tmp_path: Path) -> None:
    found = tried(packed(tmp_path, server()), checks=(Check(name="a", path="/", contains="version"),))
    assert (found.migrated, found.checks, found.ends) == (False, 1, True)


@pytest.mark.parametrize(
    ("start", "why"),
    [
        pytest.param(server(version="2.0.0"), "'2.0.0' instead of '1.0.0'; .*--version V", id="another-version"),
        pytest.param("#!/bin/sh\necho no module >&2\nexit 3\n", "ended with 3; it said last: no module", id="dies"),
        pytest.param("#!/usr/bin/python9\n", "bin/start cannot be run: the first line of start names", id="no-python9"),
        pytest.param(server(status=400), "keeps answering 400; .*Host", id="another-host-wanted"),
        pytest.param(server(status=503), r"not healthy after 20 s \(/health answers 503\)", id="never-ready"),
    ],
)
def test_what_would_fail_on_a_server_fails_here_with_the_way_out(tmp_path: Path, start: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        tried(packed(tmp_path, start), pace=jumping() if "40" in why or "20 s" in why else PACE)


def test_a_smoke_check_that_fails_is_told_with_what_was_said_last(tmp_path: Path) -> None:
    path = packed(tmp_path, server(first='print("ready", flush=True)'))
    with pytest.raises(Refused, match="list: GET /x does not contain 'rows'; it said last: ready"):
        tried(path, checks=(Check(name="list", path="/x", contains="rows"),))


def test_it_gets_the_servers_variables_and_the_given_ones_and_no_others_of_this_shell(tmp_path: Path) -> None:
    shown = "import json\nprint(json.dumps(dict(os.environ)), flush=True)"
    found = tried(packed(tmp_path, server(first=shown)), given={"COLOUR": "red"})
    seen = json.loads(found.output.splitlines()[0])
    assert (seen["COLOUR"], seen["RELEASE_VERSION"], seen["SLOT"], "DATABASE_URL" in seen) == (
        "red",
        "1.0.0",
        "blue",
        False,
    )
    assert ("PYTEST_CURRENT_TEST" in os.environ, "PYTEST_CURRENT_TEST" in seen) == (True, False)
    assert seen["HOME"] != str(Path.home())


def test_a_migration_runs_before_and_what_it_was_given_is_not_told(tmp_path: Path) -> None:
    path = packed(tmp_path, server(), migrate='#!/bin/sh\necho "at $DATABASE_URL"\nexit 4\n')
    with pytest.raises(Refused, match=r"bin/migrate failed with 4; it said last: at \*\*\*;"):
        tried(path, given={"DATABASE_URL": "postgresql://ann:secret@db/app"}, database=True)


def test_without_a_database_nothing_is_migrated(tmp_path: Path) -> None:
    assert not tried(packed(tmp_path, server(), migrate="#!/bin/sh\nexit 4\n")).migrated


@pytest.mark.skipif(programs() is None, reason="no PostgreSQL on this machine")
def test_it_gets_an_empty_database_that_takes_its_login(tmp_path: Path) -> None:
    psql = f'#!/bin/sh\nexec {programs()}/psql "$DATABASE_URL" -c "CREATE TABLE rows (id int)"\n'
    path = packed(tmp_path, server(), migrate=psql)
    assert tried(path, database=True).migrated


def test_a_release_that_hides_from_its_session_is_ended_and_its_locked_folders_go(tmp_path: Path) -> None:
    first = 'os.mkdir("locked")\nopen("locked/x", "w")\nos.chmod("locked", 0o500)\n'
    first += "if os.fork() == 0:\n    os.setsid()\n    signal.pause()\n"
    assert tried(packed(tmp_path, server(first=first))).ends


def test_one_that_does_not_end_when_it_is_asked_to_is_told(tmp_path: Path) -> None:
    path = packed(tmp_path, server(first="signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    ticks = map(float, count(step=0.5))
    assert not tried(path, pace=replace(PACE, ticks=lambda: next(ticks))).ends


def test_a_command_that_is_stated_starts_it(tmp_path: Path) -> None:
    path = tmp_path / "app.zip"
    path.write_bytes(zipped([Packed(name="run.py", data=server().encode())], start=False))
    assert tried(path, said_of=Commands(start=("python3", "run.py"))).ends


def test_a_folder_is_taken_away_whatever_is_in_it(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "l").symlink_to("/")
    deep.chmod(0)
    remove(tmp_path / "a")
    assert [*tmp_path.iterdir()] == []
