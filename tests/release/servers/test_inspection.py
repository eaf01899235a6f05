"""What a server is asked, and when its answer is none."""

import json
from dataclasses import dataclass

import pytest

from release.comparison.drift import INSTALLER, UNITS
from release.errors import Inconclusive
from release.servers.inspection import DIGESTS, KEYS, STATUS, inspect
from release.servers.ssh import Said

SLOT = {"content": None, "unit": "inactive", "restarts": 0, "health": None, "busy": False, "problem": None}
STATUSES = {"blue": SLOT, "green": SLOT}
LISTED = f"{'a' * 64}  {INSTALLER}\n{'b' * 64}  {UNITS['blue']}\n"


@dataclass
class FakeSsh:
    """A server that answers each command with a text."""

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
    assert found.digests == {INSTALLER: "a" * 64, UNITS["blue"]: "b" * 64}
    assert found.authorized_keys == "ssh-ed25519 AAAA ops\n"


def test_without_an_installer_there_is_no_status_to_ask_for() -> None:
    assert inspect(FakeSsh(status="python3: can't open file", digests=""), "10.0.0.5").status == {}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        pytest.param("Traceback", "its installer did not answer", id="no-json"),
        pytest.param("[1]", "its installer did not answer", id="no-object"),
        pytest.param('{"result": "broken", "why": "the disk is full"}', "the disk is full", id="broken"),
        pytest.param(
            json.dumps({**STATUSES, "green": {**SLOT, "busy": True}}), "is installing into green now", id="installing"
        ),
    ],
)
def test_a_server_that_cannot_tell_is_inconclusive(status: str, why: str) -> None:
    with pytest.raises(Inconclusive, match=why):
        inspect(FakeSsh(status=status), "10.0.0.5")
