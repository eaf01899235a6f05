"""Deployments that are killed, interrupted or looked through, on the real engine.

One cloud for all: dev is up, 1.0.0 is live in it, and each test leaves that so. 1.1.0 is published, and 1.2.0, which
does not become healthy.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.demo import Cloud, version_at
from local.processes import descendants, marked
from local.traffic import Traffic
from release.process.leftovers import Leftovers
from tests.e2e.clone import (
    begin,
    client,
    ended,
    eventually,
    head,
    ledger_item,
    live_url,
    one_line,
    publish,
    resources,
    table,
    words,
)
from tests.e2e.ready import Ready

PROMOTION = ("release", "promote", "1.1.0", "--to", "dev")
OPEN = "is open in dev: promotion of 1.1.0"
UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, dev's live URL, and every command line from `release init` to the first release."""

    cloud: Cloud
    url: str
    command_lines: set[str]

    @property
    def state(self) -> dict[str, Any]:
        """What HEAD says."""
        found: dict[str, Any] = head(self.cloud, "dev")["state"]
        return found


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Dev]:
    with ready.live_dev() as cloud:
        publish(cloud, "1.1.0", "1.2.0")
        yield Dev(cloud=cloud, url=live_url(cloud, "dev"), command_lines=ready.made.command_lines)


def test_row_01_killed_while_installing_and_again_while_it_is_put_back_it_is_aborted(dev: Dev) -> None:
    """What asks the installer lives on: it is ended, and the installer is waited for by its lock."""
    before = dev.state
    with Traffic(f"{dev.url}/health") as traffic:
        promotion = begin(dev.cloud, *PROMOTION)
        wait_until_installing(dev.cloud, promotion)
        kill(promotion.pid)
        ended(promotion)
        shown_as_open(dev, step="installed")
        abort = begin(dev.cloud, "release", "abort", "dev")
        wait_until(dev, abort, step="undoing")
        kill_with_its_pulumi(abort)
        dev.cloud.must("release", "abort", "dev")
    assert nothing_runs_for_any_deployment(dev)
    assert (traffic.failed, traffic.versions) == ([], ["1.0.0"])
    assert_as_before(dev, before)


def test_row_01_killed_while_switching_it_is_resumed_and_what_was_before_is_rolled_back_to(dev: Dev) -> None:
    """A kill of the rollback as well, between two of its steps."""
    with Traffic(f"{dev.url}/health") as traffic:
        promotion = begin(dev.cloud, *PROMOTION)
        wait_until(dev, promotion, step="applied")
        kill_with_its_pulumi(promotion)
        dev.cloud.must("release", "resume", "dev")
        assert (dev.state["live"]["release"], dev.state["open"]) == ("1.1.0", None)
        assert nothing_runs_for_any_deployment(dev)

        rollback = begin(dev.cloud, "release", "rollback", "dev")
        wait_until(dev, rollback, step="applied")
        kill_with_its_pulumi(rollback)
        dev.cloud.must("release", "resume", "dev")
    assert (traffic.failed, traffic.versions) == ([], ["1.0.0", "1.1.0", "1.0.0"])
    assert (dev.state["live"]["release"], dev.state["open"]) == ("1.0.0", None)
    assert dev.cloud.run("release", "drift", "dev").returncode == 0  # every server's slots are what HEAD says


def test_row_24_an_interrupted_promotion_lets_its_installer_end_and_puts_everything_back(dev: Dev) -> None:
    before = dev.state
    promotion = begin(dev.cloud, *PROMOTION)
    wait_until_installing(dev.cloud, promotion)
    promotion.send_signal(signal.SIGTERM)
    done = ended(promotion)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert "1.1.0 is not live in dev" in one_line(done)
    assert_as_before(dev, before)


