"""The stand-in of the command plugin under the real engine, against a real SSH host on a loopback address."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import grpc
import pytest
import yaml
from pulumi.runtime.proto import provider_pb2_grpc

from local.command_provider import CommandProvider
from local.servers import Servers
from tests.local.servers.small_cloud import eventually, new_address, runs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.enable_socket,
]

USER_DATA = """#!/bin/sh
mkdir -p $STAGELINE_ROOT/home/stageline/.ssh
echo '{login}' > $STAGELINE_ROOT/home/stageline/.ssh/authorized_keys
umask 077
echo '{host}' > $STAGELINE_ROOT/etc/ssh/ssh_host_ed25519_key
"""

PROJECT = """
name: command-provider
runtime: {{name: python, options: {{virtualenv: "{virtualenv}"}}}}
"""

PROGRAM = """
import json
import pulumi
from pulumi_command import remote

given = pulumi.Config().require_object("given")
connection = remote.ConnectionArgs(
    host=given["host"], port=2222, user="stageline", private_key=pulumi.Output.secret(given["private_key"]),
    host_key=given["host_key"], dial_error_limit=given["dial_error_limit"], proxy=given.get("proxy"),
)
copied = remote.CopyToRemote("copy", connection=connection, source=pulumi.FileAsset("script.sh"),
                             remote_path="folder/script.sh", triggers=[given["trigger"]])
command = remote.Command("command", connection=connection, create=given["create"],
                         stdin=pulumi.Output.secret(given["stdin"] + chr(10)), triggers=[given["trigger"]],
                         add_previous_output_in_env=False, opts=pulumi.ResourceOptions(depends_on=[copied]))
