"""All servers at once: machines on moto's AWS, reached by a program named ssh that says what a test wrote."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession
from release.process.errors import Inconclusive, LeaseLost, NotBegun, Refused
from release.records.ledger.head import Content, emptied
from release.work.fleet import Fleet
from release.work.orders import Installed, InstallFailed, order_of
from settings.model import Settings
from settings.stackfile import load
from tests.project import PROJECT
from tests.release.world import shared_session

# Runs the file that is named like the address that it is to log in to; without one nobody answers there.
SSH = """#!/bin/sh
for word; do case "$word" in HostName=*) address=${word#HostName=};; esac; command=$word; done
echo "$address $command" >> "$ANSWERS/asked"
[ -f "$ANSWERS/$address" ] || { echo "connect to host $address: No route" >&2; exit 255; }
. "$ANSWERS/$address"
"""

SETTINGS = load(PROJECT, "dev")
BASTION = {"instance_type": "t3.nano", "ami": "ami-0123456789abcdef0"}
PRIVATE = Settings.model_validate(
    {**SETTINGS.model_dump(), "servers": {**SETTINGS.servers.model_dump(), "public": False, "bastion": BASTION}}
)
NAMES = ("env-servers-1", "env-servers-2")


class Servers:
    """The servers of dev, which say over SSH what they are given to say; those given nothing do not answer."""

    def __init__(self, session: AwsSession, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self._machines = {name: run(session, name) for name in NAMES}

    def say(self, name: str, answer: Any, *, code: int = 0) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (self.folder / self.address(name)).write_text(f"cat <<'END'\n{text}\nEND\nexit {code}\n")

    def do(self, name: str, script: str) -> None:
        (self.folder / self.address(name)).write_text(script)

    def answer(self, name: str, answer: Any, *, code: int = 0) -> None:
        """Let in whoever greets, and say this to an order, which is written down."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.do(name, f"{GREETS}{HEARD}cat <<'END'\n{text}\nEND\nexit {code}\n")

    def heard(self, name: str) -> str:
        """The order that it got last."""
        return (self.folder / f"stdin-{self.address(name)}").read_text()

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
        file = self.folder / "asked"
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
    assert f"{servers.address(NAMES[0])} python3 stageline/installer.pyz start blue" in servers.asked


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


HELD = Content(release="1.0.0", digest="a" * 64, artifact_key=None, deployment="dev-2")


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        pytest.param(
            {"green": {"content": {"release": "1.0.0", "digest": "a" * 64, "deployment": "dev-1"}}}, True, id="it"
        ),
        pytest.param({"green": {"content": {"release": "1.0.0", "digest": "b" * 64}}}, False, id="other-bytes"),
        pytest.param({"blue": {"content": {"release": "1.0.0", "digest": "a" * 64}}}, False, id="in-the-other-slot"),
        pytest.param({"green": {"content": None}}, False, id="nothing"),
        pytest.param({"green": []}, False, id="no-object"),
        pytest.param("no JSON", False, id="no-answer"),
    ],
)
def test_who_holds_a_release_is_known_by_their_own_word(servers: Servers, said: Any, holds: bool) -> None:
    servers.say(NAMES[0], said)
    assert fleet(servers).holding(servers.instances, "green", HELD) == frozenset(servers.instances[:1] if holds else ())


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


def test_a_server_that_does_not_run_may_have_begun_to_migrate(servers: Servers) -> None:
    servers.say(NAMES[0], begun("dev-1"))
    servers.say(NAMES[1], NONE_BEGUN)
    servers.stop(NAMES[0])
    assert fleet(servers).migration_began(servers.instances, "blue", "dev-1") is None


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


# --- Orders -----------------------------------------------------------------------------------------------------------

CONTENT = Content(release="1.1.0", digest="b" * 64, artifact_key="k", deployment="dev-1")
OK = {"result": "installed", "slot": "green", "migration": "none"}
FAILED = {"result": "restored", "slot": "green", "why": "1.1.0 in green keeps answering 500; green is back on 1.0.0"}
HEARD = 'cat > "$ANSWERS/stdin-$address"\n'
GREETS = '[ "$command" = true ] && exit 0\n'
BUSY = {"result": "busy", "why": "slot green is being changed by another run: wait for it and try again"}
LOST_ONCE = '[ -f "$ANSWERS/lost" ] || { touch "$ANSWERS/lost"; echo "Connection reset" >&2; exit 255; }\n'
BUSY_ONCE = f"""[ -f "$ANSWERS/busy" ] || {{ touch "$ANSWERS/busy"; echo '{json.dumps(BUSY)}'; exit 1; }}\n"""
INSTALL = "timeout 300 python3 stageline/installer.pyz install --settle 10"


