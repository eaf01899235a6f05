"""Asks a load balancer over TLS by a name that no DNS knows."""

import socket
import ssl
from http.client import HTTPSConnection

from tests.local.balancers.world import HERE


class _Here(HTTPSConnection):
    """Connects to this machine, whatever the name."""

    def __init__(self, name: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(name, port, context=context)
        self._tls = context

    def connect(self) -> None:
        connection = socket.create_connection((HERE, self.port), timeout=5)
        try:
            self.sock = self._tls.wrap_socket(connection, server_hostname=self.host)
        except ssl.SSLError:
            connection.close()
            raise


def ask_over_tls(port: int, context: ssl.SSLContext, name: str) -> tuple[int, bytes]:
    """Status and body. Raises `ssl.SSLError` when the certificate is not trusted."""
    connection = _Here(name, port, context)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
