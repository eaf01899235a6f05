"""`release unlock`: one named lock of a stack, removed under the lease and on record."""

import json
import socket
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from release.doors.engine.locks import FolderLocks, Lock
from release.doors.engine.stack import Stack
from release.process.errors import Broken, LeaseHeld, Refused
from release.records.ledger.head import Former, Open, State
from release.records.ledger.ledger import Entry, utc_now
from release.verbs.status import status, status_text
from release.verbs.unlock import locks_of, remove, remove_of_demo
from settings.stackfile import Project
from tests.release.demos import Demos, demo
from tests.release.world import OPS, STAGELINE, World
from tests.there import there

OPEN = Open(
    deployment="dev-1",
    kind="promotion",
    release="1.0.0",
    digest="d",
    slot="blue",
    step="installed",
    requested=1,
    former=Former(declared=None, content=None),
)
WHY = "build-3 burned down"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The lock folder of dev's stack with two locks of another host."""
    folder = tmp_path / "locks"
    folder.mkdir()
    for name in ("5f-1", "5f-2"):
        write(folder / f"{name}.json", host="build-3", pid=47)
    return folder


def write(file: Path, *, host: str, pid: int, since: str = "2026Z") -> None:
    file.write_text(json.dumps({"pid": pid, "username": "ops", "hostname": host, "timestamp": since}))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_the_named_lock_is_removed_and_the_ledger_says_who_held_it_and_why(world: World, folder: Path) -> None:
    done = remove(world.dev, FolderLocks(folder), "5f-1", WHY, OPS)
    assert names(folder) == ["5f-2.json"]
    assert done["holder"] == "process 47 of ops on build-3 since 2026Z (lock 5f-1)"
    requested, removed = list(world.dev.ledger.events())[1:]
    assert (requested.kind, removed.kind) == ("lock removal requested", "lock removal done")
    assert removed.details == {
        "lock": {"id": "5f-1", "user": "ops", "host": "build-3", "pid": 47, "since": "2026Z"},
        "reason": WHY,
    }
    assert (removed.by, world.dev.ledger.faults()) == (OPS.principal, ())


def test_an_open_deployment_stays_open(world: World, folder: Path) -> None:
    opened = State(open=OPEN)
    with world.dev.ledger.begin(Entry(kind="promotion requested", state=opened), world.dev.ledger.head(), OPS):
        pass
    remove(world.dev, FolderLocks(folder), "5f-1", WHY, OPS)
    assert world.dev.ledger.head().state == opened


@pytest.mark.parametrize(("name", "why"), [("5f-9", "dev has no lock 5f-9"), ("here", "dev is in use by process")])
def test_a_refused_removal_changes_nothing(world: World, folder: Path, name: str, why: str) -> None:
    process = subprocess.Popen(["pulumi", "60"], executable="sleep", start_new_session=True)
    write(folder / "here.json", host=socket.gethostname(), pid=process.pid, since=datetime.now(UTC).isoformat())
    before = (names(folder), world.dev.ledger.head())
    try:
        with pytest.raises(Refused, match=why):
            remove(world.dev, FolderLocks(folder), name, WHY, OPS)
    finally:
        process.kill()
        process.wait()
    assert (names(folder), world.dev.ledger.head()) == before


def test_while_somebody_deploys_their_lock_is_left_alone_until_they_are_seen_not_to_live(
    world: World, folder: Path
) -> None:
    ledger = world.dev.ledger
    holder = ledger.begin(Entry(kind="note", state=State()), ledger.head(), OPS)
    pause, alive = ledger._pause, [holder.lease]

    def beating(seconds: float) -> None:
        pause(seconds)
        alive.append(there(ledger.beat(alive[-1])))

    ledger._pause = beating
    with pytest.raises(LeaseHeld):
        remove(world.dev, FolderLocks(folder), "5f-1", WHY, OPS)
    assert names(folder) == ["5f-1.json", "5f-2.json"]
    ledger._pause = pause
    remove(world.dev, FolderLocks(folder), "5f-1", WHY, OPS)
    assert ledger.head().fence == holder.lease.fence + 1