def give(servers: Servers, **more: Any) -> Installed:
    """Install forward, told to nobody, with no server out and nothing that stops it, where a test says nothing else."""
    given = {"out": frozenset(), "go_on": lambda: None, "still_ours": lambda: None, "told": lambda line: None, **more}
    return hasty(servers, given.pop("settings", SETTINGS)).install(servers.outputs, "green", CONTENT, **given)


def give_back(servers: Servers, left_out: frozenset[str] = frozenset()) -> Installed:
    content = CONTENT.but(reuse=True)
    return hasty(servers).install_back(
        servers.outputs, "green", content, left_out=left_out, still_ours=lambda: None, told=lambda line: None
    )


def hasty(servers: Servers, settings: Settings = SETTINGS) -> Fleet:
    """A fleet that does not wait between two dials."""
    return replace(fleet(servers, settings), pause=lambda seconds: None)


def installs(servers: Servers) -> list[str]:
    """The names of those whose installers were asked, in that order."""
    asked = (servers.folder / "asked").read_text().splitlines() if (servers.folder / "asked").exists() else []
    addresses = {servers.address(name): name for name in NAMES}
    return [addresses[line.split()[0]] for line in asked if " install " in line]


def test_every_server_gets_the_order_on_its_stdin_the_canary_first(servers: Servers) -> None:
    told: list[str] = []
    for name in NAMES:
        servers.answer(name, OK)
    assert give(servers, told=told.append) == Installed(results=dict.fromkeys(NAMES, "installed"))
    assert installs(servers) == [*NAMES]
    assert f"{servers.address(NAMES[0])} {INSTALL}" in servers.asked
    assert {servers.heard(name) for name in NAMES} == {order_of("green", CONTENT)}
    assert told == ["env-servers-1: installed", "env-servers-2: installed"]


@pytest.mark.parametrize("result", ["installed", "unchanged", "relabelled", "started"])
def test_whatever_an_installer_says_that_holds_the_release_counts(servers: Servers, result: str) -> None:
    told: list[str] = []
    for name in NAMES:
        servers.answer(name, {"result": result, "note": "the disk is full"})
    assert give(servers, told=told.append).results == dict.fromkeys(NAMES, result)
    assert told[0] == f"env-servers-1: {result} (the disk is full)"


NO_WORD = {
    "a failure": (FAILED, 1, "env-servers-1: 1.1.0 in green keeps answering 500; green is back on 1.0.0"),
    "a slot that was emptied": ({"result": "emptied"}, 0, "its installer ended with 0 and does not say how"),
    "no JSON": ("python3: not found", 127, "its installer ended with 127 and does not say how"),
    "a list": ("[1]", 0, "its installer ended with 0 and does not say how"),
    "an endless text": ({"result": "restored", "why": "x" * 9000}, 1, "x" * 90),
    "what does not print": ({"result": "restored", "why": "a\x1b[2Jb"}, 1, r"a\x1b[2Jb"),
}


@pytest.mark.parametrize(("answer", "code", "told"), NO_WORD.values(), ids=NO_WORD)
def test_where_the_canary_fails_no_other_server_is_asked(servers: Servers, answer: Any, code: int, told: str) -> None:
    servers.answer(NAMES[0], answer, code=code)
    servers.answer(NAMES[1], OK)
    with pytest.raises(InstallFailed, match=r"1\.1\.0 was not installed into green: env-servers-1: ") as caught:
        give(servers)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 1600
    assert installs(servers) == [NAMES[0]]


def test_where_another_server_fails_it_is_named_and_so_is_who_took_it(servers: Servers) -> None:
    servers.answer(NAMES[0], OK)
    servers.answer(NAMES[1], FAILED, code=1)
    with pytest.raises(InstallFailed, match=r"env-servers-2: 1\.1\.0 in green .*; env-servers-1 took it"):
        give(servers)


@pytest.mark.parametrize(("stops_at", "asked"), [(1, []), (2, [NAMES[0]])], ids=["before-all", "after-the-canary"])
def test_what_stops_it_does_so_before_the_canary_and_before_all_others(
    servers: Servers, stops_at: int, asked: list[str]
) -> None:
    looks: list[int] = []

    def go_on() -> None:
        looks.append(1)
        if len(looks) == stops_at:
            raise Refused("somebody asked it to end")

    for name in NAMES:
        servers.answer(name, OK)
    with pytest.raises(Refused):
        give(servers, go_on=go_on)
    assert installs(servers) == asked


