"""Which verbs end an open deployment, by its step."""

import re

import pytest

from contract.slots import SlotName
from release.records.ledger.head import Former, Open, State
from release.rules.ways_on import way_on


@pytest.mark.parametrize(
    ("kind", "step", "declared", "verbs"),
    [
        pytest.param("promotion", "installed", "blue", {"resume", "abort"}, id="before-the-switch"),
        pytest.param("promotion", "paused", "blue", {"resume", "abort"}, id="paused"),
        pytest.param("promotion", "watched", "green", {"resume", "accept", "abort"}, id="behind-the-switch"),
        pytest.param("rollback", "answered", "green", {"resume", "accept", "rollback"}, id="rollback-left-open"),
        pytest.param("promotion", "undoing", "blue", {"abort"}, id="being-put-back"),
        pytest.param("rollback", "undoing", "blue", {"abort"}, id="rollback-being-put-back"),
    ],
)
def test_the_way_on_names_the_verbs_that_are_allowed_there(
    kind: str, step: str, declared: SlotName, verbs: set[str]
) -> None:
    opened = Open(
        deployment="dev-1",
        kind=kind,
        release="1.1.0",
        digest="c",
        slot="green",
        step=step,
        requested=1,
        former=Former(declared="blue", content=None),
    )
    said = way_on("dev", State(declared=declared, open=opened))
    assert set(re.findall("resume|accept|rollback|abort", said)) == verbs
