"""Environments change under a live release: nothing else is replaced, and every request is answered.

One cloud for all: dev has 1.0.0 in blue and 1.1.0, which is live, in green. A server is healthy ten seconds after it
was attached at the earliest. Each test leaves two servers behind.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from local.demo import Cloud, version_at
from local.traffic import Traffic
from tests.e2e.clone import client, head, live_url, publish
from tests.e2e.ready import Ready

UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
SLOW_HEALTH = {"interval": 100, "timeout": 2, "healthy": 2, "unhealthy": 2}  # time runs ten times faster here
HEALTHY_AFTER = 10
SLOTS = {8081: "1.0.0", 8082: "1.1.0"}

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What Pulumi did to a resource, in the order in which it began or ended; `at` in seconds."""

    op: str
    name: str
    ended: bool
    at: int


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, and dev's live URL."""

    cloud: Cloud
    url: str

    def change(self, section: str, **values: Any) -> None:
        """Edit the stack file, as ops would."""
        file = self.cloud.paths.work / "Pulumi.dev.yaml"
        content = yaml.safe_load(file.read_text())
        content["config"][f"stageline:{section}"].update(values)
        file.write_text(yaml.safe_dump(content, sort_keys=False))

    def up(self) -> list[Step]:
        """`pulumi up`, and its steps."""
        events = (json.loads(line) for line in self.cloud.must(*UP, "--json").splitlines())
        return list(steps(events))

    def ids(self) -> dict[str, str]:
        """The id of every resource by its URN."""
        stack = json.loads(self.cloud.must("pulumi", "stack", "export", "--stack", "dev"))
        found = stack["deployment"]["resources"]
        assert [one["urn"] for one in found if one.get("delete")] == []
        return {one["urn"]: one.get("id", "") for one in found}

    def servers(self) -> dict[str, dict[str, str]]:
        """The servers of the stack's outputs by name."""
        outputs = json.loads(self.cloud.must("pulumi", "stack", "output", "--json", "--stack", "dev"))
        return {one["name"]: one for one in outputs["servers"]}

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Requests all the time: each is answered, by the release that is live."""
        with Traffic(f"{self.url}/health") as traffic:
            yield
        assert (traffic.failed, traffic.versions) == ([], ["1.1.0"])
        assert traffic.sent > 10

    def assert_two_servers_with_their_releases(self) -> None:
        addresses = [one["address"] for one in self.servers().values()]
        assert len(addresses) == 2
        held = [{port: version_at(f"http://{address}:{port}") for port in SLOTS} for address in addresses]
        assert held == [SLOTS, SLOTS]


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Dev]:
    with ready.live_dev() as cloud:
        publish(cloud, "1.1.0")
        cloud.must("release", "promote", "1.1.0", "--to", "dev")
        dev = Dev(cloud=cloud, url=live_url(cloud, "dev"))
        dev.change("load_balancer", health=SLOW_HEALTH)  # done by the next up
        yield dev


def test_a_further_zone_and_other_health_checks_replace_nothing(dev: Dev) -> None:
    before = dev.ids()
    dev.change("network", zones=["a", "b", "c"])
    with dev.answering():
        done = dev.up()
    after = dev.ids()
    assert {urn: after[urn] for urn in before} == before
    assert {urn.rsplit("-", 1)[1] for urn in after.keys() - before.keys()} == {"c"}
    assert {step.op for step in done} == {"create", "update"}


def test_a_third_server_is_installed_before_it_gets_requests_and_drained_before_it_goes(dev: Dev) -> None:
    before = dev.ids()
    dev.change("servers", count=3)
    with dev.answering():
        came = dev.up()
        there = dev.servers()["env-servers-3"]
        assert {port: version_at(f"http://{there['address']}:{port}") for port in SLOTS} == SLOTS
        dev.change("servers", count=2)
        went = dev.up()
    assert {step.name for step in came if step.op == "create"} >= {"env-servers-3", "env-targets-3-green"}
    assert others(came, "-3") == others(went, "-3") == set()
    for slot in ("blue", "green"):
        assert_order(came, ("create", f"env-servers-3-{slot}"), ("create", f"env-targets-3-{slot}"))
        assert_order(went, ("delete", f"env-targets-3-{slot}"), ("delete", "env-targets-3-drained"))
    assert_order(went, ("delete", "env-targets-3-drained"), ("delete", "env-servers-3"))
    assert seconds(came, "env-targets-3-in-service") >= HEALTHY_AFTER - 1
    assert (dev.ids(), state_of(dev, there["id"])) == (before, "terminated")


def test_another_instance_type_brings_new_servers_and_the_old_ones_go_when_those_are_healthy(dev: Dev) -> None:
    before = dev.ids()
    dev.change("servers", instance_type="t3.medium")
    with dev.answering():
        done = dev.up()
    assert replaced(before, dev.ids()) == {*of_server(1), *of_server(2)}
    old_ones_go = [step.op for step in done].index("delete-replaced")
    healthy = {step.name for step in done[:old_ones_go] if step.ended and step.name.endswith("-in-service")}
    assert healthy == {"env-targets-1-in-service", "env-targets-2-in-service"}
    described = client(dev.cloud, "ec2").describe_instances(InstanceIds=[one["id"] for one in dev.servers().values()])
    assert {one["InstanceType"] for entry in described["Reservations"] for one in entry["Instances"]} == {"t3.medium"}
    dev.assert_two_servers_with_their_releases()


def test_one_server_is_replaced_on_purpose_also_the_first_one(dev: Dev) -> None:
    before, state = dev.ids(), head(dev.cloud, "dev")["state"]
    with dev.answering():
        done = json.loads(dev.cloud.must("release", "replace-server", "dev", "env-servers-1", "--json"))
    assert replaced(before, dev.ids()) == of_server(1)
    assert (done["now"], state_of(dev, done["before"])) == (dev.servers()["env-servers-1"]["id"], "terminated")
    assert head(dev.cloud, "dev")["state"] == state
    dev.assert_two_servers_with_their_releases()


def test_another_deploy_key_replaces_nothing_and_the_old_one_opens_no_server(dev: Dev) -> None:
    before, old = dev.ids(), deploy_key(dev)
    with dev.answering():
        done = json.loads(dev.cloud.must("release", "rotate-key", "dev", "--json"))
    assert dev.ids() == before
    assert (deploy_key(dev), done["machines"]) == (done["public"], ["env-servers-1", "env-servers-2"])
    files = [*dev.cloud.paths.root.glob("servers/*/home/stageline/.ssh/authorized_keys")]
    running = [file for file in files if file.parts[-5] in {one["id"] for one in dev.servers().values()}]
    assert [file.read_text() for file in running] == [f"{done['public']}\n"] * 2
    assert old != done["public"]


def test_after_all_that_a_plain_up_has_nothing_to_do(dev: Dev) -> None:
    with dev.answering():
        up = dev.cloud.run(*UP, "--expect-no-changes")
        dev.assert_two_servers_with_their_releases()
    assert up.returncode == 0, up.stdout + up.stderr


def steps(events: Iterator[dict[str, Any]]) -> Iterator[Step]:
    """The steps in Pulumi's events, without what stays the same."""
    for event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            metadata = event.get(kind, {}).get("metadata")
            if metadata and metadata["op"] not in ("same", "replace"):
                name = metadata["urn"].rsplit("::", 1)[1]
                yield Step(op=metadata["op"], name=name, ended=kind == "resOutputsEvent", at=event["timestamp"])


