"""The network as this machine sees it."""

import socket

import pytest

from release.doors.network import Network

pytestmark = pytest.mark.enable_socket


def test_somebody_answers_where_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert Network().answers("127.0.0.1", port)
    assert not Network().answers("127.0.0.1", port)


def test_a_name_leads_to_addresses() -> None:
    assert Network().leads_to("localhost") == {"127.0.0.1"}
