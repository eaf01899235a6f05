"""What a server is asked, and when its answer is none."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.layout import INSTALLER
from contract.unit import UNIT_FILES
from release.doors.servers.inspection import DIGESTS, KEYS, STATUS, inspect, unit
from release.doors.servers.ssh import Door, Said, Ssh
from release.process.errors import Inconclusive
from tests.release.values import SLOT

DOOR = Door(user="stageline", port=22, host_key="")
STATUSES = {"blue": SLOT, "green": SLOT}
LISTED = f"{'a' * 64}  {INSTALLER}\n{'b' * 64}  {UNIT_FILES['blue']}\n"


def said(**green: Any) -> str:
    return json.dumps({"blue": SLOT, "green": {**SLOT, **green}})


@dataclass(frozen=True, kw_only=True)
class FakeSsh(Ssh):
    """A server that answers each command with a text."""

    servers: Door = DOOR
    private_key: str = ""
    status: str = json.dumps(STATUSES)
    digests: str = LISTED
    keys: str = "ssh-ed25519 AAAA ops\n"

    def run(self, address: str, command: str, data: str = "") -> Said:
        assert address == "10.0.0.5"
        answers = {STATUS: self.status, DIGESTS: self.digests, KEYS: self.keys}
        return Said(code=0, out=answers[command], err="")


def test_a_server_tells_its_slots_its_files_and_its_keys() -> None:
    found = inspect(FakeSsh(), "10.0.0.5")
    assert found.status == STATUSES
    assert found.digests == {INSTALLER: "a" * 64, UNIT_FILES["blue"]: "b" * 64}
    assert found.authorized_keys == "ssh-ed25519 AAAA ops\n"


def test_without_an_installer_there_is_no_status_to_ask_for() -> None:
    assert inspect(FakeSsh(status="python3: can't open file", digests=""), "10.0.0.5").status == {}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        pytest.param("Traceback", "its installer did not answer", id="no-json"),
        pytest.param("[1]", "its installer did not answer", id="no-object"),
        pytest.param("[" * 200_000, "its installer did not answer", id="nested"),
        pytest.param('{"blue": 1, "blue": 2}', "its installer did not answer", id="a-key-twice"),
        pytest.param('{"why": ' + "[" * 900 + "]" * 900 + "}", "cannot tell what its slots hold", id="a-nested-why"),
        pytest.param(said(unit=None), "green.unit: Input should be a valid string", id="no-unit"),
        pytest.param(said(restarts="7"), "green.restarts: Input should be a valid integer", id="restarts-in-words"),
        pytest.param(said(restarts=-1), "green.restarts: ", id="fewer-restarts-than-none"),
        pytest.param(said(restarts=True), "green.restarts: ", id="a-flag-for-a-number"),
        pytest.param(said(busy="no"), "green.busy: ", id="busy-in-words"),
        pytest.param(said(health="well"), "green.health: ", id="health-in-words"),
        pytest.param(said(content={"release": "1.0.0"}), "green.content.digest: Field required", id="half-a-content"),
        pytest.param(json.dumps({"blue": SLOT, "green": []}), "green: ", id="a-slot-that-is-a-list"),
        pytest.param(json.dumps({"blue": SLOT, "green": {}}), "green.content: Field required", id="an-empty-slot"),
        pytest.param(
            '{"result": "broken", "why": "\\u001b[2J' + "x" * 9000 + '"}', r"\\x1b\[2Jxxx", id="a-hostile-why"
        ),
        pytest.param('{"result": "broken", "why": "the disk is full"}', "the disk is full", id="broken"),
        pytest.param(
            json.dumps({**STATUSES, "green": {**SLOT, "busy": True}}), "is installing into green now", id="installing"
        ),
    ],
)
def test_a_server_that_cannot_tell_is_inconclusive(status: str, why: str) -> None:
    for ask in (inspect, lambda ssh, address: unit(ssh, address, "blue")):
        with pytest.raises(Inconclusive, match=why) as caught:
            ask(FakeSsh(status=status), "10.0.0.5")
        assert len(str(caught.value)) < 700


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), st.sampled_from([*SLOT]))
def test_whatever_a_server_says_of_a_slot_is_a_unit_or_it_cannot_tell(value: Any, key: str) -> None:
    try:
        found = unit(FakeSsh(status=said(**{key: value})), "10.0.0.5", "green")
    except Inconclusive:
        return
    assert isinstance(found.restarts, int)
    assert found.active.isprintable()
