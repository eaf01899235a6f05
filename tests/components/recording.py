"""What the tests of components declare environments from: slots, keys and the stack files of the tests' project."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from components import recording
from components.machine import Keys
from components.recording import Recording
from components.slots import SlotContent, Slots
from settings.model import Bastion, Settings
from settings.stackfile import load
from tests.project import PROJECT

PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY----- canary"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost"
BASTION_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBastion"

OLD = SlotContent(release="1.0.0", digest="a" * 64, deployment="d-1")
NEW = SlotContent(release="1.1.0", digest="b" * 64, deployment="d-2")

EMPTY = Slots()
BLUE_LIVE = Slots(blue=OLD, declared="blue")
BLUE_LIVE_GREEN_FILLED = Slots(blue=OLD, green=NEW, declared="blue")
GREEN_LIVE = Slots(blue=OLD, green=NEW, declared="green")


@cache
def record(
    settings: Settings, slots: Slots = EMPTY, *, out: tuple[str, ...] = (), passed_over: tuple[str, ...] = ()
) -> Recording:
    """An environment with the tests' keys, declared without an engine; the same one for the same values."""
    keys = Keys(deploy_private=PRIVATE_KEY, host_public=HOST_KEY, bastion_host_public=BASTION_KEY)
    return recording.record(settings, slots, keys, out=out, passed_over=passed_over)


def settings_of(environment: str, **changes: Any) -> Settings:
    """The settings of a stack file, with whole sections or values replaced."""
    return _stated(environment).model_copy(update=changes)


@cache
def _stated(environment: str) -> Settings:
    return load(PROJECT, environment)


def private_settings_of(environment: str) -> Settings:
    """The same with servers in private subnets, behind a bastion."""
    settings = settings_of(environment)
    bastion = Bastion(instance_type="t3.micro", ami="ami-00000000000000001")
    return settings.model_copy(
        update={
            "network": settings.network.model_copy(update={"nat": True}),
            "servers": settings.servers.model_copy(update={"public": False, "bastion": bastion}),
        }
    )


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    else:
        yield str(value)
