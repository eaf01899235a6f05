"""`local-cloud fault` asks the daemon for what the command line says, and shows what it answers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from local.control import ControlServer
from local.fault_cli import fault
from local.faults import KINDS
from local.paths import Paths

ONE = {"id": "f1", "kind": "delay", "target": "s3:PutObject", "seconds": 2.5, "times": 3}
TWO = {"id": "f2", "kind": "clock", "target": "", "seconds": -7200.0, "times": None}


@dataclass
class Cloud:
    """Answers every request with the faults that it was given, and remembers what it was asked."""

    paths: Paths
    faults: list[dict[str, Any]] = field(default_factory=lambda: [ONE, TWO])
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: dict[str, Any], connection: Any) -> dict[str, Any]:
        self.asked.append({name: value for name, value in request.items() if name != "do"})
        return {"fault": ONE, "faults": self.faults, "cleared": self.faults}

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(fault, arguments, obj=self.paths)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    cloud = Cloud(paths=Paths(project=tmp_path))
    cloud.paths.root.mkdir()
    server = ControlServer(cloud.paths.control, {"fault": cloud.answer})
    server.start()
    yield cloud
    server.close()


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("line", "asked"),
    [
        pytest.param("stop web-1", {"kind": "stop", "target": "web-1"}, id="a server"),
        pytest.param("break app-db", {"kind": "break", "target": "app-db"}, id="a database"),
        pytest.param("throttle dynamodb", {"kind": "throttle", "target": "dynamodb", "times": None}, id="a service"),
        pytest.param("lose sts --times 2", {"kind": "lose", "target": "sts", "times": 2}, id="so often"),
        pytest.param(
            "delay * --seconds 2.5", {"kind": "delay", "target": "*", "seconds": 2.5, "times": None}, id="so late"
        ),
        pytest.param("clock +10m", {"kind": "clock", "seconds": 600}, id="minutes ahead"),
        pytest.param("clock -2h", {"kind": "clock", "seconds": -7200}, id="hours behind"),
        pytest.param("clock 90", {"kind": "clock", "seconds": 90}, id="seconds"),
        pytest.param("clock -1.5d", {"kind": "clock", "seconds": -129600}, id="days behind"),
    ],
)
def test_a_fault_is_asked_for_as_the_command_line_says(cloud: Cloud, line: str, asked: dict[str, Any]) -> None:
    result = cloud.run(*line.split())
    assert (result.exit_code, cloud.asked) == (0, [{"action": "add", **asked}])
    assert result.output == "f1  delay  s3:PutObject  2.5 s  3 times\nto mend it:  local-cloud fault clear f1\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("stop", "Missing argument 'TARGET'", id="no target"),
        pytest.param("delay s3", "Missing option '--seconds'", id="no seconds"),
        pytest.param("delay s3 --seconds 0", "0.0 is not in the range", id="no delay"),
        pytest.param("drop s3 --times 0", "0 is not in the range", id="never"),
        pytest.param("stop web-1 --times 2", "No such option", id="no count"),
        pytest.param("clock soon", "'soon' is no offset: give one like +10m", id="no offset"),
        pytest.param("clock +0h", "'+0h' is no offset", id="not off"),
        pytest.param("explode web-1", "No such command 'explode'", id="unknown kind"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(tmp_path: Path, line: str, said: str) -> None:
    result = CliRunner().invoke(fault, line.split(), obj=Paths(project=tmp_path))
    assert (result.exit_code, said in result.output) == (2, True)


@pytest.mark.enable_socket
def test_the_list_shows_every_fault_in_a_line(cloud: Cloud) -> None:
    assert cloud.run("list").output == "f1  delay  s3:PutObject  2.5 s  3 times\nf2  clock  -7200 s\n"


@pytest.mark.enable_socket
def test_the_list_as_json_is_what_the_cloud_says(cloud: Cloud) -> None:
    assert json.loads(cloud.run("list", "--json").output) == [ONE, TWO]


@pytest.mark.enable_socket
@pytest.mark.parametrize(("line", "fault_id"), [("clear f1", "f1"), ("clear", None)])
def test_clear_mends_one_or_all_and_says_what(cloud: Cloud, line: str, fault_id: str | None) -> None:
    output = cloud.run(*line.split()).output
    assert cloud.asked == [{"action": "clear", "id": fault_id}]
    assert output == "mended: f1  delay  s3:PutObject  2.5 s  3 times\nmended: f2  clock  -7200 s\n"


@pytest.mark.enable_socket
def test_without_faults_list_and_clear_say_so(cloud: Cloud) -> None:
    cloud.faults = []
    assert cloud.run("list").output + cloud.run("clear").output == "nothing is broken\nnothing was broken\n"


def test_every_kind_is_a_command_and_explained(tmp_path: Path) -> None:
    output = CliRunner().invoke(fault, ["--help"], obj=Paths(project=tmp_path)).output
    assert [kind for kind in KINDS if f"\n  {kind} " not in output] == []