def test_a_plain_up_lands_where_the_ledger_says_and_changes_nothing(dev: Dev) -> None:
    before = (head(dev.cloud, "dev"), resources(dev.cloud), version_at(dev.url))
    done = dev.cloud.run(*UP, "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (head(dev.cloud, "dev"), resources(dev.cloud), version_at(dev.url)) == before


def test_no_secret_leaves_its_place_also_when_an_installation_fails(dev: Dev) -> None:
    done = dev.cloud.run("release", "promote", "1.2.0", "--to", "dev")
    assert done.returncode == 1, done.stderr
    secrets = deploy_key(dev.cloud) | {database_password(dev.cloud)}
    assert [secret for secret in secrets if secret in dev.cloud.must("pulumi", "stack", "export", "-s", "dev")] == []
    assert [secret for secret in secrets if secret in done.stdout + done.stderr] == []
    assert [line for line in dev.command_lines if any(secret in line for secret in secrets)] == []
    assert files_with(dev.cloud, secrets) == []


def test_the_search_for_secrets_finds_what_is_there(dev: Dev) -> None:
    assert any("installer.pyz install" in line for line in dev.command_lines)
    assert any("pulumi -C" in line for line in dev.command_lines)
    found = files_with(dev.cloud, key_lines(dev.cloud, "stageline/dev/host-key"))
    assert {file.name for file in found} == {"ssh_host_ed25519_key"}  # servers have their host key, and only they


def wait_until_installing(cloud: Cloud, promotion: "subprocess.Popen[str]") -> None:
    """Until the installer runs on a server."""

    def installing() -> bool:
        assert promotion.poll() is None, one_line(ended(promotion))
        return any("installer.pyz install" in words(Path(f"/proc/{one.pid}")) for one in marked(cloud.paths.root))

    eventually(installing, limit=60)


def wait_until(dev: Dev, process: "subprocess.Popen[str]", *, step: str) -> None:
    """Until HEAD says that the deployment is in this step, and has not ended it."""

    def there() -> bool:
        assert process.poll() is None, one_line(ended(process))
        opened = dev.state["open"]
        return opened is not None and (opened["step"], opened["done"]) == (step, False)

    eventually(there, limit=90)


def shown_as_open(dev: Dev, *, step: str) -> None:
    """What `status` shows of it; a plain up is no part of it, and nobody promotes past it.

    Its process is proven to have ended on this very machine, so nobody waits for its lease.
    """
    assert step in dev.cloud.must("release", "status", "dev")
    (status,) = json.loads(dev.cloud.must("release", "status", "dev", "--json"))["environments"]
    assert (status["open"]["step"], status["lease"]["owner"]) == (step, "arn:aws:iam::123456789012:user/ops")
    plain = dev.cloud.run(*UP)
    refused = plain.stdout + plain.stderr
    while_its_pulumi_lives = "the stack is currently locked" in refused  # the engine asks for its lock first
    assert (plain.returncode != 0, while_its_pulumi_lives or OPEN in refused) == (True, True), refused
    second = dev.cloud.run(*PROMOTION)
    assert (second.returncode, "release resume dev, or release abort dev" in one_line(second)) == (3, True)


def nothing_runs_for_any_deployment(dev: Dev) -> bool:
    """Whether nothing is left of any that the ledger knows."""
    events = client(dev.cloud, "dynamodb").query(
        TableName=table("dev"),
        KeyConditionExpression="kind = :kind",
        ExpressionAttributeValues={":kind": {"S": "EVENT"}},
    )["Items"]
    deployments = {json.loads(event["body"]["S"])["deployment"] for event in events} - {None}
    return all(Leftovers().of(deployment) == () for deployment in deployments)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_with_its_pulumi(promotion: "subprocess.Popen[str]") -> None:
    """kill -9, the verb first: it must not see how its Pulumi ends."""
    below = descendants(promotion.pid)
    for pid in (promotion.pid, *(process.pid for process in below)):
        kill(pid)
    ended(promotion)


def assert_as_before(dev: Dev, before: dict[str, Any]) -> None:
    """Live, slots, lease and Pulumi's lock are as if nothing had been tried, and `pulumi up` has nothing to do."""
    after = dev.state
    assert (after["live"], after["declared"], after["open"]) == (before["live"], before["declared"], None)
    assert [release_in(after, slot) for slot in ("blue", "green")] == [
        release_in(before, slot) for slot in ("blue", "green")
    ]
    lease = ledger_item(dev.cloud, "dev", "LEASE")
    assert lease is not None
    assert json.loads(lease["body"]["S"])["owner"] == ""
    assert list((dev.cloud.paths.state / ".pulumi" / "locks").rglob("*.json")) == []
    assert version_at(dev.url) == "1.0.0"
    up = dev.cloud.run(*UP, "--expect-no-changes")
    assert up.returncode == 0, up.stdout + up.stderr


def release_in(state: dict[str, Any], slot: str) -> str | None:
    content = state[slot]
    return content["release"] if content else None


def deploy_key(cloud: Cloud) -> set[str]:
    return key_lines(cloud, "stageline/dev/deploy-key")


def key_lines(cloud: Cloud, name: str) -> set[str]:
    """The lines of a private key that are secret: the first ones say what kind of key it is, and its public half."""
    value = client(cloud, "secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    lines = json.loads(value)["private"].strip().splitlines()
    return set(lines[4:-1])


def database_password(cloud: Cloud) -> str:
    (database,) = client(cloud, "rds").describe_db_instances()["DBInstances"]
    arn = database["MasterUserSecret"]["SecretArn"]
    value = client(cloud, "secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return str(json.loads(value)["password"])


def files_with(cloud: Cloud, secrets: set[str]) -> list[Path]:
    """The files of the clone (state, logs, servers, temporary files) that hold one of them."""
    assert secrets
    wanted = [secret.encode() for secret in secrets]
    files = (file for file in cloud.paths.project.rglob("*") if file.is_file() and not file.is_symlink())
    return [file for file in files if any(secret in file.read_bytes() for secret in wanted)]
