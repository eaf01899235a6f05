"""The way back with something broken, on the real engine: one call of `release rollback` gets users back.

One cloud: dev holds 1.0.0 and 2.0.0, one in each slot. Each test breaks something, rolls dev back to the release that
users do not have, with requests running through the live URL all the time, and mends what it broke. Afterwards HEAD,
Pulumi's state and reality agree. The release is named: a second rollback in a row would lead forward.
"""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from local.demo import version_at
from local.traffic import Traffic
from release.process.leftovers import Leftovers
from tests.e2e.clone import begin, change_body, client, ended, eventually, head, one_line
from tests.e2e.moody import SERVERS, UP, Dev, assert_in_agreement, moody_dev
from tests.e2e.ready import Ready

QUOTA = 40  # snapshots: more than all tests here take
BACK = 60.0  # seconds for users to be back, on a machine that is busy with other things

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

Broken = Callable[[Dev], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Dev]:
    with variable("MOTO_RDS_SNAPSHOT_LIMIT", str(QUOTA)), moody_dev(ready, "1.0.0", "2.0.0") as dev:
        dev.cloud.must("release", "init", "qa")  # another environment, which has never come up
        yield dev


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """An environment variable for what is started meanwhile."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def fault(*words: str) -> Broken:
    """What `local-cloud fault` breaks."""
    return lambda dev: dev.fault(*words)


def both(first: Broken, second: Broken) -> Broken:
    """Two things broken at once."""

    @contextmanager
    def broken(dev: Dev) -> Iterator[None]:
        with first(dev), second(dev):
            yield

    return broken


@contextmanager
def database_broken(dev: Dev) -> Iterator[None]:
    with dev.fault("break", dev.outputs["database_id"]):
        yield


@contextmanager
def database_busy(dev: Dev) -> Iterator[None]:
    with dev.fault("busy", dev.outputs["database_id"]):
        yield


@contextmanager
def quota_reached(dev: Dev) -> Iterator[None]:
    """As many snapshots as the account may have."""
    databases, database = client(dev.cloud, "rds"), dev.outputs["database_id"]
    made: list[str] = []
    try:
        while True:
            name = f"test-{uuid.uuid4().hex[:12]}"
            databases.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=database)
            made.append(name)
    except databases.exceptions.SnapshotQuotaExceededFault:
        assert made != []
    try:
        yield
    finally:
        for name in made:
            databases.delete_db_snapshot(DBSnapshotIdentifier=name)


def one_server(kind: str, server: str) -> Broken:
    """A server is stopped or hangs, and the balancer has noticed it: what users lost by that is not the rollback's."""

    @contextmanager
    def broken(dev: Dev) -> Iterator[None]:
        with dev.fault(kind, server):
            eventually(lambda: [dev.healthy("blue"), dev.healthy("green")] == [1, 1], limit=60)
            yield
        eventually(lambda: [dev.healthy("blue"), dev.healthy("green")] == [2, 2], limit=60)

    return broken


@contextmanager
def backend_gone(dev: Dev) -> Iterator[None]:
    """The folder of Pulumi's backend is not there."""
    state, away = dev.cloud.paths.state, dev.cloud.paths.state.with_name("away")
    state.rename(away)
    try:
        yield
    finally:
        away.rename(state)


@contextmanager
def other_head_unreadable(dev: Dev) -> Iterator[None]:
    was = head(dev.cloud, "qa")["format"]
    change_body(dev.cloud, "qa", "HEAD", format=99)
    try:
        yield
    finally:
        change_body(dev.cloud, "qa", "HEAD", format=was)


@contextmanager
def other_stack_file_broken(dev: Dev) -> Iterator[None]:
    with changed_file(dev.cloud.paths.work / "Pulumi.qa.yaml", "config: {stageline:nonsense: ["):
        yield


@contextmanager
def changed_file(file: Path, text: str) -> Iterator[None]:
    """Another content for a while."""
    before = file.read_text()
    file.write_text(text)
    try:
        yield
    finally:
        file.write_text(before)


@contextmanager
def checkout_cannot_be_made(dev: Dev) -> Iterator[None]:
    """A setting that nobody applied yet, whose resource AWS refuses to make."""
    with changed_file(dev.stack_file, dev.stack_file.read_text()):
        dev.change("monitoring", emails=["ops@example.com"])
        with dev.fault("throttle", "sns:Subscribe"):
            yield


@contextmanager
def idle_process_dead(dev: Dev) -> Iterator[None]:
    """What the idle slot holds runs on no server."""
    slot, _ = dev.idle
    for server in SERVERS:
        dev.cloud.must("local-cloud", "ssh", server, "systemctl", "--user", "stop", f"stageline-{slot}.service")
    eventually(lambda: dev.healthy(slot) == 0, limit=60)
    yield


