"""A stack that is locked: whose lock is removed, by which proof, and how long anybody else's is waited for."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from release.doors.engine.locks import FolderLocks, Locked
from release.doors.engine.stack import Stack
from release.doors.engine.traces import Trace, write_trace
from release.process.errors import Broken, Interrupted
from release.process.interruption import INTERRUPTION
from release.process.processes import Process, Processes
from tests.release.doors.engine.fake_pulumi import behave, calls

HOST = socket.gethostname()
# What Pulumi does: it refuses while there is a lock, and names them all.
REFUSE = """
set -- locks/*.json
if [ -e "$1" ]; then
  echo "error: the stack is currently locked by $# lock(s)." >&2
  for lock; do cat "${lock%.json}.told" >&2; done
  exit 255
fi
"""
# What it does then: its lock, its headline, its work; in which it is killed once `release` has seen the lock.
LOCK = f"""
printf '{{"pid": %d, "username": "ops", "hostname": "{HOST}", "timestamp": "2026Z"}}' $$ > locks/mine.json
echo 'Updating (dev):'
"""
KILLED = REFUSE + LOCK + "until grep -qs mine stageline-dev-*/pulumi.json; do :; done; kill -9 $$"


class Waiting:
    """The time that a stack waits: it passes at once, and something may happen in it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told: list[str] = []
        self.then: Callable[[float], None] = lambda seconds: None

    def pause(self, seconds: float) -> None:
        self.seconds += seconds
        self.then(self.seconds)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    folder = tmp_path / "locks"
    folder.mkdir()
    return folder


@pytest.fixture
def stack(tmp_path: Path, fake_pulumi: None, locks: Path, waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file://somewhere")
    behave(tmp_path, REFUSE)
    return Stack(tmp_path, "dev", log_dir=tmp_path, open_locks=lambda backend: FolderLocks(locks), pause=waiting.pause)


@pytest.fixture
def dead() -> Process:
    """A process of this boot and space that has ended."""
    with running() as process:
        pass
    return process


class running:
    """A Pulumi at work, until the end of the block."""

    def __enter__(self) -> Process:
        self._process = subprocess.Popen(["pulumi", "60"], executable="sleep", start_new_session=True)
        found = Processes().find(self._process.pid)
        assert found is not None
        return found

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()


def lock(folder: Path, name: str, *, pid: int, host: str = HOST, since: str = "2026-11-20T12:00:00Z") -> None:
    content = {"pid": pid, "username": "ops", "hostname": host, "timestamp": since}
    (folder / f"{name}.json").write_text(json.dumps(content))
    told = f"  file:///x/{name}.json: created by ops@{host} (pid {pid}) at {since}"
    (folder / f"{name}.told").write_text(f"{told}\n")


def trace(folder: Path, process: Process, *, deployment: str = "dev-1", held: str = "5f-1") -> None:
    """What a killed `release` leaves of its call."""
    (folder / "stageline-dev-abcdefgh").mkdir()
    write_trace(folder / "stageline-dev-abcdefgh", Trace(deployment=deployment, process=process, lock=held))


def names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.json"))


def verbs(folder: Path) -> list[str]:
    return [line.split()[0] for line in calls(folder)]


def test_the_lock_of_a_pulumi_that_was_killed_under_us_is_removed_at_once(
    stack: Stack, tmp_path: Path, locks: Path
) -> None:
    behave(tmp_path, KILLED)
    with pytest.raises(Broken, match="was killed by signal 9"):
        stack.up(fence=1, deployment="dev-1")
    assert (names(locks), verbs(tmp_path)) == ([], ["up"])


def test_the_lock_of_a_destroy_that_was_killed_under_us_is_removed_at_once(
    stack: Stack, tmp_path: Path, locks: Path
) -> None:
    behave(tmp_path, KILLED.replace("Updating (", "Destroying ("))
    with pytest.raises(Broken, match="was killed by signal 9"):
        stack.destroy(deployment="demo-1")
    assert (names(locks), verbs(tmp_path)) == ([], ["destroy"])


def test_the_lock_that_a_killed_deployment_left_is_removed_by_its_id_and_the_up_goes_on(
    stack: Stack, tmp_path: Path, locks: Path, dead: Process
) -> None:
    trace(tmp_path, dead)
    lock(locks, "5f-1", pid=dead.pid)
    stack.up(fence=1, deployment="dev-1")
    assert (names(locks), verbs(tmp_path)) == ([], ["up", "up"])


def test_the_lock_of_somebody_else_stays_where_ours_is_removed(
    stack: Stack, tmp_path: Path, locks: Path, dead: Process
) -> None:
    trace(tmp_path, dead)
    lock(locks, "5f-1", pid=dead.pid)
    lock(locks, "5f-2", pid=dead.pid)
    with pytest.raises(Locked, match=r"locked by process .* on .*lock 5f-2"):
        stack.up(fence=1, deployment="dev-1")
    assert (names(locks), verbs(tmp_path)) == (["5f-2"], ["up", "up"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"boot": "another"}, id="of-another-boot-or-machine"),
        pytest.param({"space": "pid:[1]"}, id="of-another-container"),
    ],
)
def test_a_trace_of_another_process_space_proves_nothing(
    stack: Stack, tmp_path: Path, locks: Path, dead: Process, change: dict[str, Any]
) -> None:
    trace(tmp_path, replace(dead, **change))
    lock(locks, "5f-1", pid=dead.pid)
    with pytest.raises(Locked):
        stack.up(fence=1, deployment="dev-1")
    assert names(locks) == ["5f-1"]


def test_a_number_that_another_process_has_by_now_is_no_life_of_the_dead_one(
    stack: Stack, tmp_path: Path, locks: Path
) -> None:
    with running() as other:
        trace(tmp_path, replace(other, began=other.began - 1))
        lock(locks, "5f-1", pid=other.pid)
        stack.up(fence=1, deployment="dev-1")
    assert names(locks) == []


@pytest.mark.parametrize(
    ("deployment", "held"),
    [
        pytest.param("dev-2", "5f-1", id="of-another-deployment"),
        pytest.param("dev-1", "5f-9", id="of-another-lock"),
        pytest.param("dev-1", "", id="killed-before-its-lock-was-seen"),
    ],
)
def test_a_trace_proves_its_own_lock_for_its_own_deployment_only(
    stack: Stack, tmp_path: Path, locks: Path, dead: Process, deployment: str, held: str
) -> None:
    trace(tmp_path, dead, deployment=deployment, held=held)
    lock(locks, "5f-1", pid=dead.pid)
    with pytest.raises(Locked):
        stack.up(fence=1, deployment="dev-1")
    assert names(locks) == ["5f-1"]


def test_a_living_pulumi_keeps_its_lock(stack: Stack, tmp_path: Path, locks: Path) -> None:
    with running() as process:
        trace(tmp_path, process)
        lock(locks, "5f-1", pid=process.pid, since="2999-01-01T00:00:00Z")
        with pytest.raises(Locked):
            stack.up(fence=1, deployment="dev-1")
    assert names(locks) == ["5f-1"]


def test_a_lock_that_names_our_host_and_a_number_that_nobody_has_is_not_taken_for_dead(
    stack: Stack, tmp_path: Path, locks: Path, dead: Process
) -> None:
    """So looks the living lock of another container with the same host name."""
    lock(locks, "5f-1", pid=dead.pid)
    with pytest.raises(Locked, match=r"locked by process .*; wait; if it is dead: release unlock dev 5f-1 --reason"):
        stack.up(fence=1, deployment="dev-1")
    assert (names(locks), verbs(tmp_path)) == (["5f-1"], ["up"])


def test_where_two_locks_name_our_host_and_number_neither_is_taken_for_ours(
    stack: Stack, tmp_path: Path, locks: Path
) -> None:
    """Another container's Pulumi tried just then: it shows its lock for a moment."""
    twin = "cp locks/mine.json locks/twin.json; "
    behave(tmp_path, REFUSE + LOCK.replace("echo", f"{twin}echo") + "kill -9 $$")
    with pytest.raises(Broken, match="was killed by signal 9"):
        stack.up(fence=1, deployment="dev-1")
    assert names(locks) == ["mine", "twin"]


