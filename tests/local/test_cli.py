"""The command finds its project, tells failures in one line, and answers with the right exit code."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from local import cli
from local.control import ControlServer
from local.gate.permissions import Permissions, permissions_handler
from local.keeping import write_kept
from local.paths import Paths
from local.processes import MARK, marked
from tests.local.servers.small_cloud import eventually
from tests.project import PROJECT

STATUS = {
    "url": "http://127.9.0.1:4566",
    "pid": 1,
    "block": 9,
    "pace": 10,
    "services": [{"name": "AWS API", "state": "running"}],
    "servers": [{"id": "i-1", "name": "dev-1", "address": "127.9.3.1", "state": "running"}],
    "load_balancers": [{"name": "live", "address": "127.9.1.1", "ports": [8080, 8090], "state": "running"}],
    "databases": [{"id": "dev-db", "address": "127.9.2.1", "port": 5432, "state": "running"}],
    "faults": [{"id": "f1", "kind": "throttle", "target": "dynamodb"}],
}
BALANCERS = [
    {"environment": "qa", "urls": {"8080": "http://127.9.1.2:8080/"}},
    {"environment": "dev", "urls": {"8080": "http://127.9.1.1:8080/", "8090": "http://127.9.1.1:8090/"}},
]
MODELS = b"models"


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    (tmp_path / "Pulumi.yaml").write_text("name: stageline\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    for name in ("STAGELINE_ROOT_DIR", "STAGELINE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    return Paths(project=tmp_path)


@pytest.fixture
def running(paths: Paths) -> Iterator[Paths]:
    """A cloud that only answers."""
    paths.root.mkdir()
    key = {"id": "AKIA1", "secret": "canary"}
    access = {"url": STATUS["url"], "region": "eu-central-1", "key": key, "ca_bundle": "/ca-bundle.pem"}
    server = ControlServer(
        paths.control,
        {
            "status": lambda request, connection: STATUS,
            "access": lambda request, connection: access,
            "open": lambda request, connection: {"load_balancers": BALANCERS},
            "permissions": permissions_handler(Permissions()),
            "log": lambda request, connection: {"path": str(paths.root / f"{request['part']}.{request['unit']}")},
        },
    )
    server.start()
    yield paths
    server.close()


@pytest.fixture
def engine(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with two environments, and an engine that nobody runs."""
    for name in ("dev", "qa"):
        tracked = PROJECT / f"Pulumi.{name}.yaml"
        (paths.project / tracked.name).write_bytes(tracked.read_bytes())
    folder = paths.project / "engine"
    folder.mkdir()
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        (folder / name).write_text("#!/bin/sh\necho v99.0.0\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("STAGELINE_ENGINE", str(folder))


@pytest.mark.enable_socket
def test_status_of_a_cloud_that_is_down_answers_1(paths: Paths) -> None:
    paths.root.mkdir()
    result = run("status")
    assert (result.exit_code, result.output) == (1, "the local cloud is down\n")


@pytest.mark.enable_socket
def test_permissions_are_switched_on_and_off_and_looked_at(running: Paths) -> None:
    said = [run("permissions", *switch).output.strip() for switch in ((), ("on",), (), ("off",))]
    off, on = "everybody may do everything", "permissions are enforced"
    assert said == [off, on, on, off]


@pytest.mark.enable_socket
def test_status_as_json_says_whether_it_is_up(running: Paths) -> None:
    result = run("status", "--json")
    assert (result.exit_code, json.loads(result.output)) == (
        0,
        {"up": True, "state": "up", "kept_since": None, "problems": [], **STATUS},
    )


@pytest.mark.enable_socket
def test_status_shows_every_part_with_its_address(running: Paths) -> None:
    output = run("status").output
    shown = (
        "http://127.9.0.1:4566",
        "127.9.1.1",
        "8080, 8090",
        "127.9.2.1",
        "port 5432, running",
        "127.9.3.1",
        "i-1 dev-1",
        "f1",
    )
    assert [text for text in shown if text not in output] == []


@pytest.mark.enable_socket
def test_a_daemon_that_was_killed_has_crashed_and_its_state_cannot_be_kept(paths: Paths) -> None:
    paths.root.mkdir()
    paths.control.touch()
    status, keep = run("status"), run("down", "--keep")
    assert (status.exit_code, "has crashed and its state is lost" in status.output) == (1, True)
    assert (keep.exit_code, "there is nothing to keep: the local cloud has crashed" in str(keep.exception)) == (1, True)
    assert json.loads(run("status", "--json").output)["state"] == "crashed"


@pytest.mark.enable_socket
def test_a_kept_state_is_said_with_its_time_and_is_not_kept_twice(paths: Paths) -> None:
    keep(paths)
    status = run("status")
    assert (status.exit_code, "its state is kept since 2026-11-21T10:00:00+00:00" in status.output) == (1, True)
    assert json.loads(run("status", "--json").output)["kept_since"] == "2026-11-21T10:00:00+00:00"
    assert "is down already, its state is kept" in run("down", "--keep").output
    assert paths.kept.exists()


@pytest.mark.enable_socket
def test_a_kept_state_outlives_a_daemon_that_was_killed_before_it_had_brought_all_back(paths: Paths) -> None:
    keep(paths)
    paths.control.touch()
    assert "its state is kept since" in run("status").output


@pytest.mark.enable_socket
def test_down_forgets_what_was_kept_and_says_so(paths: Paths) -> None:
    keep(paths)
    assert "its kept state is forgotten" in run("down").output
    assert not paths.kept.exists()


@pytest.mark.enable_socket
def test_there_is_nothing_to_keep_of_a_cloud_that_is_down(paths: Paths) -> None:
    paths.root.mkdir()
    result = run("down", "--keep")
    assert (result.exit_code, "there is nothing to keep" in str(result.exception)) == (1, True)


@pytest.mark.enable_socket
def test_a_running_cloud_keeps_the_options_that_it_was_started_with(running: Paths, engine: None) -> None:
    result = run("up", "--pace", "1", "--port", "live=9080")
    assert "the cloud is up without pace 1 (now 10), live 9080 (now 8080)" in str(result.exception)
    assert "was up already" in run("up", "--pace", "10").output


@pytest.mark.enable_socket
def test_open_prints_the_urls_of_every_environment_or_of_one(running: Paths, engine: None) -> None:
    run("up")
    assert run("open").output.splitlines() == [
        "dev          live     http://127.9.1.1:8080/",
        "dev          preview  http://127.9.1.1:8090/",
        "qa           live     http://127.9.1.2:8080/",
        "qa           preview  no listener yet",
    ]
    assert run("open", "qa").output.startswith("qa ")
    assert "there is no load balancer of prod" in str(run("open", "prod").exception)


@pytest.mark.enable_socket
def test_logs_of_a_part_is_the_file_that_the_daemon_names(running: Paths) -> None:
    (running.root / "dev-1.blue").write_text("blue says\n")
    assert run("logs", "dev-1", "--unit", "blue").output == "blue says\n"
    assert run("logs", "--unit", "blue").exit_code == 2


@pytest.mark.enable_socket
def test_no_secret_is_shown_but_by_env(running: Paths) -> None:
    assert "canary" not in run("status").output + run("status", "--json").output
    assert "export AWS_SECRET_ACCESS_KEY=canary\n" in run("env").output


@pytest.mark.enable_socket
def test_env_of_a_cloud_that_is_down_prints_nothing_to_evaluate(
    paths: Paths, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.root.mkdir()
    with pytest.raises(SystemExit) as ended:
        cli.main(["env"])
    captured = capfd.readouterr()
    assert (ended.value.code, captured.out) == (1, "")
    assert captured.err == "local-cloud: the local cloud is not running: `local-cloud up` starts it\n"


def test_outside_of_a_project_every_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["status"])
    assert ended.value.code == 1
    assert capfd.readouterr().err.startswith("local-cloud: no Pulumi.yaml in")


WRONG = (
    ("start",),
    ("status", "--xml"),
    ("up", "--pace", "0"),
    ("up", "--port", "live"),
    ("reset", "--port", "ssh=70000"),
    ("ssh",),
    ("psql",),
)


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_command_line_answers_2(paths: Paths, words: tuple[str, ...]) -> None:
    assert (run(*words).exit_code, paths.root.exists()) == (2, False)


def test_up_without_an_engine_starts_nothing(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
) -> None:
    monkeypatch.setenv("STAGELINE_ENGINE", str(tmp_path / "missing"))
    with pytest.raises(SystemExit) as ended:
        cli.main(["up"])
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
    eventually(lambda: left.pid in [one.pid for one in marked(paths.root)])  # the kernel shows it a moment later
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


def keep(paths: Paths) -> None:
    paths.root.mkdir()
    write_kept(paths.kept, MODELS, since="2026-11-21T10:00:00+00:00", block=9, made_by={"moto": "1"})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.commands, arguments)