TABLE: dict[str, Broken] = {
    "the database is broken": database_broken,
    "the database is being backed up": database_busy,
    "the quota of snapshots is reached": quota_reached,
    "the first server is stopped": one_server("stop", SERVERS[0]),
    "the second server is stopped": one_server("stop", SERVERS[1]),
    "a server hangs": one_server("hang", SERVERS[0]),
    "a server's disk is full": fault("fill", SERVERS[1]),
    "the folder of Pulumi's backend is gone": backend_gone,
    "KMS and S3 refuse": both(fault("throttle", "kms"), fault("throttle", "s3")),
    "the HEAD of another environment cannot be read": other_head_unreadable,
    "the stack file of another environment is broken": other_stack_file_broken,
    "a resource of the checkout cannot be made": checkout_cannot_be_made,
    "the process of the idle release is dead": idle_process_dead,
    "CloudWatch and STS refuse": both(fault("throttle", "cloudwatch"), fault("throttle", "sts")),
}


@pytest.mark.parametrize("broken", TABLE.values(), ids=TABLE)
def test_one_call_of_rollback_gets_users_back_while(dev: Dev, broken: Broken) -> None:
    before, (_, to) = dev.live, dev.idle
    with broken(dev), Traffic(f"{dev.url}/health") as traffic:
        done = dev.call("rollback", "--to", str(to))
        assert done.returncode == 0, done.stderr
        assert f"{to} is live again in dev" in done.stdout
        assert (version_at(dev.url), dev.live) == (to, to)
    assert (traffic.failed, traffic.versions) == ([], [before, to])
    assert_in_agreement(dev, str(to))


def test_users_are_back_while_a_living_process_has_locked_the_stack_and_pulumi_follows_once_it_lets_go(
    dev: Dev,
) -> None:
    _, to = dev.idle
    with Traffic(f"{dev.url}/health") as traffic:
        with locked_by_another_up(dev) as pulumi:
            rollback = begin(dev.cloud, "release", "rollback", "dev", "--to", str(to))
            eventually(lambda: version_at(dev.url) == to, limit=BACK)
            eventually(lambda: dev.step == "applied", limit=BACK)
            deployment = dev.state["open"]["deployment"]
            eventually(lambda: Leftovers().of(deployment) != (), limit=BACK)  # its Pulumi tries,
            eventually(lambda: Leftovers().of(deployment) == (), limit=BACK)  # and has met the lock
            assert rollback.poll() is None
        done = ended(rollback)
    assert (done.returncode, traffic.failed) == (0, []), done.stderr
    assert f"locked by process {pulumi.pid}" in done.stderr
    assert_in_agreement(dev, str(to))


@contextmanager
def locked_by_another_up(dev: Dev) -> Iterator["subprocess.Popen[str]"]:
    """A colleague's `pulumi up` that began before, and stands still until the end."""
    pulumi = begin(dev.cloud, *UP)
    eventually(lambda: list((dev.cloud.paths.state / ".pulumi" / "locks").rglob("*.json")) != [], limit=60)
    os.kill(pulumi.pid, signal.SIGSTOP)
    try:
        yield pulumi
    finally:
        os.kill(pulumi.pid, signal.SIGCONT)
        ended(pulumi)


def test_a_veto_of_the_very_release_is_shown_and_the_second_call_of_rollback_goes_past_it(dev: Dev) -> None:
    before, to = dev.live, str(dev.idle[1])
    dev.cloud.must("release", "veto", to, "--reason", "loses mail")
    refused = dev.call("rollback", "--to", to)
    assert (refused.returncode, version_at(dev.url)) == (3, before)
    assert "loses mail" in one_line(refused)
    assert "--despite veto --reason" in one_line(refused)
    done = dev.call("rollback", "--to", to, "--despite", "veto", "--reason", "better than this one")
    assert (done.returncode, version_at(dev.url)) == (0, to), done.stderr
    dev.cloud.must("release", "veto", to, "--lift", "--reason", "mended elsewhere")
    assert_in_agreement(dev, to)


def test_a_promotion_from_a_checkout_with_a_setting_that_nobody_applied_is_refused_by_name(dev: Dev) -> None:
    """A resource would come along; a rollback from the same checkout is in the table."""
    before, idle = dev.state, str(dev.idle[1])
    with changed_file(dev.stack_file, dev.stack_file.read_text()):
        dev.change("monitoring", emails=["ops@example.com"])
        refused = dev.promote(idle)
    assert refused.returncode == 3, refused.stderr
    assert "this checkout would change more in dev than the release" in one_line(refused)
    assert "pulumi up --stack dev" in one_line(refused)
    assert (dev.state["live"], dev.state["open"]) == (before["live"], None)
    assert_in_agreement(dev, str(before["live"]["release"]))


