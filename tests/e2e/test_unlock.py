"""A lock that a killed Pulumi left behind: told by name, and removed by its name only, on record."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local.demo import Cloud
from local.processes import descendants
from tests.e2e.clone import Done, begin, changed, ended, eventually, head, one_line, publish
from tests.e2e.ready import Ready

UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def cloud(ready: Ready) -> Iterator[Cloud]:
    """dev is up, and 1.0.0 is published."""
    with ready.dev() as cloud:
        publish(cloud, "1.0.0")
        yield cloud


def test_a_lock_of_a_live_pulumi_is_refused_and_that_of_a_dead_one_removed(cloud: Cloud) -> None:
    pulumi = begin(cloud, *UP)
    try:
        eventually(lambda: locks(cloud) != [], limit=60)
        os.kill(pulumi.pid, signal.SIGSTOP)
        (lock,) = locks(cloud)
        refused = unlock(cloud, lock.stem)
        told = f"release: dev is in use by process {pulumi.pid} of "
        assert (refused.returncode, one_line(refused).startswith(told)) == (3, True)
        assert locks(cloud) == [lock]
    finally:
        kill(pulumi.pid)
        ended(pulumi)
    done = unlock(cloud, lock.stem)
    assert done.returncode == 0, done.stderr
    assert lock.stem in done.stdout
    assert (locks(cloud), list(lock.parent.iterdir())) == ([], [])
    assert cloud.run(*UP).returncode == 0


def test_a_lock_of_another_host_keeps_no_release_from_users_and_is_told_by_name(cloud: Cloud) -> None:
    """The lock is a real one; only its host is changed, as if that machine had burned down."""
    pulumi = begin(cloud, *UP)
    eventually(lambda: locks(cloud) != [], limit=60)
    kill(pulumi.pid)
    ended(pulumi)
    (lock,) = locks(cloud)
    lock.write_text(json.dumps({**json.loads(lock.read_bytes()), "hostname": "build-3"}))

    hasty = changed(cloud, STAGELINE_LOCK_WAIT="2")
    done = hasty.run("release", "promote", "1.0.0", "--to", "dev")
    assert done.returncode == 0, done.stderr
    told = " ".join((done.stdout + done.stderr).split())
    (command,) = set(re.findall(r"release unlock dev [0-9a-f-]+", told))
    assert "applied: " in told and "on build-3 since 20" in told
    state = head(cloud, "dev")["state"]  # users have it; Pulumi's state was not told
    assert (state["live"]["release"], state["open"], state["behind"] != "") == ("1.0.0", None, True)
    assert cloud.run("release", "unlock", "dev", "another", "--reason", "x").returncode == 3

    cloud.must(*command.split(), "--reason", "build-3 burned down")
    shown = cloud.must("release", "history", "dev", "--kind", "lock removal done", "--json")
    details = json.loads(shown)["events"][0]["details"]
    assert (details["lock"]["host"], details["reason"]) == ("build-3", "build-3 burned down")
    cloud.must(*UP)
    assert (head(cloud, "dev")["state"]["live"]["release"], locks(cloud)) == ("1.0.0", [])
    cloud.must("release", "audit", "dev")


def test_an_export_is_checked_without_the_cloud(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "dev.jsonl"
    cloud.must("release", "history", "dev", "--export", str(file))
    cloud.must("release", "audit", "dev", "--file", str(file))
    nowhere = {**cloud.variables, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "STAGELINE_PROJECT": str(tmp_path)}
    alone = Cloud(cloud.paths, nowhere).run("release", "audit", "--file", str(file))
    assert (alone.returncode, "the key came with the file" in alone.stdout) == (0, True), alone.stderr


def unlock(cloud: Cloud, lock: str) -> Done:
    return cloud.run("release", "unlock", "dev", lock, "--reason", "a test")


def locks(cloud: Cloud) -> list[Path]:
    return list((cloud.paths.state / ".pulumi" / "locks" / "organization" / "stageline" / "dev").glob("*.json"))


def kill(pid: int) -> None:
    """kill -9 a Pulumi, and what it started."""
    for one in (pid, *(process.pid for process in descendants(pid))):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
