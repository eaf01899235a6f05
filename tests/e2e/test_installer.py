"""Installations that fail on one server or on all, on the real engine: after each every server is as HEAD says.

One cloud for all: dev is up with two servers and 1.0.0 is live in it. Each release is a program of a few lines, so
that it can be bad in its own way. While the deployments go on, somebody asks the live URL all the time.
"""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_server
from typing import Any

import asyncssh
import pytest
import yaml

from examples.build import pack
from local.addresses import SLOT_PORTS, SSH_PORT
from local.demo import Cloud
from local.processes import marked
from local.traffic import Traffic
from tests.e2e.clone import (
    Done,
    begin,
    client,
    ended,
    eventually,
    head,
    live_url,
    one_line,
    words,
)
from tests.e2e.ready import Ready

SLOTS = ("blue", "green")
UP = ("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", "--non-interactive")
STATUS = "python3 stageline/installer.pyz status"

RELEASE = """#!/usr/bin/env python3
import json, os, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
status, version, here = 200, {version!r}, os.environ["HOST"]
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"version": version}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
{trouble}
ThreadingHTTPServer((here, int(os.environ["PORT"])), Handler).serve_forever()
"""
DIES_AFTER_5_S = "threading.Timer(5, os._exit, [3]).start()"

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A user's shell, dev's live URL, and its servers' addresses; the first one is the canary."""

    cloud: Cloud
    url: str
    servers: list[str]

    @property
    def slots(self) -> dict[str, Any]:
        """What HEAD says that the slots hold."""
        state = head(self.cloud, "dev")["state"]
        return {slot: state[slot] for slot in SLOTS}

    @property
    def idle(self) -> str:
        """The slot that is not live."""
        return next(slot for slot in SLOTS if slot != head(self.cloud, "dev")["state"]["declared"])

    def root(self, server: str) -> Path:
        """The folder of the server with this address."""
        found = self.cloud.paths.project.rglob("etc/hosts")
        return next(file.parents[1] for file in found if file.read_text().split()[0] == server)


@pytest.fixture(scope="module")
def dev(ready: Ready) -> Iterator[Dev]:
    with ready.live_dev() as cloud:
        servers = json.loads(cloud.must("pulumi", "stack", "output", "servers", "--stack", "dev", "--json"))
        yield Dev(cloud=cloud, url=live_url(cloud, "dev"), servers=[server["address"] for server in servers])


def publish(cloud: Cloud, version: str, trouble: str = "") -> None:
    """Publish a release that has this trouble."""
    artifact = cloud.paths.project / f"app-{version}.tar.gz"
    artifact.write_bytes(pack({"bin/start": RELEASE.format(version=version, trouble=trouble).encode()}))
    cloud.must("release", "publish", str(artifact), "--version", version)


@contextmanager
def live_notices_nothing(dev: Dev) -> Iterator[None]:
    """The live release answers all the time, from the same processes, and afterwards every server is as HEAD says."""
    live = "blue" if dev.idle == "green" else "green"
    before = [status[live] for status in statuses(dev)]
    with Traffic(f"{dev.url}/health") as traffic:
        yield
    assert (traffic.versions, traffic.failed) == (["1.0.0"], [])
    assert traffic.sent > 20
    after = statuses(dev)
    assert [status[live] for status in after] == before
    for status in after:
        assert {slot: held(status[slot]) for slot in SLOTS} == {slot: declared(dev.slots[slot]) for slot in SLOTS}


def statuses(dev: Dev) -> list[dict[str, Any]]:
    """What each server itself says of its slots, over SSH."""
    return [json.loads(over_ssh(dev.cloud, server, STATUS)) for server in dev.servers]


def held(status: dict[str, Any]) -> tuple[Any, ...] | None:
    """What a server's slot holds; it must also run and answer as just that, or not at all."""
    content = status["content"]
    assert (status["busy"], status["problem"]) == (False, None)
    assert status["unit"] == ("active" if content else "inactive")
    assert status["health"] == (content and {"status": 200, "version": content["release"]})
    return content and tuple(content[key] for key in ("release", "digest", "deployment"))


def declared(content: dict[str, Any] | None) -> tuple[Any, ...] | None:
    """What HEAD says that a slot holds."""
    if content is None or content["release"] is None:
        return None
    return tuple(content[key] for key in ("release", "digest", "deployment"))


def over_ssh(cloud: Cloud, server: str, command: str) -> str:
    return asyncio.run(_over_ssh(server, deploy_key(cloud), command))


async def _over_ssh(server: str, key: str, command: str) -> str:
    async with asyncssh.connect(
        server,
        SSH_PORT,
        username="stageline",
        client_keys=[asyncssh.import_private_key(key)],
        known_hosts=None,
        config=[],
    ) as connection:
        return str((await connection.run(command, check=True)).stdout)


