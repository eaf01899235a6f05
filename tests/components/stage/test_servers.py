"""Servers: what they may read, how they are reached, and when an installer runs."""

import json
from dataclasses import replace
from typing import Any

import pytest

from components.machine import user_data
from components.recording import Declared, Recording
from components.slots import SlotContent, Slots
from contract.order import install_command
from release.records.ledger.head import Content as Held
from release.records.ledger.head import emptied
from release.work.orders import order_of
from tests.components.recording import (
    BLUE_LIVE_GREEN_FILLED,
    EMPTY,
    HOST_KEY,
    NEW,
    OLD,
    PRIVATE_KEY,
    record,
    settings_of,
)

COMMAND = "command:remote:Command"
COPY = "command:remote:CopyToRemote"
INSTANCE = "aws:ec2/instance:Instance"
ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
USER_DATA_LIMIT = 16 * 1024
HELD = Held(release="1.1.0", digest="b" * 64, artifact_key="k", deployment="d-2")

FILLED = {
    "nothing": (EMPTY, []),
    "blue": (Slots(blue=OLD), ["env-servers-1-blue", "env-servers-2-blue"]),
    "green": (Slots(green=NEW), ["env-servers-1-green", "env-servers-2-green"]),
    "both": (
        BLUE_LIVE_GREEN_FILLED,
        ["env-servers-1-blue", "env-servers-1-green", "env-servers-2-blue", "env-servers-2-green"],
    ),
}


def installs(recording: Recording) -> list[Declared]:
    """The Commands that fill slots."""
    return [command for command in recording.of(COMMAND) if command.name.startswith("env-servers-")]


@pytest.mark.parametrize(("slots", "names"), FILLED.values(), ids=FILLED.keys())
def test_only_a_filled_slot_has_commands(slots: Slots, names: list[str]) -> None:
    assert [command.name for command in installs(record(settings_of("prod"), slots))] == names


def test_stdin_holds_what_the_slot_shall_hold_and_nothing_else() -> None:
    command = record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED).one(COMMAND, "env-servers-2-green")
    assert json.loads(command.inputs["stdin"]) == {
        "slot": "green",
        "port": 8082,
        "release": "1.1.0",
        "digest": "b" * 64,
        "commands": {"start": [], "migrate": []},
        "configuration": None,
        "deployment": "d-2",
        "reuse": False,
    }


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(HELD, id="filled"),
        pytest.param(HELD.but(reuse=True), id="reuse"),
        pytest.param(HELD.but(configuration="c" * 64), id="configured"),
        pytest.param(HELD.but(unsure="who knows"), id="unsure"),
        pytest.param(emptied("d-3"), id="emptied"),
    ],
)
def test_the_program_and_release_give_the_same_order_for_a_slot(held: Held) -> None:
    """To the byte: what an installer was told by one of them it knows when the other says it again."""
    facts = ("release", "digest", "configuration", "deployment", "reuse")
    content = SlotContent(**{fact: getattr(held, fact) for fact in facts})
    recording = record(settings_of("prod"), Slots(blue=OLD, green=content, declared="blue"))
    told = {one.inputs["stdin"] for one in installs(recording) if one.name.endswith("green")}
    assert told == {order_of("green", held)}


def test_the_program_and_release_run_the_same_command() -> None:
    settings = settings_of("prod")
    created = {one.inputs["create"] for one in installs(record(settings, BLUE_LIVE_GREEN_FILLED))}
    servers = settings.servers
    assert created == {install_command(install_timeout=servers.install_timeout, settle=servers.settle)}


def test_stdin_says_whether_bytes_that_a_server_holds_are_used_again() -> None:
    command = record(settings_of("prod"), Slots(blue=replace(OLD, reuse=True))).one(COMMAND, "env-servers-2-blue")
    assert json.loads(command.inputs["stdin"])["reuse"] is True


def test_a_slot_that_a_deployment_emptied_is_told_to_be_empty() -> None:
    emptied = SlotContent(release=None, digest=None, deployment="d-3")
    commands = installs(record(settings_of("prod"), Slots(blue=OLD, green=emptied, declared="blue")))
    told = [json.loads(one.inputs["stdin"]) for one in commands if one.name.endswith("green")]
    assert [(one["release"], one["digest"], one["deployment"]) for one in told] == [(None, None, "d-3")] * 2


