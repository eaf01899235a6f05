"""The locks of Pulumi's backend: read, judged, and removed one by one."""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from release.doors.aws.state_bucket import BucketLocks
from release.doors.engine.locks import FolderLocks, Lock, Locks, bucket_of, chosen, folder_of, locks_in, parse_lock
from release.process.errors import Refused
from tests.aws_clients import aws_client
from tests.release.world import shared_session

GONE = 2**22 - 1  # above what Linux gives by default
LOCKED = """error: the stack is currently locked by 2 lock(s). Either wait for the other process(es) to end or \
delete the lock file with `pulumi cancel`.
  file:///x/.pulumi/locks/organization/stageline/dev/5f-1.json?no_tmp_dir=true: created by ops@build-3 (pid 47) at 2026Z
  s3://state/.pulumi/locks/organization/stageline/dev/5f-2.json: created by ci@build-4 (pid 48) at 2027Z
"""


def content(*, host: str = "build-3", pid: int = 47, since: str = "2026Z") -> bytes:
    """A lock's file as Pulumi 3 writes it."""
    return json.dumps({"pid": pid, "username": "ops", "hostname": host, "timestamp": since}).encode()


def lock(*, host: str = "build-3", pid: int = 47, since: str = "2026Z") -> Lock:
    return parse_lock("5f-1", content(host=host, pid=pid, since=since))


def test_who_holds_a_stack_is_read_from_what_pulumi_says() -> None:
    assert locks_in(LOCKED) == (
        Lock(id="5f-1", user="ops", host="build-3", pid=47, since="2026Z"),
        Lock(id="5f-2", user="ci", host="build-4", pid=48, since="2027Z"),
    )
    assert locks_in("error: something else (pid 1)") == ()


def test_a_lock_tells_its_holder_and_its_name() -> None:
    assert str(lock()) == "process 47 of ops on build-3 since 2026Z (lock 5f-1)"


@pytest.mark.parametrize("data", [b"", b"[]", b'{"pid": 1}', b"\xff"])
def test_a_lock_that_is_not_readable_is_one_none_the_less(data: bytes) -> None:
    assert str(parse_lock("5f-1", data)) == "an unknown process (lock 5f-1)"
    assert chosen((parse_lock("5f-1", data),), "5f-1", "dev").id == "5f-1"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"pid": true, "username": "a", "hostname": "b", "timestamp": "c"}', id="a-flag-for-a-number"),
        pytest.param(b'{"pid": 1, "username": ["a"], "hostname": "b", "timestamp": "c"}', id="a-list-for-a-name"),
        pytest.param(b"[" * 5000, id="deep"),
    ],
)
def test_what_a_lock_may_not_say_makes_it_one_of_nobody(data: bytes) -> None:
    assert parse_lock("5f-1", data) == Lock(id="5f-1")


def test_what_a_lock_says_is_bounded_and_only_shown_by_a_terminal() -> None:
    data = json.dumps({"pid": 1, "username": "\x1b[2J\n", "hostname": "h" * 1000, "timestamp": "2026Z"}).encode()
    shown = str(parse_lock("5f-1", data))
    assert "process 1 of \\x1b[2J on hhh" in shown
    assert len(shown) < 250


@pytest.fixture
def process() -> Iterator[int]:
    """The number of a Pulumi that is at work here."""
    started = subprocess.Popen(["/opt/pulumi", "60"], executable="sleep", start_new_session=True)
    yield started.pid
    started.kill()
    started.wait()