def deploy_key(cloud: Cloud) -> str:
    value = client(cloud, "secretsmanager").get_secret_value(SecretId="stageline/dev/deploy-key")["SecretString"]
    return str(json.loads(value)["private"])


def promote(dev: Dev, version: str) -> Done:
    return dev.cloud.run("release", "promote", version, "--to", "dev")


def assert_failed(done: Done, version: str, server: int, why: str) -> None:
    """The one line names the release, the server and the reason."""
    assert done.returncode == 1, done.stdout + done.stderr
    line = one_line(done)
    assert f"{version} is not live in dev" in line
    assert f"env-servers-{server}: " in line
    assert why in line


def test_a_release_that_says_another_version_on_one_server_is_taken_from_all(dev: Dev) -> None:
    publish(dev.cloud, "2.0.0", f"version = '6.6.6' if here == {dev.servers[1]!r} else version")
    with live_notices_nothing(dev):
        done = promote(dev, "2.0.0")
    assert_failed(done, "2.0.0", 2, "says it is version 6.6.6")


def test_row_20_a_port_that_is_taken_on_one_server_is_named(dev: Dev) -> None:
    publish(dev.cloud, "2.1.0")
    port = SLOT_PORTS[SLOTS.index(dev.idle)]
    with live_notices_nothing(dev), create_server((dev.servers[1], port)):
        done = promote(dev, "2.1.0")
    assert_failed(done, "2.1.0", 2, f"port {port} is not free")


def test_row_20_a_disk_that_is_full_on_one_server_leaves_nothing_half_written(dev: Dev) -> None:
    publish(dev.cloud, "2.2.0")
    with live_notices_nothing(dev), full_disk(dev, dev.servers[1]):
        done = promote(dev, "2.2.0")
    assert_failed(done, "2.2.0", 2, "File too large")


def test_row_20_an_installer_that_is_killed_on_one_server_is_asked_again_and_made_good(
    dev: Dev,
) -> None:
    """It is killed while it waits for the release that stands in the slot already, but answers 503, and does again."""
    server = dev.servers[1]
    publish(dev.cloud, "2.3.0", f"status = 503 if here == {server!r} else 200")
    with live_notices_nothing(dev):
        promotion = begin(dev.cloud, "release", "promote", "2.3.0", "--to", "dev")
        eventually(lambda: waiting_for_health(dev, server), limit=60)
        kill_installer(dev, server)
        done = ended(promotion)
    assert_failed(done, "2.3.0", 2, "2.3.0")


def test_a_release_that_dies_after_it_was_healthy_for_5_s_is_not_installed(dev: Dev) -> None:
    publish(dev.cloud, "2.4.0", DIES_AFTER_5_S)
    with settle(dev, 7), live_notices_nothing(dev):
        done = promote(dev, "2.4.0")
    assert_failed(done, "2.4.0", 1, "does not stay up")


@contextmanager
def full_disk(dev: Dev, server: str) -> Iterator[None]:
    """Give the server a `python3` that lets no file grow: the installer is run by it."""
    python = dev.root(server) / "usr/local/bin/python3"
    real = python.readlink()
    limited = python.with_name("limited")
    limited.write_text(f'#!/bin/sh\nulimit -f 1\nexec "{real}" "$@"\n')
    limited.chmod(0o755)
    limited.replace(python)
    yield
    python.unlink()
    python.symlink_to(real)


@contextmanager
def settle(dev: Dev, seconds: int) -> Iterator[None]:
    """Another time to settle in dev's stack file of this clone, applied: promotions apply nothing but releases."""
    file = dev.cloud.paths.work / "Pulumi.dev.yaml"
    before = file.read_text()
    stack = yaml.safe_load(before)
    stack["config"]["stageline:servers"]["settle"] = seconds
    file.write_text(yaml.safe_dump(stack))
    dev.cloud.must(*UP)
    yield
    file.write_text(before)
    dev.cloud.must(*UP)


def waiting_for_health(dev: Dev, server: str) -> bool:
    home = dev.root(server) / "home" / "stageline" / "stageline"
    return (home / "slots" / f".{dev.idle}.old").exists()


def kill_installer(dev: Dev, server: str) -> None:
    root = f"STAGELINE_ROOT={dev.root(server)}"
    for process in marked(dev.cloud.paths.root):
        folder = Path(f"/proc/{process.pid}")
        if "installer.pyz install" in words(folder) and root in environment(folder):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def environment(process: Path) -> list[str]:
    with suppress(OSError):
        return (process / "environ").read_text(errors="replace").split("\0")
    return []
