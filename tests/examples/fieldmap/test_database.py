"""How fieldmap connects: to a server that says that it has no TLS."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from examples.fieldmap.database import connect
from examples.fieldmap.errors import DatabaseUnavailable

pytestmark = pytest.mark.enable_socket

NO_TLS = b"N"


@dataclass
class PlainServer:
    """Takes one connection, refuses TLS, and keeps what comes then."""

    port: int
    heard: list[bytes] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[PlainServer]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        plain = PlainServer(port=door.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(door, plain))
        thread.start()
        yield plain
        thread.join()


def _serve(door: socket.socket, plain: PlainServer) -> None:
    connection, _ = door.accept()
    with connection:
        connection.recv(8)
        connection.sendall(NO_TLS)
        plain.heard.append(connection.recv(100))


def test_where_tls_is_required_nothing_is_said_without_it(server: PlainServer) -> None:
    with pytest.raises(DatabaseUnavailable):
        connect(f"postgresql://application:hidden@127.0.0.1:{server.port}/app?sslmode=require")
    assert server.heard in ([], [b""])


def test_elsewhere_it_goes_on_without(server: PlainServer) -> None:
    with pytest.raises(DatabaseUnavailable):
        connect(f"postgresql://application:hidden@127.0.0.1:{server.port}/app")
    assert [b"application" in said for said in server.heard] == [True]
