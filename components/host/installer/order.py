"""What the installer is told, as JSON of which every key is checked, and the form in which it answers."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.host.installer.errors import Refused
from components.host.installer.told import last_line
from contract.commands import Commands, parse_command
from contract.order import CONTENT_KEYS, ORDER_KEYS
from contract.slots import SLOTS, SlotName


@dataclass(frozen=True)
class Content:
    """What one slot shall hold, as the environment's program sends it and as `slot.json` keeps it.

    `slot.json` holds these keys and no others: a relabelled slot has the copy of the installer that it was installed
    with, and that one must be able to read it.
    """

    slot: SlotName
    port: int
    release: str
    digest: str
    commands: Commands
    configuration: str | None
    deployment: str

    def differs_in_its_label_only(self, other: Content) -> bool:
        """Whether it is the same artifact, run in the same way with the same configuration, whoever put it there."""
        return dataclasses.replace(self, deployment=other.deployment) == other


@dataclass(frozen=True)
class Order:
    """What an install is told. `reuse`: bytes that the slot holds already stay; else they are installed anew."""

    content: Content
    reuse: bool


TEXT_RULES = {
    "release": (re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){2}([-+][0-9A-Za-z.+-]{1,60})?"), "a version such as 1.2.3"),
    "digest": (re.compile("[0-9a-f]{64}"), "64 hexadecimal digits"),
    "configuration": (re.compile("[0-9a-f]{64}"), "64 hexadecimal digits or null"),
    "deployment": (re.compile("[A-Za-z0-9_.-]{1,100}"), "1 to 100 letters, digits, '_', '.' or '-'"),
}


def parse_order(text: str) -> Order:
    fields = parse_fields(text, ORDER_KEYS)
    return Order(checked_content(fields), checked_reuse(fields))


def parse_content(text: str) -> Content:
    return checked_content(parse_fields(text, CONTENT_KEYS))


def checked_content(fields: dict[str, Any]) -> Content:
    port = fields["port"]
    if type(port) is not int or not 1024 <= port <= 65535:
        raise Refused("the input is not valid: port must be a whole number from 1024 to 65535")
    texts = {key: checked_text(key, fields[key]) for key in ("release", "digest", "deployment")}
    configuration = fields["configuration"]
    if configuration is not None:
        checked_text("configuration", configuration)
    return Content(
        slot=checked_slot(fields["slot"]),
        port=port,
        commands=checked_commands(fields["commands"]),
        configuration=configuration,
        **texts,
    )


def parse_emptied(text: str) -> SlotName | None:
    """The slot that an order without a release empties; None when the order has one."""
    fields = parse_fields(text, ORDER_KEYS)
    if fields["release"] is not None or fields["digest"] is not None:
        return None
    checked_reuse(fields)
    return checked_slot(fields["slot"])


def parse_slot(text: str) -> SlotName:
    return checked_slot(parse_fields(text, ("slot",))["slot"])


def parse_fields(text: str, names: Sequence[str]) -> dict[str, Any]:
    try:
        fields = json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise Refused("the input is not valid: give one JSON object on stdin, each key once")
    if sorted(fields) != sorted(names):
        raise Refused(f"the input is not valid: its keys must be {', '.join(names)} and no others")
    return fields


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields


def checked_slot(value: Any) -> SlotName:
    for slot in SLOTS:
        if value == slot:
            return slot
    raise Refused(f"the input is not valid: slot must be {' or '.join(SLOTS)}")


def checked_reuse(fields: dict[str, Any]) -> bool:
    reuse = fields["reuse"]
    if type(reuse) is not bool:
        raise Refused("the input is not valid: reuse must be true or false")
    return reuse


def checked_commands(value: Any) -> Commands:
    names = [field.name for field in dataclasses.fields(Commands)]
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise Refused(f"the input is not valid: commands must be an object with {', '.join(names)}")
    return Commands(**{name: checked_command(name, value[name]) for name in names})


def checked_command(name: str, value: Any) -> tuple[str, ...]:
    if value in ([], ()):
        return ()
    try:
        return parse_command(value)
    except ValueError as error:
        raise Refused(f"the input is not valid: the command {name} {last_line(str(error))}") from None


def checked_text(key: str, value: Any) -> str:
    rule, allowed = TEXT_RULES[key]
    if not isinstance(value, str) or not rule.fullmatch(value):
        raise Refused(f"the input is not valid: {key} must be {allowed}")
    return value


def answer(result: str, content: Content, why: str = "") -> dict[str, Any]:
    said = {"result": result, "slot": content.slot, "release": content.release, "deployment": content.deployment}
    return {**said, "why": why} if why else said
