"""The command finds its project, tells failures in one line, and answers with the right exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from local import cli
from local.control import ControlServer
from local.paths import Paths
from local.processes import MARK

STATUS = {
    "url": "http://127.9.0.1:4566",
    "pid": 1,
    "block": 9,
    "servers": [{"id": "i-1", "address": "127.9.3.1", "state": "running"}],
    "load_balancers": [{"name": "live", "address": "127.9.1.1", "ports": [8080, 8090]}],
    "databases": [{"address": "127.9.2.1", "port": 5432, "running": True}],
}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    (tmp_path / "Pulumi.yaml").write_text("name: stageline\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STAGELINE_ROOT_DIR", raising=False)
    return Paths(project=tmp_path)


@pytest.fixture
def running(paths: Paths) -> Iterator[Paths]:
    """A cloud that only answers."""
    paths.root.mkdir()
    key = {"id": "AKIA1", "secret": "canary"}
    server = ControlServer(
        paths.control,
        {
            "status": lambda request, connection: STATUS,
            "access": lambda request, connection: {"url": STATUS["url"], "region": "eu-central-1", "key": key},
        },
    )
    server.start()
    yield paths
    server.close()


@pytest.mark.enable_socket
def test_status_of_a_cloud_that_is_down_answers_1(paths: Paths) -> None:
    paths.root.mkdir()
    result = run("status")
    assert (result.exit_code, result.output) == (1, "the local cloud is down\n")


@pytest.mark.enable_socket
def test_status_as_json_says_whether_it_is_up(running: Paths) -> None:
    result = run("status", "--json")
    assert (result.exit_code, json.loads(result.output)) == (0, {"up": True, **STATUS})


@pytest.mark.enable_socket
def test_status_shows_every_part_with_its_address(running: Paths) -> None:
    output = run("status").output
    shown = ("http://127.9.0.1:4566", "127.9.1.1", "8080, 8090", "127.9.2.1", "port 5432, running", "127.9.3.1", "i-1")
    assert [text for text in shown if text not in output] == []


@pytest.mark.enable_socket
def test_no_secret_is_shown_but_by_env(running: Paths) -> None:
    assert "canary" not in run("status").output + run("status", "--json").output
    assert "export AWS_SECRET_ACCESS_KEY=canary\n" in run("env").output


@pytest.mark.enable_socket
def test_env_of_a_cloud_that_is_down_prints_nothing_to_evaluate(
    paths: Paths, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.root.mkdir()
    monkeypatch.setattr(sys, "argv", ["local-cloud", "env"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capfd.readouterr()
    assert (ended.value.code, captured.out) == (1, "")
    assert captured.err == "local-cloud: the local cloud is not running: `local-cloud up` starts it\n"


def test_outside_of_a_project_every_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["local-cloud", "status"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capfd.readouterr().err.startswith("local-cloud: no Pulumi.yaml in")


def test_a_wrong_command_line_answers_2(paths: Paths) -> None:
    assert (run("start").exit_code, run("status", "--xml").exit_code) == (2, 2)


def test_up_without_an_engine_starts_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
) -> None:
    monkeypatch.setenv("STAGELINE_ENGINE", str(tmp_path / "missing"))
    monkeypatch.setattr(sys, "argv", ["local-cloud", "up"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, paths.root.exists()) == (1, False)
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_down_of_a_cloud_that_never_was_is_done(paths: Paths) -> None:
    result = run("down")
    assert (result.exit_code, paths.root.exists()) == (0, False)


@pytest.mark.enable_socket
def test_down_after_the_daemon_was_killed_ends_what_it_left_and_keeps_caches(paths: Paths) -> None:
    (paths.cache / "postgres").mkdir(parents=True)
    (paths.servers / "i-1").mkdir(parents=True)
    left = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: str(paths.root)}, start_new_session=True)
    result = run("down")
    assert left.wait(5) < 0
    assert "1 leftover processes ended" in result.output
    assert sorted(path.name for path in paths.root.iterdir()) == ["cache", "lock"]


def test_logs_prints_what_the_daemon_wrote(paths: Paths) -> None:
    paths.root.mkdir()
    paths.log.write_text("the local cloud is up\n")
    assert run("logs").output == "the local cloud is up\n"


def test_logs_of_a_cloud_that_never_was_says_how_to_start_it(paths: Paths) -> None:
    result = run("logs")
    assert (result.exit_code, "local-cloud up" in str(result.exception)) == (1, True)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.commands, arguments)
