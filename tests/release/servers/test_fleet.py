"""All servers at once: machines on moto's AWS, reached by a program named ssh that says what a test wrote."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from release.aws.secrets import Secrets
from release.aws.session import AwsSession
from release.errors import Inconclusive
from release.servers.fleet import Fleet
from settings.model import Settings
from settings.stackfile import load
from tests.release.world import ROOT, shared_session

# Runs the file that is named like the address that it is to log in to; without one nobody answers there.
SSH = """#!/bin/sh
for word; do case "$word" in HostName=*) address=${word#HostName=};; esac; command=$word; done
echo "$address $command" >> "$ANSWERS/asked"
[ -f "$ANSWERS/$address" ] || { echo "connect to host $address: No route" >&2; exit 255; }
. "$ANSWERS/$address"
"""

SETTINGS = load(ROOT, "dev")
BASTION = {"instance_type": "t3.nano", "ami": "ami-0123456789abcdef0"}
PRIVATE = Settings.model_validate(
    {**SETTINGS.model_dump(), "servers": {**SETTINGS.servers.model_dump(), "public": False, "bastion": BASTION}}
)
NAMES = ("env-servers-1", "env-servers-2")


class Servers:
    """The servers of dev, which say over SSH what they are given to say; those given nothing do not answer."""

    def __init__(self, session: AwsSession, folder: Path) -> None:
        self.session = session
        self._folder = folder
        self._machines = {name: run(session, name) for name in NAMES}

    def say(self, name: str, answer: Any, *, code: int = 0) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (self._folder / self.address(name)).write_text(f"cat <<'END'\n{text}\nEND\nexit {code}\n")

    def address(self, name: str) -> str:
        return str(self._machines[name]["PublicIpAddress"])

    def stop(self, name: str) -> None:
        self.session.client("ec2").stop_instances(InstanceIds=[self._machines[name]["InstanceId"]])

    @property
    def instances(self) -> Sequence[str]:
        return [one["InstanceId"] for one in self._machines.values()]

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs about them."""
        return {"servers": [{"name": name, "id": "i", "address": self.address(name)} for name in self._machines]}

    @property
    def asked(self) -> list[str]:
        """Whom SSH was told to log in to, and to do what."""
        file = self._folder / "asked"
        return sorted(file.read_text().splitlines()) if file.exists() else []


def run(session: AwsSession, name: str) -> dict[str, Any]:
    """A machine that runs, as EC2 tells it."""
    ec2 = session.client("ec2")
    image = ec2.register_image(Name=f"image of {name}", Architecture="x86_64")["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)["Instances"][0]
    return dict(ec2.describe_instances(InstanceIds=[made["InstanceId"]])["Reservations"][0]["Instances"][0])


@pytest.fixture
def servers(aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Servers:
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    answers = tmp_path / "answers"
    answers.mkdir()
    monkeypatch.setenv("ANSWERS", str(answers))
    session = shared_session(SETTINGS.account, SETTINGS.region)
    keys = SETTINGS.names
    for name in (keys.deploy_key, keys.host_key, keys.bastion_host_key):
        Secrets(session).create(name, json.dumps({"private": "private", "public": "public"}), {})
    return Servers(session, answers)


def fleet(servers: Servers, settings: Settings = SETTINGS) -> Fleet:
    return Fleet(session=servers.session, settings=settings)


def test_servers_that_let_nobody_in_are_silent_and_the_others_are_not(servers: Servers) -> None:
    servers.say(NAMES[0], "")
    assert fleet(servers).silent(servers.outputs) == {NAMES[1]}


def test_a_server_that_lets_us_in_and_can_run_nothing_is_silent_too(servers: Servers) -> None:
    servers.say(NAMES[0], "", code=126)
    servers.say(NAMES[1], "")
    assert fleet(servers).silent(servers.outputs) == {NAMES[0]}


def test_a_server_that_is_marked_out_is_not_even_asked(servers: Servers) -> None:
    servers.say(NAMES[0], "")
    assert fleet(servers).silent(servers.outputs, out=frozenset({NAMES[1]})) == frozenset()
    assert servers.asked == [f"{servers.address(NAMES[0])} true"]


@pytest.mark.parametrize("result", ["started", "unchanged"])
def test_a_slot_is_started_where_servers_answer_though_one_is_dead(servers: Servers, result: str) -> None:
    servers.say(NAMES[0], {"result": result})
    assert fleet(servers).start(servers.instances, "blue") == [NAMES[0]]
    assert f"{servers.address(NAMES[0])} python3 stageline/slot.py start blue" in servers.asked


def test_a_server_that_is_stopped_is_neither_asked_nor_counted(servers: Servers) -> None:
    for name in NAMES:
        servers.say(name, {"result": "started"})
    servers.stop(NAMES[0])
    assert fleet(servers).start(servers.instances, "green") == [NAMES[1]]
    assert len(servers.asked) == 1


def test_where_no_server_starts_it_each_ones_reason_is_told(servers: Servers) -> None:
    servers.say(NAMES[0], {"result": "failed", "why": "bin/start ended with 1"}, code=1)
    told = r"no server started what blue holds: env-servers-1: bin/start ended with 1; env-servers-2: it did not answer"
    with pytest.raises(Inconclusive, match=told):
        fleet(servers).start(servers.instances, "blue")


def test_where_no_server_runs_that_is_told(servers: Servers) -> None:
    for name in NAMES:
        servers.stop(name)
    with pytest.raises(Inconclusive, match="holds: none runs"):
        fleet(servers).start(servers.instances, "blue")


def begun(deployment: str) -> dict[str, Any]:
    return {"blue": {"migration": {"deployment": deployment}}, "green": {"migration": None}}


NONE_BEGUN = {"blue": {"migration": None}, "green": {"migration": {"deployment": "dev-1"}}}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([begun("dev-1"), NONE_BEGUN], True, id="on-one"),
        pytest.param([None, begun("dev-1")], True, id="on-the-one-that-answers"),
        pytest.param([NONE_BEGUN, NONE_BEGUN], False, id="in-the-other-slot-only"),
        pytest.param([begun("dev-0"), NONE_BEGUN], False, id="for-another-deployment"),
        pytest.param([NONE_BEGUN, None], None, id="one-is-silent"),
        pytest.param([NONE_BEGUN, "no JSON"], None, id="one-cannot-be-read"),
        pytest.param([NONE_BEGUN, "[1]"], None, id="one-says-something-else"),
        pytest.param([NONE_BEGUN, {"blue": {}}], None, id="one-is-too-old-to-say"),
        pytest.param(
            [NONE_BEGUN, {"blue": {"migration": None, "problem": "its note is damaged"}}], None, id="one-lost-its-note"
        ),
        pytest.param([NONE_BEGUN, "[" * 100_000], None, id="one-answers-madly"),
    ],
)
def test_whether_a_migration_began_is_the_servers_word(
    servers: Servers, said: list[Any], expected: bool | None
) -> None:
    for name, answer in zip(NAMES, said, strict=True):
        if answer is not None:
            servers.say(name, answer)
    assert fleet(servers).migration_began(servers.instances, "blue", "dev-1") is expected


def test_without_a_server_nobody_can_tell_whether_it_began(servers: Servers) -> None:
    assert fleet(servers).migration_began([], "blue", "dev-1") is None


def test_private_servers_are_asked_at_their_private_address_through_the_bastion_that_runs(servers: Servers) -> None:
    run(servers.session, f"{SETTINGS.project}-{SETTINGS.environment}-bastion")
    with pytest.raises(Inconclusive):
        fleet(servers, PRIVATE).start(servers.instances, "blue")
    public = {servers.address(name) for name in NAMES}
    assert len(servers.asked) == 2
    assert not public & {line.split()[0] for line in servers.asked}


def test_private_servers_without_a_bastion_can_tell_nothing(servers: Servers) -> None:
    assert fleet(servers, PRIVATE).migration_began(servers.instances, "blue", "dev-1") is None
    assert servers.asked == []