def test_a_server_that_is_out_gets_no_order_and_the_next_one_is_the_canary(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    assert give(servers, out=frozenset({NAMES[0]})).results == {NAMES[1]: "installed"}
    assert installs(servers) == [NAMES[1]]


def test_where_every_server_is_out_nobody_is_asked(servers: Servers) -> None:
    with pytest.raises(NotBegun, match=r"every server of dev is out; take one in: release mark-out dev SERVER --lift"):
        give(servers, out=frozenset(NAMES))


def test_a_server_that_boots_is_dialled_until_it_lets_us_in(servers: Servers) -> None:
    told: list[str] = []
    servers.answer(NAMES[0], OK)
    boots = '[ -f "$ANSWERS/dialled" ] || { touch "$ANSWERS/dialled"; echo "Connection refused" >&2; exit 255; }\n'
    servers.do(NAMES[1], f"{boots}{GREETS}echo '{json.dumps(OK)}'")
    assert give(servers, told=told.append).results == dict.fromkeys(NAMES, "installed")
    assert "not reached yet: env-servers-2: cannot log in to" in told[0]


def test_where_one_server_is_never_reached_none_gets_an_order(servers: Servers) -> None:
    servers.answer(NAMES[0], OK)
    with pytest.raises(NotBegun, match=r"no server was asked .*env-servers-2: cannot log in to .*: No route") as caught:
        give(servers)
    assert "release replace-server dev env-servers-2, or leave it out: release mark-out dev env-servers-2" in str(
        caught.value
    )
    assert installs(servers) == []
    dials = sum(line.startswith(servers.address(NAMES[1])) for line in servers.asked)
    assert dials == SETTINGS.servers.dial_error_limit


def test_without_ssh_nobody_is_dialled_twice(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotBegun, match=r"there is no ssh on PATH; install OpenSSH's client"):
        give(servers, told=pytest.fail)


def test_an_order_whose_connection_was_lost_is_given_once_more(servers: Servers) -> None:
    servers.answer(NAMES[0], OK)
    servers.do(NAMES[1], f"{GREETS}{LOST_ONCE}echo '{json.dumps({'result': 'unchanged'})}'")
    assert give(servers).results == {NAMES[0]: "installed", NAMES[1]: "unchanged"}
    assert installs(servers) == [NAMES[0], NAMES[1], NAMES[1]]


def test_an_order_that_is_still_carried_out_after_its_connection_was_lost_is_waited_for(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    servers.do(NAMES[0], f"{GREETS}{LOST_ONCE}{BUSY_ONCE}echo '{json.dumps({'result': 'unchanged'})}'")
    assert give(servers).results == {NAMES[0]: "unchanged", NAMES[1]: "installed"}


def test_a_server_that_stays_busy_is_not_waited_for_without_end(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    servers.do(NAMES[0], f"{GREETS}{LOST_ONCE}echo '{json.dumps(BUSY)}'; exit 1")
    with pytest.raises(InstallFailed, match="slot green is being changed by another run"):
        give(servers)
    assert len(installs(servers)) == 1 + 1 + (300 + 60 + 2 * 10) // 60 + 1


def test_somebody_elses_run_in_the_slot_is_not_waited_for(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    servers.do(NAMES[0], f"{GREETS}{BUSY_ONCE}echo '{json.dumps(OK)}'")
    with pytest.raises(InstallFailed, match="slot green is being changed by another run"):
        give(servers)


def test_who_resumes_waits_for_the_run_that_a_dead_process_began(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    servers.do(NAMES[0], f"{GREETS}{BUSY_ONCE}echo '{json.dumps(OK)}'")
    assert give(servers, resumed=True).results == dict.fromkeys(NAMES, "installed")


def test_on_the_way_back_one_that_is_busy_is_not_waited_for_where_another_took_it(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    servers.do(NAMES[0], f"{GREETS}{LOST_ONCE}echo '{json.dumps(BUSY)}'; exit 1")
    done = give_back(servers)
    assert (done.results, done.failed) == ({NAMES[1]: "installed"}, {NAMES[0]: BUSY["why"]})
    assert installs(servers).count(NAMES[0]) == 2


def test_on_the_way_back_the_run_of_a_dead_process_is_waited_for_where_no_server_took_it(servers: Servers) -> None:
    servers.answer(NAMES[1], FAILED, code=1)
    servers.do(NAMES[0], f"{GREETS}{BUSY_ONCE}echo '{json.dumps(OK)}'")
    done = give_back(servers)
    assert (done.results, done.failed) == ({NAMES[0]: "installed"}, {NAMES[1]: FAILED["why"]})


def test_a_connection_that_is_lost_again_is_a_failure_of_that_server(servers: Servers) -> None:
    servers.answer(NAMES[0], OK)
    servers.do(NAMES[1], f"{GREETS}echo 'Connection reset' >&2; exit 255")
    with pytest.raises(InstallFailed, match=r"env-servers-2: its installer was not heard to the end: .*Connection res"):
        give(servers)


def test_orders_for_private_servers_go_to_their_private_addresses(servers: Servers) -> None:
    server = {"name": NAMES[0], "id": "i", "address": "", "private_address": servers.address(NAMES[0])}
    outputs = {"servers": [server], "bastion": {"address": "198.51.100.7"}}
    servers.answer(NAMES[0], OK)
    given: dict[str, Any] = {
        "out": frozenset(),
        "go_on": lambda: None,
        "still_ours": lambda: None,
        "told": lambda line: None,
    }
    assert hasty(servers, PRIVATE).install(outputs, "green", CONTENT, **given).results == {NAMES[0]: "installed"}


def test_on_the_way_back_a_server_that_fails_holds_up_no_other(servers: Servers) -> None:
    servers.answer(NAMES[0], FAILED, code=1)
    servers.answer(NAMES[1], {"result": "relabelled"})
    done = give_back(servers)
    assert (done.results, done.silent) == ({NAMES[1]: "relabelled"}, frozenset())
    assert done.failed == {NAMES[0]: FAILED["why"]}


def empty(servers: Servers) -> dict[str, str]:
    failed = {NAMES[0]: "its disk is full"}
    return hasty(servers).empty(
        servers.outputs, "green", CONTENT, failed, still_ours=lambda: None, told=lambda line: None
    )


def test_a_server_that_failed_and_cannot_be_kept_from_users_is_emptied(servers: Servers) -> None:
    servers.answer(NAMES[0], {"result": "emptied"})
    assert empty(servers) == {NAMES[0]: "its disk is full; its slot is empty now"}
    assert servers.heard(NAMES[0]) == order_of("green", emptied("dev-1"))
    assert installs(servers) == [NAMES[0]]


def test_a_slot_that_could_not_be_emptied_is_told_as_that(servers: Servers) -> None:
    servers.answer(NAMES[0], FAILED, code=1)
    assert "its disk is full; its slot was not emptied: 1.1.0 in green keeps" in empty(servers)[NAMES[0]]


def test_no_order_is_given_once_the_environment_is_anothers(servers: Servers) -> None:
    """Neither a second try nor one that waited for its turn: who holds it now decides what a slot holds."""

    def taken_over() -> None:
        raise LeaseLost("somebody took over")

    for name in NAMES:
        servers.answer(name, OK)
    with pytest.raises(LeaseLost):
        give(servers, still_ours=taken_over)
    assert installs(servers) == []


def test_on_the_way_back_a_server_that_falls_silent_is_asked_once_more_and_passed_over(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    done = give_back(servers)
    assert (done.results, done.failed, done.silent) == ({NAMES[1]: "installed"}, {}, frozenset({NAMES[0]}))
    assert sorted(installs(servers)) == sorted([NAMES[0], *NAMES])


def test_on_the_way_back_who_is_left_out_is_not_asked(servers: Servers) -> None:
    servers.answer(NAMES[1], OK)
    give_back(servers, left_out=frozenset({NAMES[0]}))
    assert installs(servers) == [NAMES[1]]


def test_where_no_server_takes_it_back_each_ones_reason_is_told(servers: Servers) -> None:
    servers.answer(NAMES[0], FAILED, code=1)
    with pytest.raises(InstallFailed, match=r"env-servers-1: 1\.1\.0 in green .*; env-servers-2: its installer was"):
        give_back(servers)


def test_where_all_servers_fall_silent_it_is_not_known_what_they_hold(servers: Servers) -> None:
    with pytest.raises(Inconclusive, match=r"no server took 1\.1\.0 into green: env-servers-1: its installer was not"):
        give_back(servers)
