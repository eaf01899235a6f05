"""The workspace holds local copies of tracked files, and never changes a tracked one."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.access import Access, AccessKey
from local.addresses import Ports
from local.errors import CloudError
from local.paths import Paths
from local.workspace import environment, find_engine, localised, write_workspace

PROJECT = {
    "name": "stageline",
    "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}},
    "config": {"pulumi:disable-default-providers": {"value": ["*"]}},
}
STACK = {
    "config": {
        "stageline:account": "123456789012",
        "stageline:servers": {"count": 2, "dial_error_limit": 100},
        "stageline:load_balancer": {
            "live_port": 443,
            "preview_port": 8443,
            "certificate": "arn:aws:acm:x",
            "domain": "app.example.com",
            "health": {"interval": 10, "timeout": 5, "healthy": 2, "unhealthy": 2},
            "deletion_protection": True,
        },
        "stageline:watch": {"seconds": 600, "p95_ms": 200, "cpu_percent": 80},
    }
}
KEY = AccessKey(id="AKIA1", secret="se'cret $x")
ACCESS = Access(url="http://127.9.0.1:4566", region="eu-central-1", key=KEY, ca_bundle="/clone/.local/ca bundle.pem")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    project = tmp_path / "my clone"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(PROJECT))
    (project / "Pulumi.dev.yaml").write_text(yaml.safe_dump(STACK))
    return Paths(project=project)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "pulumi").write_text('#!/bin/sh\necho "$@"\necho "${SSH_AUTH_SOCK-none}"\n')
    (folder / "pulumi").chmod(0o755)
    return folder


def test_the_local_project_runs_the_tracked_program_in_this_virtual_environment(paths: Paths, engine: Path) -> None:
    write_workspace(paths, {}, engine, Ports())
    project = read(paths.work / "Pulumi.yaml")
    assert (paths.work / project["main"]).resolve() == paths.project
    assert Path(project["runtime"]["options"]["virtualenv"], "bin", "python").exists()
    assert project["config"] == PROJECT["config"]


def test_stack_files_get_local_ports_and_keep_the_rest() -> None:
    config = localised(STACK, "stageline", Ports())["config"]
    assert config["stageline:servers"] == {
        "count": 2,
        "dial_error_limit": 60,
        "ssh_port": 2222,
        "install_timeout": 120,
        "settle": 0,
    }
    balancer = config["stageline:load_balancer"]
    assert (balancer["live_port"], balancer["preview_port"]) == (8080, 8090)
    assert (balancer["certificate"], balancer["domain"]) == (None, None)
    assert balancer["health"] == {"interval": 5, "timeout": 2, "healthy": 2, "unhealthy": 2}
    assert balancer["deletion_protection"] is True
    assert config["stageline:watch"] == {"seconds": 1, "p95_ms": 2000, "cpu_percent": 80}
    assert config["stageline:account"] == "123456789012"


def test_a_stack_file_that_leaves_the_watch_to_its_default_gets_the_local_one() -> None:
    short = {"config": {key: value for key, value in STACK["config"].items() if key != "stageline:watch"}}
    assert localised(short, "stageline", Ports())["config"]["stageline:watch"] == {"seconds": 1, "p95_ms": 2000}


def test_tracked_files_stay_as_they_are(paths: Paths, engine: Path) -> None:
    before = {path.name: path.read_bytes() for path in paths.project.glob("Pulumi*")}
    write_workspace(paths, {}, engine, Ports())
    assert {path.name: path.read_bytes() for path in paths.project.glob("Pulumi*")} == before


def test_the_lines_that_decrypt_a_stack_survive_and_edits_of_a_copy_do_not(paths: Paths, engine: Path) -> None:
    write_workspace(paths, {}, engine, Ports())
    copy = paths.work / "Pulumi.dev.yaml"
    kept = {"secretsprovider": "awskms://alias/x", "encryptedkey": "abc"}
    copy.write_text(yaml.safe_dump({**read(copy), **kept, "config": {"edited": 1}}))
    write_workspace(paths, {}, engine, Ports())
    again = read(copy)
    assert {key: again[key] for key in kept} == kept
    assert again["config"] == localised(STACK, "stageline", Ports())["config"]


@pytest.mark.parametrize("broken", ["config: [", "just text", "config: 7"])
def test_a_stack_file_with_errors_is_copied_as_it_is(paths: Paths, engine: Path, broken: str) -> None:
    (paths.project / "Pulumi.dev.yaml").write_text(broken)
    write_workspace(paths, {}, engine, Ports())
    assert (paths.work / "Pulumi.dev.yaml").read_text() == broken


def test_pulumi_runs_the_engine_in_the_workspace_without_a_stale_agent(paths: Paths, engine: Path) -> None:
    write_workspace(paths, {}, engine, Ports())
    ran = subprocess.run(
        [paths.bin / "pulumi", "up", "-s", "a b"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": "/stale"},
    )
    assert ran.stdout.splitlines() == [f"-C {paths.work} up -s a b", "none"]


def test_stand_in_plugins_are_installed_where_the_engine_looks(paths: Paths, engine: Path) -> None:
    write_workspace(paths, {"PATH": os.environ["PATH"]}, engine, Ports())
    write_workspace(paths, {"PATH": os.environ["PATH"]}, engine, Ports())
    installed = sorted(path.name for path in (paths.pulumi_home / "plugins").glob("*/pulumi-resource-*"))
    assert installed == ["pulumi-resource-aws", "pulumi-resource-command"]


def test_a_genuine_plugin_on_the_path_is_used(paths: Paths, engine: Path, tmp_path: Path) -> None:
    genuine = tmp_path / "bin" / "pulumi-resource-aws"
    genuine.parent.mkdir()
    genuine.write_text("#!/bin/sh\n")
    genuine.chmod(0o755)
    write_workspace(paths, {"PATH": str(genuine.parent)}, engine, Ports())
    installed = [path.name for path in (paths.pulumi_home / "plugins").glob("*/pulumi-resource-*")]
    assert installed == ["pulumi-resource-command"]


def installed_plugin(home: Path, text: str) -> Path:
    """Put an executable where Pulumi installs the plugin that the SDK asks for."""
    program = home / f"plugins/resource-aws-v{version('pulumi-aws')}/pulumi-resource-aws"
    program.parent.mkdir(parents=True)
    program.write_text(text)
    return program


def test_a_genuine_plugin_that_was_installed_here_is_left_alone(paths: Paths, engine: Path) -> None:
    genuine = installed_plugin(paths.pulumi_home, "genuine")
    write_workspace(paths, {"PATH": "/nowhere"}, engine, Ports())
    assert (genuine.is_symlink(), genuine.read_text()) == (False, "genuine")


def test_a_genuine_plugin_of_the_user_is_used_until_it_is_gone(paths: Paths, engine: Path, tmp_path: Path) -> None:
    genuine = installed_plugin(tmp_path / "home/.pulumi", "genuine")
    installed = paths.pulumi_home / genuine.relative_to(tmp_path / "home/.pulumi")
    environ = {"PATH": "/nowhere", "HOME": str(tmp_path / "home")}
    write_workspace(paths, environ, engine, Ports())
    assert installed.resolve() == genuine
    genuine.unlink()
    write_workspace(paths, environ, engine, Ports())
    assert installed.resolve() == paths.plugins / "pulumi-resource-aws"


def test_the_launcher_of_another_clone_is_not_taken_for_a_genuine_plugin(
    paths: Paths, engine: Path, tmp_path: Path
) -> None:
    launcher = installed_plugin(tmp_path / "other", "launcher")
    launcher.rename(tmp_path / "launcher")
    launcher.symlink_to(tmp_path / "launcher")
    write_workspace(paths, {"PATH": "/nowhere", "PULUMI_HOME": str(tmp_path / "other")}, engine, Ports())
    assert (paths.pulumi_home / launcher.relative_to(tmp_path / "other")).resolve().parent == paths.plugins


def test_the_environment_survives_eval_with_any_characters(paths: Paths) -> None:
    shell = environment(paths, {"PATH": "/usr/bin:/bin"}, ACCESS).as_shell()
    ran = subprocess.run(
        ["sh", "-c", f'{shell}\nprintf \'%s|\' "$AWS_SECRET_ACCESS_KEY" "$PULUMI_HOME" "${{AWS_PROFILE-none}}"'],
        capture_output=True,
        text=True,
        check=True,
        env={"AWS_PROFILE": "work", "PATH": "/bin"},
    )
    assert ran.stdout == f"{KEY.secret}|{paths.pulumi_home}|none|"


def test_evaluating_the_environment_twice_changes_nothing_more(paths: Paths) -> None:
    paths.work.mkdir(parents=True)
    once = shell_environment(paths, {"PATH": "/usr/bin:/bin"})
    assert shell_environment(paths, {"PATH": once["PATH"]})["PATH"] == once["PATH"]


def test_the_commands_of_another_clones_cloud_are_left_out(paths: Paths, tmp_path: Path) -> None:
    other = tmp_path / "other" / ".local"
    (other / "work").mkdir(parents=True)
    assert str(other / "bin") not in shell_environment(paths, {"PATH": f"{other / 'bin'}:/bin"})["PATH"]


def test_endpoints_of_single_services_do_not_win_over_the_local_one(paths: Paths) -> None:
    found = environment(paths, {"AWS_ENDPOINT_URL_S3": "https://elsewhere"}, ACCESS)
    assert "AWS_ENDPOINT_URL_S3" in found.unset


def test_nothing_of_another_account_is_left_in_the_shell(paths: Paths) -> None:
    others = ("AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ROLE_ARN")
    found = environment(paths, dict.fromkeys((*others, "AWS_PAGER", "AWS_REGION", "AWSOME"), "x"), ACCESS)
    assert {*others} - {*found.unset} == set()
    assert {"AWS_PAGER", "AWS_REGION", "AWSOME"} & {*found.unset} == set()
    assert len({*found.unset}) == len(found.unset)


def test_an_engine_that_is_not_there_is_a_one_line_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STAGELINE_ENGINE", str(tmp_path))
    with pytest.raises(CloudError, match="STAGELINE_ENGINE") as missing:
        find_engine()
    assert "\n" not in str(missing.value)


def shell_environment(paths: Paths, environ: dict[str, str]) -> dict[str, str]:
    found = environment(paths, environ, ACCESS)
    return dict(found.set)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content
