"""What is agreed on: readable by the oldest Python that has to, and the same wherever it is said once more."""

import ast
import json
import runpy
from pathlib import Path

import pytest

from contract import metrics
from contract.balancer import BALANCER, LIVE, PREVIEW
from contract.commands import BY_NAME, Commands
from contract.layout import MACHINE_ROOT
from contract.order import ORDER_KEYS, order
from contract.slots import SLOT_PORTS, SLOTS, SlotName, idle
from contract.unit import unit_file, unit_text
from tests.docs.pages import ROOT

FILES = sorted((ROOT / "contract").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_python_3_9(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    unions = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)]
    assert not unions or "from __future__ import annotations\n" in file.read_text()


@pytest.mark.parametrize(("declared", "free"), [(None, "blue"), ("blue", "green"), ("green", "blue")])
def test_the_idle_slot_is_the_one_that_is_not_declared_live(declared: SlotName | None, free: SlotName) -> None:
    assert idle(declared) == free


def test_every_slot_has_a_port_of_its_own() -> None:
    assert tuple(SLOT_PORTS) == SLOTS
    assert len(set(SLOT_PORTS.values())) == len(SLOTS)


def test_ports_cannot_be_changed_by_who_imports_them() -> None:
    with pytest.raises(TypeError):
        SLOT_PORTS["blue"] = 1  # type: ignore[index]  # which is what is tried


def test_no_two_parts_of_the_balancer_have_one_name() -> None:
    names = [BALANCER, LIVE, PREVIEW, *SLOTS]
    assert len(set(names)) == len(names)


def test_a_unit_runs_what_lies_in_its_own_slot_as_long_as_the_slot_holds_something() -> None:
    assert unit_file("blue") == ".config/systemd/user/stageline-blue.service"
    assert "ConditionPathExists=%h/stageline/slots/blue/slot.json\n" in unit_text("blue")
    assert "ExecStart=python3 %h/stageline/slots/blue/installer.pyz run blue\n" in unit_text("blue")


def test_a_release_is_started_again_however_it_ended_and_as_often_as_it_takes() -> None:
    lines = unit_text("blue").splitlines()
    assert {"Restart=always", "RestartSec=2", "StartLimitIntervalSec=0"} <= set(lines)


def test_an_order_names_the_slots_own_port_and_its_keys_come_in_one_order() -> None:
    java = Commands(start=("java", "-jar", "app.jar"))
    text = order("green", release="1.0.0", digest="d", commands=java, configuration="c", deployment="dev-1", reuse=True)
    assert text == (
        '{"commands": {"migrate": [], "start": ["java", "-jar", "app.jar"]}, "configuration": "c", '
        '"deployment": "dev-1", "digest": "d", "port": 8082, "release": "1.0.0", "reuse": true, "slot": "green"}'
    )


def test_an_order_has_exactly_the_keys_that_an_installer_takes() -> None:
    what = order(
        "blue", release=None, digest=None, commands=BY_NAME, configuration=None, deployment="dev-1", reuse=False
    )
    keys = json.loads(what)
    assert sorted(keys) == sorted(ORDER_KEYS)


def test_the_boot_program_tells_what_alarms_and_the_watch_look_for_and_stands_where_it_is_run_again() -> None:
    told = runpy.run_path(str(ROOT / "components" / "host" / "boot.py"), run_name="boot")
    collected = told["agent_config"]("logs")["metrics"]["metrics_collected"]
    assert collected["mem"]["measurement"] == [metrics.MEMORY]
    assert [f"disk_{name}" for name in collected["disk"]["measurement"]] == [metrics.DISK]
    assert f'os.environ.get("{MACHINE_ROOT}", "/")' in (ROOT / "components" / "host" / "boot.py").read_text()
