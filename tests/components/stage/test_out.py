"""Servers that are out, and servers that are passed over: what is declared for them, and for all others as ever."""

import pytest

from components.recording import Declared, Recording
from tests.components.recording import (
    BLUE_LIVE_GREEN_FILLED,
    EMPTY,
    GREEN_LIVE,
    private_settings_of,
    record,
    settings_of,
)

COMMAND, COPY = "command:remote:Command", "command:remote:CopyToRemote"
DRAINED = "command:local:Command"
INSTANCE = "aws:ec2/instance:Instance"
ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
FIRST, SECOND = "env-servers-1", "env-servers-2"
SKIPPED_INPUTS = {"env-servers-2-installer": "source", "env-targets-2-in-service": "stdin"}


def declared(recording: Recording) -> set[str]:
    return {one.name for one in recording.declared}


def waits_for(recording: Recording, one: Declared) -> set[str]:
    """The Commands that one waits for."""
    return {command.name for command in recording.of(COMMAND) if command.urn in one.after}


def test_of_a_server_that_is_out_only_its_machine_is_declared() -> None:
    everything = record(settings_of("prod"), GREEN_LIVE)
    without = record(settings_of("prod"), GREEN_LIVE, out=(SECOND,))
    assert declared(everything) - declared(without) == {
        *("env-servers-2-installer", "env-servers-2-blue", "env-servers-2-green"),
        *("env-targets-2-blue", "env-targets-2-green", "env-targets-2-drained", "env-targets-2-in-service"),
    }
    assert declared(without) - declared(everything) == set()


def test_behind_a_bastion_nobody_looks_whether_a_server_that_is_out_is_reached() -> None:
    private = private_settings_of("prod")
    gone = declared(record(private, EMPTY)) - declared(record(private, EMPTY, out=(SECOND,)))
    assert "env-servers-2-reached" in gone


def test_the_outputs_still_tell_of_a_server_that_is_out() -> None:
    assert record(settings_of("prod"), out=(SECOND,)).registered["env-servers"]["ids"] == [
        "env-servers-1-id",
        "env-servers-2-id",
    ]


@pytest.mark.parametrize("away", [{"out": (FIRST,)}, {"passed_over": (FIRST,)}], ids=["out", "passed over"])
def test_without_the_first_server_the_next_one_is_the_canary(away: dict[str, tuple[str, ...]]) -> None:
    settings = settings_of("prod")
    three = settings.model_copy(update={"servers": settings.servers.model_copy(update={"count": 3})})
    recording = record(three, GREEN_LIVE, **away)
    waits = {number: recording.one(COMMAND, f"env-servers-{number}-green") for number in (2, 3)}
    assert waits_for(recording, waits[2]) & {"env-servers-1-green", "env-servers-3-green"} == set()
    assert "env-servers-2-green" in waits_for(recording, waits[3])


@pytest.mark.parametrize("away", [{"out": (SECOND,)}, {"passed_over": (SECOND,)}], ids=["out", "passed over"])
def test_the_live_listener_waits_for_no_server_that_is_away(away: dict[str, tuple[str, ...]]) -> None:
    recording = record(settings_of("prod"), GREEN_LIVE, **away)
    live = recording.one("aws:lb/listener:Listener", "env-lb-live")
    assert waits_for(recording, live) == {"env-servers-1-green"}


def test_on_a_server_that_is_passed_over_nothing_is_installed_and_all_else_stays() -> None:
    everything = record(settings_of("prod"), GREEN_LIVE)
    without = record(settings_of("prod"), GREEN_LIVE, passed_over=(SECOND,))
    assert declared(everything) - declared(without) == {"env-servers-2-blue", "env-servers-2-green"}
    for kind in (INSTANCE, ATTACHMENT, DRAINED):
        assert [one.inputs for one in everything.of(kind)] == [one.inputs for one in without.of(kind)]


def test_a_server_that_is_passed_over_is_not_reached_for_a_new_installer_either() -> None:
    recording = record(settings_of("prod"), GREEN_LIVE, passed_over=(SECOND,))
    reaching = [one for one in (*recording.of(COPY), *recording.of(COMMAND)) if "connection" in one.inputs]
    assert {one.name: one.ignore_changes for one in reaching if one.ignore_changes} == {
        name: ("connection", changing, "triggers") for name, changing in SKIPPED_INPUTS.items()
    }
    assert {one.name for one in reaching if "-2-" in one.name} == set(SKIPPED_INPUTS)


def test_whoever_comes_back_is_declared_as_ever() -> None:
    settings = settings_of("prod")
    assert declared(record(settings, GREEN_LIVE, out=())) == declared(record(settings, GREEN_LIVE))


def test_a_name_that_no_server_has_means_nothing() -> None:
    settings = settings_of("prod")
    named = record(settings, GREEN_LIVE, out=("env-servers-9",), passed_over=("env-servers-22",))
    assert declared(named) == declared(record(settings, GREEN_LIVE))


def test_not_all_servers_can_be_out() -> None:
    with pytest.raises(ValueError, match="every server is marked out: take one of them in, or replace one"):
        record(settings_of("prod"), GREEN_LIVE, out=(FIRST, SECOND))


def test_all_servers_can_be_passed_over_because_users_need_no_install() -> None:
    recording = record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED, passed_over=(FIRST, SECOND))
    assert [one.name for one in recording.of(COMMAND) if one.name.startswith("env-servers-")] == []
    assert waits_for(recording, recording.one("aws:lb/listener:Listener", "env-lb-live")) == set()
