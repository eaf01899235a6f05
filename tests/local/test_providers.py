"""Each launcher gets a provider of its own, which lives as long as its connection."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto.plugin_pb2 import PluginInfo
from pulumi.runtime.proto.provider_pb2 import DeleteRequest
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, ResourceProviderStub

from local import launcher
from local.control import Connection, ControlServer
from local.errors import CloudError
from local.providers import Providers

pytestmark = pytest.mark.enable_socket


class Named(ResourceProviderServicer):
    """Answers with the region of the request that made it."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._cancelled = Event()
        self.began = Event()
        self.ended = Event()

    def GetPluginInfo(self, request: Any, context: Any) -> PluginInfo:
        return PluginInfo(version=self._region)

    def Delete(self, request: Any, context: Any) -> Empty:
        """Wait until it is cancelled."""
        self.began.set()
        self._cancelled.wait()
        self.ended.set()
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Empty:
        self._cancelled.set()
        return Empty()


@pytest.fixture
def providers() -> Providers:
    return Providers({"aws": lambda request: Named(request["env"]["AWS_REGION"])})


@pytest.fixture
def cloud(providers: Providers, tmp_path: Path) -> Iterator[Path]:
    """A folder like `.local` with an answering control socket and an installed launcher."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "pulumi-resource-aws").write_text(Path(launcher.__file__).read_text())
    server = ControlServer(tmp_path / "control.sock", {"provider": providers.handle})
    server.start()
    yield tmp_path
    server.close()


def test_two_requests_get_two_providers_each_with_its_own_environment(providers: Providers) -> None:
    first, second = (connection_to(providers, region) for region in ("eu-central-1", "us-east-1"))
    assert [version(port) for port, _ in (first, second)] == ["eu-central-1", "us-east-1"]
    for _, connection in (first, second):
        assert connection.release
        connection.release()


def test_a_provider_ends_with_its_connection(providers: Providers) -> None:
    port, connection = connection_to(providers, "eu-central-1")
    assert connection.release
    connection.release()
    assert refuses(port)


def test_what_a_provider_waits_for_is_cancelled_when_its_connection_ends() -> None:
    named = Named("eu-central-1")
    port, connection = connection_to(Providers({"aws": lambda request: named}), "eu-central-1")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        waiting = ResourceProviderStub(channel).Delete.future(DeleteRequest(), timeout=20)
        assert named.began.wait(10)
        assert connection.release
        connection.release()
        assert named.ended.wait(10)
        waiting.cancel()


def test_an_unknown_provider_is_refused_with_the_known_ones(providers: Providers) -> None:
    with pytest.raises(CloudError, match="no provider 'gcp' here: known are aws"):
        providers.handle({"name": "gcp"}, unused_connection())


def test_a_launcher_prints_a_port_and_its_provider_ends_with_it(cloud: Path) -> None:
    plugin = launched(cloud)
    assert plugin.stdout
    port = int(plugin.stdout.readline())
    assert version(port) == "eu-north-1"
    plugin.kill()
    plugin.wait()
    plugin.stdout.close()
    pause = Event()
    assert any(refuses(port) or pause.wait(0.02) for _ in range(200))


def test_a_launcher_without_a_cloud_says_how_to_start_it(cloud: Path) -> None:
    (cloud / "control.sock").unlink()
    plugin = launched(cloud)
    output, error = plugin.communicate(timeout=10)
    assert (plugin.returncode, output) == (1, b"")
    assert b"local-cloud up" in error


def launched(cloud: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-IS", cloud / "plugins" / "pulumi-resource-aws"],
        env={**os.environ, "AWS_REGION": "eu-north-1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if not (cloud / "control.sock").exists() else None,
    )


def connection_to(providers: Providers, region: str) -> tuple[int, Connection]:
    connection = unused_connection()
    reply = providers.handle({"name": "aws", "env": {"AWS_REGION": region}, "cwd": "/"}, connection)
    return int(reply["port"]), connection


def unused_connection() -> Connection:
    nowhere: Any = None
    return Connection(nowhere)


def version(port: int) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return str(ResourceProviderStub(channel).GetPluginInfo(Empty(), timeout=5).version)


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