def test_stdin_is_a_secret_so_that_state_and_logs_do_not_show_it() -> None:
    commands = installs(record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED))
    assert [{"stdin", "connection"} <= command.secrets for command in commands] == [True] * 4


def comparable(declared: Declared) -> dict[str, Any]:
    return {**declared.inputs, "source": None}


def test_moving_the_live_listener_runs_no_installer_again() -> None:
    before = record(settings_of("prod"), Slots(blue=OLD, green=NEW, declared="blue"))
    after = record(settings_of("prod"), Slots(blue=OLD, green=NEW, declared="green"))
    assert len(installs(before)) == 4
    for kind in (COMMAND, COPY, ATTACHMENT):
        assert [comparable(one) for one in before.of(kind)] == [comparable(one) for one in after.of(kind)]


def test_filling_a_slot_leaves_the_other_slots_commands_alone() -> None:
    before = record(settings_of("prod"), Slots(blue=OLD, declared="blue"))
    after = record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED)
    blue = [one for one in installs(after) if one.name.endswith("blue")]
    assert [comparable(one) for one in installs(before)] == [comparable(one) for one in blue]


def test_every_command_is_the_same_text_with_a_time_limit() -> None:
    commands = installs(record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED))
    assert {command.inputs["create"] for command in commands} == {
        "timeout 300 python3 stageline/installer.pyz install --settle 10"
    }
    assert {key for command in commands for key in command.inputs} == {
        "connection",
        "create",
        "stdin",
        "triggers",
        "addPreviousOutputInEnv",
    }


def test_a_replaced_server_gets_the_installer_and_its_releases_again() -> None:
    recording = record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED)
    made_by_hand = [*installs(recording), *recording.of(COPY)]
    triggers = {one.name: one.inputs["triggers"] for one in made_by_hand}
    assert triggers == {one.name: [f"{one.name[: len('env-servers-1')]}-id"] for one in made_by_hand}


def test_the_first_server_installs_before_all_others() -> None:
    recording = record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED)
    commands = {command.name: command for command in installs(recording)}
    by_urn = {command.urn: command.name for command in commands.values()}
    waits = {name: sorted(by_urn[urn] for urn in one.after if urn in by_urn) for name, one in commands.items()}
    assert waits == {
        "env-servers-1-blue": [],
        "env-servers-1-green": [],
        "env-servers-2-blue": ["env-servers-1-blue"],
        "env-servers-2-green": ["env-servers-1-green"],
    }


def test_a_command_waits_for_its_installer_and_for_the_right_to_read() -> None:
    recording = record(settings_of("prod"), Slots(blue=OLD))
    command = recording.one(COMMAND, "env-servers-2-blue")
    copy = recording.one(COPY, "env-servers-2-installer")
    right = recording.one("aws:iam/rolePolicy:RolePolicy", "env-servers-run")
    assert {copy.urn, right.urn} <= command.after


def test_every_connection_pins_the_host_key_and_uses_the_deploy_key() -> None:
    recording = record(settings_of("prod"), BLUE_LIVE_GREEN_FILLED)
    connections = [one.inputs["connection"] for kind in (COMMAND, COPY) for one in recording.of(kind)]
    assert len(connections) == 8
    for connection in connections:
        number = connection["host"].removeprefix("public-env-servers-")
        assert number in ("1", "2")
        assert {key: value for key, value in connection.items() if key != "host"} == {
            "user": "stageline",
            "port": 22,
            "dialErrorLimit": 60,
            "perDialTimeout": 15,
            "hostKey": HOST_KEY,
            "privateKey": PRIVATE_KEY,
        }


def test_a_server_has_imdsv2_an_encrypted_disk_and_no_key_pair() -> None:
    for server in record(settings_of("prod")).of(INSTANCE):
        assert server.inputs["metadataOptions"]["httpTokens"] == "required"
        assert server.inputs["rootBlockDevice"]["encrypted"] is True
        assert "keyName" not in server.inputs


def test_another_image_boot_file_or_subnet_replaces_no_server() -> None:
    servers = record(settings_of("prod")).of(INSTANCE)
    assert [server.ignore_changes for server in servers] == [("ami", "userData", "subnetId")] * 2


def test_another_type_replaces_servers_because_in_place_all_would_stop_at_once() -> None:
    servers = record(settings_of("prod")).of(INSTANCE)
    assert [server.replace_on_changes for server in servers] == [("instanceType",)] * 2