pulumi.export("stdout", command.stdout)
"""

SCRIPT = """
read line
echo "ran with $line" | tee -a runs
echo "a warning" >&2
test "$line" != fail
"""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A project with one stack, run by the real engine against the stand-in and one server."""

    folder: Path
    environment: dict[str, str]
    home: Path
    given: dict[str, Any]
    servers: Servers

    def boot_bastion(self, host_key: asyncssh.SSHKey) -> str:
        """Another server with the same login; its address."""
        address = new_address()
        login = asyncssh.import_private_key(self.given["private_key"])
        user_data = USER_DATA.format(login=_public(login), host=_private(host_key))
        self.servers.boot("i-2", address, user_data, None)
        eventually(lambda: self.servers.server("i-2").state == "running")
        return address

    def up_well(self, **changed: Any) -> dict[str, int]:
        """How many resources were created, updated, replaced or left as they were."""
        done = self.up(**changed)
        assert done.returncode == 0, done.stdout + done.stderr
        last = json.loads(self.pulumi("stack", "history", "--json", "--page-size", "1").stdout)[0]
        counts: dict[str, int] = last["resourceChanges"]
        return counts

    def up(self, **changed: Any) -> subprocess.CompletedProcess[str]:
        self._give(changed)
        return self.pulumi("up", "--yes", "--skip-preview", check=False)

    def start_up(self, **changed: Any) -> "subprocess.Popen[bytes]":
        self._give(changed)
        argv = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
        return subprocess.Popen(
            argv, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _give(self, changed: dict[str, Any]) -> None:
        settings = yaml.safe_load((self.folder / "Pulumi.dev.yaml").read_text())
        settings["config"] = {"command-provider:given": {**self.given, **changed}}
        (self.folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(settings))

    def pulumi(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *argv, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
        )

    def stdout(self) -> str:
        output: str = json.loads(self.pulumi("stack", "output", "--json").stdout)["stdout"]
        return output

    def runs(self) -> list[str]:
        return (self.home / "runs").read_text().splitlines()


@pytest.fixture
def stack(tmp_path: Path, virtualenv: Path) -> Iterator[Stack]:
    login, host_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    address = new_address()
    servers = Servers(tmp_path / "servers", tmp_path / "control.sock", sys.executable)
    servers.boot("i-1", address, USER_DATA.format(login=_public(login), host=_private(host_key)), None)
    given = {
        "host": address,
        "private_key": _private(login),
        "host_key": _public(host_key),
        "dial_error_limit": 20,
        "create": "sh folder/script.sh",
        "stdin": "one",
        "trigger": "i-1",
    }
    provider, port = _serve(CommandProvider(tmp_path / "project"))
    try:
        yield _new_stack(tmp_path, virtualenv, port, given, servers)
    finally:
        provider.stop(grace=None).wait()
        servers.close()


def test_a_first_up_copies_the_file_and_runs_the_command_with_its_stdin(stack: Stack) -> None:
    stack.up_well()
    assert stack.stdout() == "ran with one"
    assert (stack.home / "folder/script.sh").read_text() == SCRIPT


def test_an_up_without_changes_runs_nothing(stack: Stack) -> None:
    stack.up_well()
    assert stack.up_well() == {"same": 3}
    assert stack.runs() == ["ran with one"]


def test_a_changed_stdin_runs_the_command_again(stack: Stack) -> None:
    stack.up_well()
    assert stack.up_well(stdin="two") == {"same": 2, "update": 1}
    assert stack.runs() == ["ran with one", "ran with two"]


def test_a_changed_connection_runs_the_command_again_but_copies_nothing(stack: Stack) -> None:
    stack.up_well()
    (stack.home / "folder/script.sh").write_text('echo "the copy of before"')
    assert stack.up_well(dial_error_limit=19) == {"same": 1, "update": 2}
    assert stack.stdout() == "the copy of before"


def test_a_changed_trigger_replaces_both_and_needs_no_delete_script(stack: Stack) -> None:
    stack.up_well()
    assert stack.up_well(trigger="i-2") == {"same": 1, "replace": 2}
    assert stack.runs() == ["ran with one", "ran with one"]


def test_changed_content_copies_again_without_running_the_command(stack: Stack) -> None:
    stack.up_well()
    (stack.folder / "script.sh").write_text(SCRIPT + "# more\n")
    assert stack.up_well() == {"same": 2, "update": 1}
    assert (stack.home / "folder/script.sh").read_text() == SCRIPT + "# more\n"
    assert stack.runs() == ["ran with one"]


def test_a_failing_command_shows_itself_and_what_it_printed_and_is_tried_again(stack: Stack) -> None:
    failed = stack.up(stdin="fail")
    assert failed.returncode != 0
    for part in ("Process exited with status 1", 'running "sh folder/script.sh"', "ran with fail", "a warning"):
        assert part in failed.stdout
    assert stack.up_well(stdin="fail", create="cat") == {"create": 1, "same": 2}


def test_a_wrong_host_key_is_refused_before_anything_is_sent(stack: Stack) -> None:
    wrong = _public(asyncssh.generate_private_key("ssh-ed25519"))
    refused = stack.up(host_key=wrong, dial_error_limit=1)
    assert refused.returncode != 0
    assert "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch" in refused.stdout
    assert not (stack.home / "folder").exists()


def test_a_refresh_shows_nothing_of_what_was_changed_on_the_server(stack: Stack) -> None:
    stack.up_well()
    (stack.home / "folder/script.sh").unlink()
    stack.pulumi("refresh", "--yes", "--skip-preview")
    assert stack.up_well() == {"same": 3}
    assert not (stack.home / "folder/script.sh").exists()


def test_everything_goes_through_a_proxy_with_a_key_of_its_own(stack: Stack) -> None:
    own = asyncssh.generate_private_key("ssh-ed25519")
    proxy = {
        "host": stack.boot_bastion(own),
        "port": 2222,
        "user": "stageline",
        "private_key": stack.given["private_key"],
        "host_key": _public(own),
    }
    stack.up_well(proxy=proxy)
    assert stack.runs() == ["ran with one"]
    refused = stack.up(proxy={**proxy, "host_key": stack.given["host_key"], "dial_error_limit": 0}, stdin="two")
    assert "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch" in refused.stdout
    assert stack.runs() == ["ran with one"]


def test_an_interrupted_up_leaves_no_command_on_the_server(stack: Stack) -> None:
    running = stack.start_up(create="echo $$ > new; mv new pid; sleep 300")
    eventually((stack.home / "pid").exists, within=60)
    running.terminate()
    assert running.wait(60) != 0
    eventually(lambda: not runs(int((stack.home / "pid").read_text())), within=20)


def test_no_key_and_no_stdin_stands_readable_in_the_state(stack: Stack) -> None:
    stack.up_well(stdin="canary-stdin")
    state = stack.pulumi("stack", "export").stdout
    assert "canary-stdin" not in state.replace("ran with canary-stdin", "")
    assert "PRIVATE KEY" not in state


def test_destroy_leaves_the_server_alone(stack: Stack) -> None:
    stack.up_well()
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert stack.runs() == ["ran with one"]
    assert (stack.home / "folder/script.sh").exists()


def _new_stack(tmp_path: Path, virtualenv: Path, port: int, given: dict[str, Any], servers: Servers) -> Stack:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT.format(virtualenv=virtualenv))
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "script.sh").write_text(SCRIPT)
    (tmp_path / "state").mkdir()
    stack = Stack(
        folder=folder,
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PULUMI_HOME": str(tmp_path / "pulumi"),
            "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": f"command:{port}",
        },
        home=tmp_path / "servers/i-1/home/stageline",
        given=given,
        servers=servers,
    )
    stack.pulumi("stack", "init", "dev")
    return stack


def _serve(provider: CommandProvider) -> tuple[grpc.Server, int]:
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def _private(key: asyncssh.SSHKey) -> str:
    return key.export_private_key().decode()