def test_an_up_that_ends_by_itself_leaves_no_trace(stack: Stack, tmp_path: Path, locks: Path) -> None:
    seen = "until grep -qs mine stageline-dev-*/pulumi.json; do :; done; rm locks/mine.json; exit 1"
    behave(tmp_path, REFUSE + LOCK + seen)
    with pytest.raises(Broken):
        stack.up(fence=1, deployment="dev-1")
    assert list(tmp_path.glob("stageline-dev-*/pulumi.json*")) == []


@pytest.fixture
def held(locks: Path) -> None:
    """A lock of a machine that nobody here can see."""
    lock(locks, "5f-1", pid=47, host="build-3")


def test_a_lock_of_somebody_else_is_waited_for_and_told_once(
    stack: Stack, tmp_path: Path, locks: Path, waiting: Waiting, held: None
) -> None:
    waiting.then = lambda seconds: (locks / "5f-1.json").unlink() if seconds == 7.0 else None
    stack.up(fence=1, deployment="dev-1", wait=300, told=waiting.told.append)
    assert waiting.told == [
        "dev is locked by process 47 of ops on build-3 since 2026-11-20T12:00:00Z (lock 5f-1); waiting for it, "
        "at most 300 s"
    ]
    assert (waiting.seconds, verbs(tmp_path)) == (7.0, ["up"] * 4)