def since(hours: float) -> str:
    """A lock's time, so far from now."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("host", "written", "alive"),
    [
        pytest.param(socket.gethostname(), lambda: since(0), True, id="began-before-its-lock"),
        pytest.param(socket.gethostname(), lambda: since(-1), False, id="began-after-it-so-the-number-was-given-again"),
        pytest.param(socket.gethostname(), lambda: "yesterday", True, id="a-time-that-nobody-can-read"),
        pytest.param("build-3", lambda: since(0), False, id="of-another-host"),
    ],
)
def test_a_process_is_taken_for_the_owner_if_it_began_before_the_lock(
    process: int, host: str, written: Callable[[], str], alive: bool
) -> None:
    assert lock(host=host, pid=process, since=written()).is_alive() is alive


def test_another_program_of_the_number_is_not_the_owner() -> None:
    """Pulumi is often number 1 of its container, and here that is what started the machine."""
    assert not lock(host=socket.gethostname(), pid=1, since=since(0)).is_alive()
    assert not lock(host=socket.gethostname(), pid=os.getpid(), since=since(0)).is_alive()


def test_a_number_that_nobody_has_is_nobody_s_life() -> None:
    assert not lock(host=socket.gethostname(), pid=GONE, since=since(0)).is_alive()
    assert not Lock(id="5f-1").is_alive()


def test_a_lock_whose_process_is_alive_here_is_refused(process: int) -> None:
    held = lock(host=socket.gethostname(), pid=process, since=since(0))
    with pytest.raises(Refused, match=f"dev is in use by process {process} of ops on .*end that process first"):
        chosen((held,), "5f-1", "dev")


@pytest.mark.parametrize("name", ["5f", "*", "../5f-1", "5f-1.json", ""])
def test_a_name_that_no_lock_has_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(Refused, match=r"dev has no lock.*; there is: process 47 of ops on build-3 since 2026Z"):
        chosen((lock(),), name, "dev")


def test_a_stack_without_locks_says_so() -> None:
    with pytest.raises(Refused, match="dev has no lock 5f-1; there is: none"):
        chosen((), "5f-1", "dev")


def in_folder(tmp_path: Path) -> tuple[Locks, Callable[[], list[str]]]:
    for name in ("5f-1", "5f-2"):
        (tmp_path / f"{name}.json").write_bytes(content())
        (tmp_path / f"{name}.json.attrs").write_text("{}")
    return FolderLocks(tmp_path), lambda: sorted(file.name for file in tmp_path.iterdir())


def test_a_folder_loses_only_the_lock_that_is_removed_with_its_attributes(tmp_path: Path) -> None:
    locks, left = in_folder(tmp_path)
    first, second = locks.all()
    locks.remove(first)
    assert left() == ["5f-2.json", "5f-2.json.attrs"]
    assert locks.all() == (second,)


def test_a_lock_that_went_away_meanwhile_is_no_fault(tmp_path: Path) -> None:
    locks, _ = in_folder(tmp_path)
    first = locks.all()[0]
    locks.remove(first)
    locks.remove(first)


def test_a_stack_that_was_never_locked_has_no_locks(tmp_path: Path) -> None:
    assert FolderLocks(tmp_path / "nowhere").all() == ()


def test_a_bucket_loses_only_the_lock_that_is_removed(aws: None) -> None:
    s3, folder = aws_client("s3"), "team/.pulumi/locks/organization/stageline/dev/"
    s3.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for key in (f"{folder}5f-1.json", f"{folder}5f-2.json", f"{folder.replace('dev', 'qa')}5f-1.json"):
        s3.put_object(Bucket="state", Key=key, Body=content())
    locks = BucketLocks(shared_session("123456789012", "eu-central-1"), "state", folder)
    assert [one.id for one in locks.all()] == ["5f-1", "5f-2"]
    locks.remove(locks.all()[0])
    left = [entry["Key"] for entry in s3.list_objects_v2(Bucket="state")["Contents"]]
    assert left == [f"{folder}5f-2.json", f"{folder.replace('dev', 'qa')}5f-1.json"]


@pytest.mark.parametrize(
    ("backend", "folder"),
    [
        pytest.param("file:///var/state", "/var/state", id="absolute"),
        pytest.param("file:///var/state?no_tmp_dir=true", "/var/state", id="with-options"),
        pytest.param("file://state", "/project/state", id="beside-the-project"),
        pytest.param("file://./state", "/project/state", id="dot"),
        pytest.param("file://~", str(Path.home()), id="home"),
    ],
)
def test_the_folder_of_a_backend_is_that_of_its_url(backend: str, folder: str) -> None:
    assert folder_of(backend, Path("/project")) == Path(folder)


@pytest.mark.parametrize(
    ("backend", "place"),
    [
        pytest.param("s3://state", ("state", ""), id="bucket"),
        pytest.param("s3://state/team/a?region=eu-central-1&awssdk=v2", ("state", "team/a/"), id="prefix-and-options"),
    ],
)
def test_the_bucket_and_prefix_of_a_backend_are_those_of_its_url(backend: str, place: tuple[str, str]) -> None:
    assert bucket_of(backend) == place
