"""Targets: from when until when a server gets requests."""

import json

import pytest

from components.recording import Recording
from components.slots import Slots
from tests.components.recording import BLUE_LIVE, EMPTY, GREEN_LIVE, record, settings_of

ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
COMMAND, DRAINED = "command:remote:Command", "command:local:Command"


def waits_for(recording: Recording, kind: str, name: str) -> set[str]:
    """The names of what a resource depends on."""
    names = {one.urn: one.name for one in recording.declared}
    return {names[urn] for urn in recording.one(kind, name).after}


@pytest.mark.parametrize("slots", [EMPTY, BLUE_LIVE, GREEN_LIVE], ids=["nothing", "blue", "green"])
def test_both_target_groups_hold_all_servers_always(slots: Slots) -> None:
    attachments = record(settings_of("prod"), slots).of(ATTACHMENT)
    assert [(one.inputs["targetGroupArn"], one.inputs["targetId"], one.inputs["port"]) for one in attachments] == [
        ("arn:of:env-lb-blue", "env-servers-1-id", 8081),
        ("arn:of:env-lb-green", "env-servers-1-id", 8082),
        ("arn:of:env-lb-blue", "env-servers-2-id", 8081),
        ("arn:of:env-lb-green", "env-servers-2-id", 8082),
    ]


def test_a_server_gets_requests_only_after_its_slot_is_installed() -> None:
    recording = record(settings_of("prod"), BLUE_LIVE)
    assert "env-servers-2-blue" in waits_for(recording, ATTACHMENT, "env-targets-2-blue")
    assert "env-servers-2-green" not in waits_for(recording, ATTACHMENT, "env-targets-2-green")


def test_a_server_is_ended_after_its_requests_had_time_to_end() -> None:
    """Deleting goes backwards: the attachments, then the one whose deletion takes a while, then the server."""
    recording = record(settings_of("prod"), GREEN_LIVE)
    drained = recording.one(DRAINED, "env-targets-2-drained")
    assert (drained.inputs["create"], drained.inputs["delete"]) == ("true", "sleep 30")
    assert waits_for(recording, DRAINED, "env-targets-2-drained") == {"env-servers-2"}
    for slot in ("blue", "green"):
        assert "env-targets-2-drained" in waits_for(recording, ATTACHMENT, f"env-targets-2-{slot}")


def test_draining_takes_as_long_as_the_load_balancer_gives_it() -> None:
    settings = settings_of("dev")
    slow = settings.model_copy(update={"load_balancer": settings.load_balancer.model_copy(update={"drain": 120})})
    recording = record(slow)
    groups = recording.of("aws:lb/targetGroup:TargetGroup")
    assert [group.inputs["deregistrationDelay"] for group in groups] == [120, 120]
    assert {one.inputs["delete"] for one in recording.of(DRAINED)} == {"sleep 120"}


def test_a_new_server_is_waited_for_until_the_load_balancer_finds_it_healthy() -> None:
    recording = record(settings_of("prod"), GREEN_LIVE)
    command = recording.one(COMMAND, "env-targets-2-in-service")
    scope: dict[str, str] = {}
    program = command.inputs["stdin"]
    exec(program.splitlines()[0], scope)
    assert json.loads(scope["SETTINGS"]) == {
        "region": "eu-central-1",
        "server": "env-servers-2-id",
        "target_groups": {"blue": "arn:of:env-lb-blue", "green": "arn:of:env-lb-green"},
        "labels": {"blue": "stageline/slots/blue/slot.json", "green": "stageline/slots/green/slot.json"},
        "limit": settings_of("prod").servers.install_timeout,
    }
    compile(program, "in_service", "exec")
    assert (command.inputs["create"], command.inputs["triggers"]) == ("python3 -", ["env-servers-2-id"])
    after = waits_for(recording, COMMAND, "env-targets-2-in-service")
    assert {"env-targets-2-blue", "env-targets-2-green", "env-servers-run"} <= after


def test_a_deployment_waits_for_no_server_again() -> None:
    before, after = (record(settings_of("prod"), slots) for slots in (EMPTY, GREEN_LIVE))
    for kind in (COMMAND, DRAINED, ATTACHMENT):
        inputs = [
            {one.name: one.inputs for one in recording.of(kind) if one.name.startswith("env-targets-")}
            for recording in (before, after)
        ]
        assert inputs[0] == inputs[1]