def others(done: list[Step], part: str) -> set[tuple[str, str]]:
    """What was done to resources of other names, but for updates in place."""
    return {(step.op, step.name) for step in done if part not in step.name and step.op != "update"}


def assert_order(done: list[Step], first: tuple[str, str], second: tuple[str, str]) -> None:
    """The first step had ended when the second one began."""
    (end,) = [place for place, step in enumerate(done) if (step.op, step.name) == first and step.ended]
    (begin,) = [place for place, step in enumerate(done) if (step.op, step.name) == second and not step.ended]
    assert end < begin, (first, second)


def seconds(done: list[Step], name: str) -> int:
    """How long the one step of a resource took."""
    begin, end = [step.at for step in done if step.name == name]
    return end - begin


def replaced(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The names of resources with another id, in an environment with the same resources."""
    assert before.keys() == after.keys()
    return {urn.rsplit("::", 1)[1] for urn in before if before[urn] != after[urn]}


def of_server(number: int) -> set[str]:
    """Everything that goes with a server."""
    own = {f"env-servers-{number}{part}" for part in ("", "-installer", "-blue", "-green")}
    return own | {f"env-targets-{number}-{part}" for part in ("blue", "green", "drained", "in-service")}


def state_of(dev: Dev, instance: str) -> str:
    """What EC2 says of an instance."""
    (entry,) = client(dev.cloud, "ec2").describe_instances(InstanceIds=[instance])["Reservations"]
    return str(entry["Instances"][0]["State"]["Name"])


def deploy_key(dev: Dev) -> str:
    """The public half of the deploy key."""
    value = client(dev.cloud, "secretsmanager").get_secret_value(SecretId="stageline/dev/deploy-key")["SecretString"]
    return str(json.loads(value)["public"])