def test_a_lock_that_cannot_be_removed_is_told_and_recorded(world: World, folder: Path) -> None:
    class Stubborn(FolderLocks):
        def remove(self, lock: Lock) -> None:
            raise Broken(f"cannot remove the lock {lock.id}: Permission denied")

    with pytest.raises(Broken, match="cannot remove the lock 5f-1: Permission denied"):
        remove(world.dev, Stubborn(folder), "5f-1", WHY, OPS)
    assert list(world.dev.ledger.events())[-1].kind == "lock removal failed"


def test_the_locks_are_looked_for_where_the_backend_keeps_the_stack(world: World, tmp_path: Path) -> None:
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "stageline" / "dev"
    folder.mkdir(parents=True)
    write(folder / "5f-1.json", host="build-3", pid=47)
    for environment, found in ((world.dev, ["5f-1"]), (world.qa, [])):
        assert [lock.id for lock in locks_of(environment, f"file://{tmp_path}").all()] == found
    beside = replace(world.dev, project=Project(tmp_path))
    assert [lock.id for lock in locks_of(beside, "file://.").all()] == ["5f-1"]


def test_a_backend_that_keeps_no_files_is_refused(world: World) -> None:
    with pytest.raises(
        Refused, match=r"the locks of https://app\.example are not files .*/stageline/dev/LOCK\.json there by"
    ):
        locks_of(world.dev, "https://app.example")


def test_status_shows_the_locks_of_a_deployment_that_nobody_works_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    world.clock.time = utc_now()  # that is what the verb asks
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "stageline" / "dev"
    folder.mkdir(parents=True)
    write(folder / "5f-1.json", host="build-3", pid=47)
    assert "locked" not in status_text(status(STAGELINE, "dev"))

    opened = State(open=OPEN)
    with world.dev.ledger.begin(Entry(kind="promotion requested", state=opened), world.dev.ledger.head(), OPS):
        assert "locked" not in status_text(status(STAGELINE, "dev")), "somebody is at work"
    assert status_text(status(STAGELINE, "dev")).splitlines()[-1] == (
        "dev is locked by process 47 of ops on build-3 since 2026Z (lock 5f-1)"
    )


@pytest.fixture
def demos(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demos:
    """dev with a demo whose stack has a lock of another host, in a backend that is a folder."""
    found, locks = Demos(world), tmp_path / ".pulumi/locks/organization/stageline" / demo().stack
    locks.mkdir(parents=True)
    write(locks / "5f-1.json", host="build-3", pid=47)

    class Backed(Stack):
        def backend(self) -> str:
            return f"file://{tmp_path}"

    environment = replace(found.base.environment, stack=Backed(tmp_path, "dev"))
    found.base = replace(found.base, environment=environment)
    found.registry.add(demo())
    return found


@pytest.mark.moto
def test_a_lock_of_a_demos_stack_is_removed_and_the_demo_says_by_whom_and_why(demos: Demos) -> None:
    done = remove_of_demo(demos.base, demo().stack, "5f-1", WHY, "")
    assert done["holder"] == "process 47 of ops on build-3 since 2026Z (lock 5f-1)"
    assert WHY in demos.entry().demo.why and "user/moto" in demos.entry().demo.why
    with pytest.raises(Refused, match="has no lock 5f-1"):
        remove_of_demo(demos.base, demo().stack, "5f-1", WHY, "")


@pytest.mark.moto
def test_a_lock_of_a_demo_that_somebody_works_on_or_that_nobody_knows_is_left(demos: Demos) -> None:
    demos.registry.change(demos.entry(), held=demos.held_for_a_while())
    with pytest.raises(LeaseHeld):
        remove_of_demo(demos.base, demo().stack, "5f-1", WHY, "")
    with pytest.raises(Refused, match="there is no demo of the stack demo-x-000000"):
        remove_of_demo(demos.base, "demo-x-000000", "5f-1", WHY, "")
