"""What the installer lets itself be told."""

import json
from typing import Any

import pytest

from components.host.installer.errors import Refused
from components.host.installer.order import parse_emptied, parse_order
from tests.components.host.fake_server import FakeServer, loopback

COMMANDS: dict[str, list[str]] = {"start": [], "migrate": []}
WHAT = {"release": "1.0.0", "digest": "a" * 64, "commands": COMMANDS, "configuration": None}
VALID = {"slot": "blue", "port": 8081, **WHAT, "deployment": "d1", "reuse": False}
INVALID = {
    "other slot": {**VALID, "slot": "../green"},
    "slot with a newline": {**VALID, "slot": "blue\n"},
    "port as text": {**VALID, "port": "8081"},
    "port as truth": {**VALID, "port": True},
    "privileged port": {**VALID, "port": 80},
    "release that is a path": {**VALID, "release": "1.0.0/../../x"},
    "release that is a command": {**VALID, "release": "1.0.0$(id)"},
    "digest in capitals": {**VALID, "digest": "A" * 64},
    "digest too short": {**VALID, "digest": "a" * 63},
    "configuration as a name": {**VALID, "configuration": "first"},
    "configuration that leaves its folder": {**VALID, "configuration": "../" + "a" * 61},
    "deployment with a slash": {**VALID, "deployment": "a/b"},
    "deployment too long": {**VALID, "deployment": "a" * 101},
    "deployment with other digits": {**VALID, "deployment": "٣"},
    "commands as a list": {**VALID, "commands": ["java"]},
    "no command that starts": {**VALID, "commands": {"migrate": []}},
    "a command for more": {**VALID, "commands": {**COMMANDS, "stop": []}},
    "a command of numbers": {**VALID, "commands": {**COMMANDS, "start": [1]}},
    "a command for a shell": {**VALID, "commands": {**COMMANDS, "start": ["sh", "-c", "$(id)"]}},
    "a command of nothing": {**VALID, "commands": {**COMMANDS, "start": None}},
    "reuse as a number": {**VALID, "reuse": 1},
    "reuse as text": {**VALID, "reuse": "false"},
    "unknown key": {**VALID, "url": "x"},
    "missing key": {key: value for key, value in VALID.items() if key != "digest"},
    "a list": [VALID],
    "a list of pairs": [[key, value] for key, value in VALID.items()],
    "a number": 3,
    "null": None,
}


@pytest.mark.parametrize("request_", INVALID.values(), ids=INVALID)
def test_invalid_input_is_refused(request_: Any) -> None:
    with pytest.raises(Refused, match="the input is not valid"):
        parse_order(json.dumps(request_))


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(Refused, match="each key once"):
        parse_order(json.dumps(VALID)[:-1] + ', "slot": "green"}')


def test_an_order_that_empties_must_say_whether_it_reuses_as_well() -> None:
    order = {**VALID, "release": None, "digest": None}
    assert parse_emptied(json.dumps(order)) == "blue"
    with pytest.raises(Refused, match="reuse must be true or false"):
        parse_emptied(json.dumps({**order, "reuse": None}))


@loopback
@pytest.mark.parametrize("stdin", ["", "{", json.dumps({**VALID, "slot": "red"})], ids=["nothing", "half", "red"])
def test_invalid_input_is_told_on_stderr_and_changes_nothing(server: FakeServer, stdin: str) -> None:
    run = server.execute(server.command("install"), stdin)
    assert (run.code, run.answer["result"]) == (1, "refused")
    assert run.stderr.count("\n") == 1
    assert not server.slots.exists()
