"""A real environment through `down --keep` and `up`, and the doors into it: `ssh`, `psql`, `open`, `logs`."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.demo import Cloud, version_at
from tests.e2e.clone import Clone, client, eventually, live_url, resources
from tests.e2e.ready import Ready

PREVIEW = ("pulumi", "preview", "--stack", "dev", "--refresh", "--expect-no-changes", "--non-interactive")

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Cloud]:
    """dev with 1.0.0 live, in a cloud that the tests stop and start."""
    with ready.live_dev() as cloud:
        yield cloud


@pytest.fixture
def clone(dev: Cloud) -> Clone:
    return Clone(dev.paths.project)


def test_a_kept_cloud_goes_on_with_its_resources_its_rows_and_its_release(dev: Cloud, clone: Clone) -> None:
    before, url, shell = resources(dev), live_url(dev, "dev"), clone.run("env").stdout
    rows = clone.run("psql", "dev", "-c", "CREATE TABLE kept (name text); INSERT INTO kept VALUES ('a row')")
    assert rows.returncode == 0, rows.stderr

    down = clone.run("down", "--keep")
    assert (down.returncode, clone.processes()) == (0, []), down.stderr
    assert stat.S_IMODE(dev.paths.kept.stat().st_mode) == 0o600
    status = clone.run("status")
    assert (status.returncode, "its state is kept since 20" in status.stdout) == (1, True)

    up = clone.run("up")
    assert (up.returncode, "continued in" in up.stdout) == (0, True), up.stderr
    assert not dev.paths.kept.exists()
    eventually(lambda: version_at(url) == "1.0.0", limit=60)
    assert (resources(dev), clone.run("env").stdout) == (before, shell)
    assert clone.run("psql", "dev", "-At", "-c", "SELECT name FROM kept").stdout == "a row\n"
    dev.must(*PREVIEW)
    dev.must("release", "audit", "dev")


def test_ssh_runs_a_command_as_the_user_of_the_releases_and_leaves_no_key(dev: Cloud, clone: Clone) -> None:
    server = clone.status()["servers"][0]
    done = clone.run("ssh", server["name"], "hostname; id -un >/dev/null; echo $USER; exit 7")
    assert (done.returncode, done.stdout.split()) == (7, [f"ip-{server['address'].replace('.', '-')}", "stageline"])
    assert list(dev.paths.doors.iterdir()) == []
    assert "there is no server 'other': `local-cloud status`" in clone.run("ssh", "other", "true").stderr


def test_ssh_refuses_a_server_that_shows_another_key(dev: Cloud, clone: Clone) -> None:
    server, secrets = clone.status()["servers"][0]["id"], client(dev, "secretsmanager")
    pinned = secrets.get_secret_value(SecretId="stageline/dev/host-key")["SecretString"]
    deploy = secrets.get_secret_value(SecretId="stageline/dev/deploy-key")["SecretString"]
    secrets.put_secret_value(SecretId="stageline/dev/host-key", SecretString=deploy)
    try:
        done = clone.run("ssh", server, "true")
    finally:
        secrets.put_secret_value(SecretId="stageline/dev/host-key", SecretString=pinned)
    assert (done.returncode, "Host key verification failed" in done.stderr) == (255, True)


def test_without_an_ssh_program_the_command_runs_all_the_same(clone: Clone, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        done = clone.run("ssh", clone.status()["servers"][0]["id"], "echo here; exit 7")
    assert (done.returncode, done.stdout) == (7, "here\n"), done.stderr


def test_psql_is_the_master_user_and_ends_as_psql_does(clone: Clone) -> None:
    database = clone.status()["databases"][0]["id"]
    assert clone.run("psql", database, "--", "-At", "-c", "SELECT 1").stdout == "1\n"
    assert clone.run("psql", database, "-c", "nonsense").returncode == 1


def test_open_prints_the_urls_that_answer(dev: Cloud, clone: Clone) -> None:
    live, preview = clone.run("open", "dev").stdout.splitlines()
    assert live.split() == ["dev", "live", f"{live_url(dev, 'dev').rstrip('/')}/"]
    assert preview.split()[:2] == ["dev", "preview"]


def test_logs_are_those_of_the_part_that_is_named(clone: Clone) -> None:
    server = clone.status()["servers"][0]["name"]
    assert "fieldmap 1.0.0 listens" in clone.run("logs", server, "--unit", "stageline-blue").stdout
    assert "database system is ready" in clone.run("logs", "dev").stdout
    assert clone.run("logs", server).returncode == 0
    assert "there are stageline-" in clone.run("logs", server, "--unit", "other").stderr


def test_a_database_that_died_is_seen_until_it_is_rebooted(dev: Cloud, clone: Clone) -> None:
    database = clone.status()["databases"][0]
    os.kill(postmaster(database["address"]), signal.SIGKILL)
    eventually(lambda: clone.run("status").returncode == 1)
    said = clone.run("status").stderr
    assert f"local-cloud: database {database['id']} has crashed" in said
    client(dev, "rds").reboot_db_instance(DBInstanceIdentifier=database["id"])
    assert clone.run("status").returncode == 0
    assert clone.run("psql", "dev", "-At", "-c", "SELECT 1").stdout == "1\n"


def test_reset_forgets_everything_also_what_was_kept(dev: Cloud, clone: Clone) -> None:
    clone.run("down", "--keep")
    reset = clone.run("reset", "--pace", "2")
    assert (reset.returncode, "started in" in reset.stdout) == (0, True), reset.stderr
    shown: dict[str, Any] = clone.status()
    assert (shown["servers"], shown["databases"], shown["load_balancers"], shown["pace"]) == ([], [], [], 2)
    assert dev.run("pulumi", "stack", "ls", "--json").stdout.strip() == "[]"


def postmaster(address: str) -> int:
    found = subprocess.run(
        ["pgrep", "-o", "-f", f"postgres -D .* -h {address}"], capture_output=True, text=True, check=True
    )
    return int(json.loads(found.stdout))
