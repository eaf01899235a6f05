"""What is agreed on: readable by the oldest Python that has to, and the same wherever it is said once more."""

import ast
import json
from pathlib import Path

import pytest

from contract.balancer import BALANCER, LIVE, PREVIEW
from contract.order import order
from contract.slots import SLOT_PORTS, SLOTS
from contract.unit import unit_file, unit_text
from tests.docs.pages import ROOT

FILES = sorted((ROOT / "contract").glob("*.py"))
INSTALLER = ast.parse((ROOT / "components" / "host" / "slot.py").read_text())


def stated_by_the_installer(name: str) -> object:
    """A constant of the one file that runs alone on servers, and so has to repeat it."""
    [value] = [
        one.value for one in INSTALLER.body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == name
    ]
    return ast.literal_eval(value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_python_3_9(file: Path) -> None:
    ast.parse(file.read_text(), feature_version=(3, 9))


def test_every_slot_has_a_port_of_its_own() -> None:
    assert tuple(SLOT_PORTS) == SLOTS
    assert len(set(SLOT_PORTS.values())) == len(SLOTS)


def test_ports_cannot_be_changed_by_who_imports_them() -> None:
    with pytest.raises(TypeError):
        SLOT_PORTS["blue"] = 1  # type: ignore[index]


def test_no_two_parts_of_the_balancer_have_one_name() -> None:
    names = [BALANCER, LIVE, PREVIEW, *SLOTS]
    assert len(set(names)) == len(names)


def test_the_installer_knows_the_same_slots() -> None:
    assert stated_by_the_installer("SLOTS") == SLOTS


def test_a_unit_runs_what_lies_in_its_own_slot_as_long_as_the_slot_holds_something() -> None:
    assert unit_file("blue") == ".config/systemd/user/stageline-blue.service"
    assert "ConditionPathExists=%h/stageline/slots/blue/slot.json\n" in unit_text("blue")
    assert "ExecStart=python3 %h/stageline/slots/blue/slot.py run blue\n" in unit_text("blue")


def test_the_installer_writes_the_same_unit() -> None:
    text = str(stated_by_the_installer("UNIT"))
    assert [text.format(slot=slot) for slot in SLOTS] == [unit_text(slot) for slot in SLOTS]


def test_an_order_names_the_slots_own_port_and_its_keys_come_in_one_order() -> None:
    text = order("green", release="1.0.0", digest="d", deployment="dev-1", reuse=True)
    assert text == (
        '{"deployment": "dev-1", "digest": "d", "port": 8082, "release": "1.0.0", "reuse": true, "slot": "green"}'
    )


def test_the_installer_takes_exactly_the_keys_of_an_order() -> None:
    keys = json.loads(order("blue", release=None, digest=None, deployment="dev-1", reuse=False))
    assert sorted(keys) == sorted((*stated_by_the_installer("CONTENT_KEYS"), "reuse"))  # type: ignore[misc]