def test_servers_are_spread_over_the_zones() -> None:
    servers = record(settings_of("prod")).of(INSTANCE)
    assert [server.inputs["subnetId"] for server in servers] == [
        "env-network-public-a-id",
        "env-network-public-b-id",
    ]


def test_a_server_boots_only_when_it_may_read_its_keys() -> None:
    recording = record(settings_of("prod"))
    right = recording.one("aws:iam/rolePolicy:RolePolicy", "env-servers-boot")
    assert [right.urn in server.after for server in recording.of(INSTANCE)] == [True, True]


def test_the_role_reads_these_and_nothing_else() -> None:
    recording = record(settings_of("prod"))
    policies = [recording.one("aws:iam/rolePolicy:RolePolicy", f"env-servers-{part}") for part in ("boot", "run")]
    statements = [one for policy in policies for one in json.loads(policy.inputs["policy"])["Statement"]]
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stageline/prod"
    bucket = "arn:aws:s3:::stageline-prod-artifacts-123456789012-eu-central-1"
    assert [(one["Effect"], one["Action"], one["Resource"]) for one in statements] == [
        (
            "Allow",
            "secretsmanager:GetSecretValue",
            [f"{secret}/host-key-??????", f"{secret}/authorized-keys-??????"],
        ),
        ("Allow", "s3:GetObject", [f"{bucket}/artifacts/*", f"{bucket}/configurations/*"]),
        ("Allow", "ssm:GetParameter", ["arn:of:env-database-parameter", "arn:of:env-database-migration"]),
        ("Allow", "elasticloadbalancing:DescribeTargetHealth", ["*"]),
        (
            "Allow",
            "secretsmanager:GetSecretValue",
            [f"{secret}/database-login-??????", f"{secret}+configuration/*-??????"],
        ),
    ]


def test_the_role_writes_figures_into_the_agents_namespace_and_logs_into_the_servers_group() -> None:
    policy = record(settings_of("prod")).one("aws:iam/rolePolicy:RolePolicy", "env-servers-watch")
    figures, *logs = json.loads(policy.inputs["policy"])["Statement"]
    group = "arn:of:env-logs-servers"
    assert (figures["Action"], figures["Resource"]) == ("cloudwatch:PutMetricData", ["*"])
    assert figures["Condition"] == {"StringEquals": {"cloudwatch:namespace": "CWAgent"}}
    assert [(one["Action"], one["Resource"]) for one in logs] == [
        (f"logs:{call}", [group, f"{group}:*"]) for call in ("CreateLogStream", "DescribeLogStreams", "PutLogEvents")
    ]


def test_a_server_is_told_where_its_artifacts_its_database_and_its_logs_are() -> None:
    scope: dict[str, str] = {}
    exec(record(settings_of("prod")).one(INSTANCE, "env-servers-1").inputs["userData"].splitlines()[1], scope)
    assert json.loads(scope["SETTINGS"]) == {
        "project": "stageline",
        "environment": "prod",
        "region": "eu-central-1",
        "user": "stageline",
        "host_key_secret": "stageline/prod/host-key",
        "authorized_keys_secret": "stageline/prod/authorized-keys",
        "program": "usr/local/lib/stageline/boot.py",
        "server_file": "stageline/server.json",
        "artifact_bucket": "stageline-prod-artifacts-123456789012-eu-central-1",
        "artifact_folder": "artifacts",
        "database_parameter": "/stageline/prod/database",
        "migration_parameter": "/stageline/prod/migration",
        "server_logs": "/stageline/prod/servers",
    }


def test_user_data_is_a_python_program_with_its_settings_as_text() -> None:
    first, second, *_ = user_data(json.dumps({"region": "eu-central-1"})).splitlines()
    scope: dict[str, str] = {}
    exec(second, scope)
    assert first == "#!/usr/bin/env python3"
    assert json.loads(scope["SETTINGS"]) == {"region": "eu-central-1"}


def test_no_setting_becomes_code_in_user_data() -> None:
    hostile = '\'\n"""; import os #\\'
    _, second, *_ = user_data(json.dumps({"region": hostile})).splitlines()
    scope: dict[str, str] = {}
    exec(second, scope)
    assert json.loads(scope["SETTINGS"])["region"] == hostile


def test_user_data_compiles_and_fits_into_what_ec2_takes() -> None:
    [server, _] = record(settings_of("prod")).of(INSTANCE)
    compile(server.inputs["userData"], "user_data", "exec")
    assert len(server.inputs["userData"].encode()) <= USER_DATA_LIMIT