def test_a_release_whose_health_is_told_in_900_kb_behind_the_switch_is_put_back_by_itself(dev: Dev) -> None:
    before = dev.live
    dev.publish("3.0.0")
    with changed_file(dev.stack_file, dev.stack_file.read_text()), Traffic(f"{dev.url}/health") as traffic:
        dev.change("watch", seconds=30)
        promotion = begin(dev.cloud, "release", "promote", "3.0.0", "--to", "dev")
        eventually(lambda: dev.step == "watched", limit=BACK)
        dev.feels("3.0.0", "huge")
        done = ended(promotion)
    assert (done.returncode, version_at(dev.url), dev.live) == (1, before, before), done.stderr
    assert traffic.failed == []
    assert f"users are on {before}" in one_line(done)
    dev.cloud.must("release", "hold", "dev", "--lift", "--reason", "it was the release")
    assert_in_agreement(dev, before)


def test_a_deployment_that_is_asked_to_end_in_its_watch_puts_users_back(dev: Dev) -> None:
    before = dev.live
    dev.publish("3.1.0")
    with changed_file(dev.stack_file, dev.stack_file.read_text()), Traffic(f"{dev.url}/health") as traffic:
        dev.change("watch", seconds=60)
        promotion = begin(dev.cloud, "release", "promote", "3.1.0", "--to", "dev")
        eventually(lambda: dev.step == "watched", limit=BACK)
        dev.cloud.must("release", "stop", "dev", "--reason", "the customer calls")
        done = ended(promotion)
    assert (done.returncode, version_at(dev.url), dev.live) == (3, before, before), done.stderr
    assert (traffic.failed, traffic.versions) == ([], [before, "3.1.0", before])
    assert "the customer calls" in one_line(done)
    assert_in_agreement(dev, before)


def test_where_the_listener_was_moved_by_hand_it_is_adopted_and_nothing_is_installed_where_users_are(dev: Dev) -> None:
    _, to = dev.idle
    listener, _ = dev.listener()
    with Traffic(f"{dev.url}/health") as traffic:
        group = dev.outputs["target_groups"][dev.idle[0]]
        action = {"Type": "forward", "TargetGroupArn": group}
        client(dev.cloud, "elbv2").modify_listener(ListenerArn=listener, DefaultActions=[action])
        eventually(lambda: version_at(dev.url) == to)
        dev.cloud.must("release", "adopt-listener", "dev", "--reason", "release could not run")
        assert (dev.live, dev.listener()[1]) == (to, dev.state["declared"])
        dev.publish("3.2.0")
        assert dev.promote("3.2.0").returncode == 0
    assert traffic.failed == []
    assert traffic.versions[-1] == "3.2.0"
    assert_in_agreement(dev, "3.2.0")


def test_a_server_that_a_rollback_with_installation_passed_over_serves_nobody_until_it_is_told_what_to_hold(
    dev: Dev,
) -> None:
    to = str(dev.live)
    for version in ("3.3.0", "3.4.0"):
        dev.publish(version)
        assert dev.promote(version).returncode == 0
    with dev.fault("stop", SERVERS[1]):
        eventually(lambda: dev.healthy(dev.state["declared"]) == 1, limit=60)
        with Traffic(f"{dev.url}/health") as traffic:
            done = dev.call("rollback", "--to", to)
    slot = dev.state["declared"]
    assert (done.returncode, dev.live, traffic.failed, traffic.versions) == (0, to, [], ["3.4.0", to]), done.stderr
    assert "the load balancer sends nobody there; once they are back: release redeploy dev" in done.stdout
    assert targets(dev, slot) == 1
    with Traffic(f"{dev.url}/health") as traffic:
        dev.cloud.must("release", "redeploy", "dev")
    assert (traffic.failed, traffic.versions) == ([], [to])
    assert (targets(dev, "blue"), targets(dev, "green")) == (2, 2)
    assert_in_agreement(dev, to)


def targets(dev: Dev, slot: str) -> int:
    """How many servers take part in a slot."""
    told = client(dev.cloud, "elbv2").describe_target_health(TargetGroupArn=dev.outputs["target_groups"][slot])
    return len([one for one in told["TargetHealthDescriptions"] if one["TargetHealth"]["State"] != "draining"])
