"""The units of a slot as servers tell them, over a stand-in for SSH."""

import json
from typing import Any

import pytest

from release.doors.servers.inspection import UnitState
from release.doors.servers.ssh import NotReached, Said, Ssh
from release.work.verification.units import units_of
from tests.release.values import SLOT

SERVERS = {"env-servers-1": "10.0.0.5", "env-servers-2": "10.0.0.6"}


class FakeSsh(Ssh):
    """Servers that answer with what their slots are, or raise."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def run(self, address: str, command: str, data: str = "") -> Said:
        answer = self.answers["first" if address == "10.0.0.5" else "second"]
        if isinstance(answer, Exception):
            raise answer
        return Said(code=0, out=json.dumps(answer), err="")


def slots(**green: Any) -> dict[str, Any]:
    return {"blue": SLOT, "green": {**SLOT, **green}}


def test_each_server_tells_the_unit_of_that_slot() -> None:
    ssh = FakeSsh(first=slots(unit="active", restarts=0), second=slots(unit="activating", restarts=3))
    assert units_of(ssh, SERVERS, "green") == {
        "env-servers-1": UnitState(active="active", restarts=0),
        "env-servers-2": UnitState(active="activating", restarts=3),
    }


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(NotReached("cannot log in to 10.0.0.6: timed out"), "timed out", id="not-reached"),
        pytest.param({"why": "the disk is full"}, "the disk is full", id="cannot-tell"),
        pytest.param(slots(unit="active", restarts=0, busy=True), "is installing into green now", id="installing"),
    ],
)
def test_a_server_that_cannot_tell_says_why_and_the_others_are_heard(answer: Any, why: str) -> None:
    found = units_of(FakeSsh(first=slots(unit="active", restarts=0), second=answer), SERVERS, "green")
    assert found["env-servers-1"] == UnitState(active="active", restarts=0)
    assert why in str(found["env-servers-2"])