def test_a_replacement_waits_for_a_lock_as_well(
    stack: Stack, tmp_path: Path, locks: Path, waiting: Waiting, held: None
) -> None:
    waiting.then = lambda seconds: (locks / "5f-1.json").unlink() if seconds == 7.0 else None
    stack.replace("urn:of:a server", fence=1, wait=300, told=waiting.told.append)
    assert (len(waiting.told), waiting.seconds, verbs(tmp_path)) == (1, 7.0, ["up"] * 4)


def test_after_the_limit_it_says_how_long_it_waited_and_for_whom(
    stack: Stack, tmp_path: Path, locks: Path, waiting: Waiting, held: None
) -> None:
    with pytest.raises(
        Locked, match=r"on build-3 .*, also after waiting 10 s; wait; if it is dead: release unlock"
    ) as caught:
        stack.up(fence=1, wait=10)
    assert ([one.id for one in caught.value.locks], caught.value.owner_lives) == (["5f-1"], False)
    assert (waiting.seconds, names(locks), list(tmp_path.glob("stageline-*"))) == (10.0, ["5f-1"], [])


def test_without_a_limit_nobody_waits(stack: Stack, waiting: Waiting, held: None) -> None:
    with pytest.raises(Locked):
        stack.up(fence=1, told=waiting.told.append)
    assert (waiting.seconds, waiting.told) == (0.0, [])


def test_a_signal_ends_the_waiting(stack: Stack, waiting: Waiting, locks: Path, held: None) -> None:
    waiting.then = lambda seconds: os.kill(os.getpid(), signal.SIGTERM) if seconds == 2.0 else None
    with INTERRUPTION.watched(), pytest.raises(Interrupted):
        stack.up(fence=1, wait=300)
    assert waiting.seconds == 2.0


def test_an_owner_that_is_seen_at_work_here_is_only_waited_for(stack: Stack, locks: Path) -> None:
    with running() as process:
        lock(locks, "5f-1", pid=process.pid, since=datetime.now(UTC).isoformat())
        with pytest.raises(Locked, match=r"locked by process .*; wait for it to end$") as caught:
            stack.up(fence=1)
    assert caught.value.owner_lives


def test_a_pulumi_that_is_killed_in_every_call_is_told_once(
    tmp_path: Path, fake_pulumi: None, monkeypatch: pytest.MonkeyPatch, locks: Path
) -> None:
    """Also where it has to be asked for its backend first."""
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    behave(tmp_path, "kill -9 $$")
    stack = Stack(tmp_path, "dev", log_dir=tmp_path, open_locks=lambda backend: FolderLocks(locks))
    with pytest.raises(Broken, match="pulumi up of dev was killed by signal 9"):
        stack.up(fence=1, deployment="dev-1")
    assert verbs(tmp_path) == ["whoami", "up"]


def test_locks_that_cannot_be_read_hide_nothing_and_are_left_alone(
    tmp_path: Path, fake_pulumi: None, monkeypatch: pytest.MonkeyPatch, locks: Path, held: None
) -> None:
    def unreadable(backend: str) -> FolderLocks:
        raise Broken("no such backend")

    monkeypatch.setenv("PULUMI_BACKEND_URL", "file://somewhere")
    behave(tmp_path, REFUSE)
    with pytest.raises(Locked, match="build-3"):
        Stack(tmp_path, "dev", log_dir=tmp_path, open_locks=unreadable).up(fence=1)
