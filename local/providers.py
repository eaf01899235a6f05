"""A Pulumi provider of its own for each launcher that asks.

The engine starts a plugin per stack by its name on PATH; there it finds a launcher, which asks here and prints the
port it gets. A provider shared by all stacks would mix their configurations, since most of the engine's requests do
not say which provider they mean. A provider lives until its launcher's connection closes.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from local.control import Connection
from local.errors import CloudError

LARGEST_MESSAGE = 400 * 1024 * 1024  # as the engine's own
THREADS = 16

Maker = Callable[[dict[str, Any]], Any]


class Providers:
    """Serves the providers that `makers` make, by name, from the request's environment and folder."""

    def __init__(self, makers: Mapping[str, Maker]) -> None:
        self._makers = makers

    def handle(self, request: dict[str, Any], connection: Connection) -> dict[str, Any]:
        """Answer `{"do": "provider", "name": ..., "env": {...}, "cwd": ...}` with the provider's port."""
        maker = self._makers.get(str(request.get("name")))
        if maker is None:
            raise CloudError(f"no provider {request.get('name')!r} here: known are {', '.join(self._makers)}")
        provider = maker(request)
        server, port = _serve(provider)
        connection.hold(lambda: _stop(provider, server))
        return {"port": port}


def _serve(servicer: Any) -> tuple[grpc.Server, int]:
    from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server  # takes 0.3 s

    options = [
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(ThreadPoolExecutor(THREADS, thread_name_prefix="provider"), options=options)
    add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _stop(provider: Any, server: grpc.Server) -> None:
    """Cancel first: nobody is there any more to wait for what the provider waits for."""
    from google.protobuf.empty_pb2 import Empty

    provider.Cancel(Empty(), None)
    server.stop(grace=None).wait()


def make_aws(request: dict[str, Any]) -> Any:
    """The stand-in for `pulumi-resource-aws`; imported when first asked for, as it needs boto3."""
    from local.aws_provider import AwsProvider

    return AwsProvider(request["env"])


def make_command(request: dict[str, Any]) -> Any:
    """The stand-in for `pulumi-resource-command`."""
    from pathlib import Path

    from local.command_provider import CommandProvider

    return CommandProvider(Path(request["cwd"]))
