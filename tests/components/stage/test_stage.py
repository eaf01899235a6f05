"""Stage: what it takes from a platform, be it of its own program or of another stack."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from components.machine import Keys
from components.outputs import PlatformOutputs
from components.platform.platform import Platform, PlatformArgs
from components.recording import Declared, recorded
from components.stage.stage import Stage, StageArgs
from settings.model import Settings
from tests.components.recording import (
    BASTION_KEY,
    GREEN_LIVE,
    HOST_KEY,
    PRIVATE_KEY,
    private_settings_of,
    record,
    settings_of,
    texts,
)

KEYS = Keys(deploy_private=PRIVATE_KEY, host_public=HOST_KEY, bastion_host_public=BASTION_KEY)
SETTINGS = pytest.mark.parametrize(
    "settings", [settings_of("dev"), private_settings_of("dev")], ids=["public servers", "private servers"]
)
NAMING = ("name", "identifier", "dashboardName", "finalSnapshotIdentifier")


def outputs_of(settings: Settings) -> dict[str, Any]:
    """What the program exports as the output `platform`, as another program reads it."""
    base = recorded(lambda: Platform("env", PlatformArgs(settings=settings, keys=KEYS)))
    found: dict[str, Any] = json.loads(json.dumps(base.registered["env"]))
    return found


def stage(settings: Settings, outputs: Mapping[str, Any], name: str = "env") -> list[Declared]:
    """A stage in a program of its own."""
    args = StageArgs(
        settings=settings,
        platform=PlatformOutputs.of(outputs),
        keys=KEYS,
        slots=GREEN_LIVE,
        out=frozenset(),
        passed_over=frozenset(),
    )
    return recorded(lambda: Stage(name, args)).declared


def inputs(declared: Iterable[Declared]) -> dict[str, dict[str, Any]]:
    """What is declared of a stage, by URN."""
    return {one.urn: comparable(one) for one in declared if "::stageline:stage:" in one.urn}


def comparable(one: Declared) -> dict[str, Any]:
    return {**one.inputs, "source": None}


@SETTINGS
def test_a_stage_on_another_stacks_outputs_is_the_one_that_stands_on_its_own_platform(settings: Settings) -> None:
    expected = inputs(record(settings, GREEN_LIVE).declared)
    assert len(expected) > 50
    assert inputs(stage(settings, outputs_of(settings))) == expected


@SETTINGS
def test_two_stages_on_one_platform_share_no_name_that_somebody_gave_them(settings: Settings) -> None:
    outputs = outputs_of(settings)
    base, other = (
        {value for one in stage(of, outputs) for key, value in one.inputs.items() if key in NAMING}
        for of in (settings, settings.model_copy(update={"environment": "other"}))
    )
    assert base & other == set()
    assert len(base) == len(other) > 10


@SETTINGS
def test_a_platform_hands_out_no_secret(settings: Settings) -> None:
    assert [text for text in texts(outputs_of(settings)) if "PRIVATE KEY" in text] == []


def test_servers_of_every_stage_are_reached_from_the_bastion_of_the_platform() -> None:
    settings = private_settings_of("dev")
    declared = stage(settings, outputs_of(settings), name="demo")
    ends = {
        one.name: (one.inputs["securityGroupId"], one.inputs["referencedSecurityGroupId"])
        for one in declared
        if one.name.startswith("demo-firewall-ssh-")
    }
    assert ends == {
        "demo-firewall-ssh-out": ("env-bastion-group-id", "demo-firewall-servers-id"),
        "demo-firewall-ssh-in": ("demo-firewall-servers-id", "env-bastion-group-id"),
    }
