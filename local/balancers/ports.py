"""A listening port of a load balancer: opened, watched, closed."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.errors import CloudError

Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Port:
    """One open port. `tls` says what it speaks."""

    def __init__(self, answering: web.Server, server: asyncio.Server, *, tls: bool) -> None:
        self._answering, self._server, self.tls = answering, server, tls

    @property
    def is_open(self) -> bool:
        return self._server.is_serving()

    def stop_listening(self) -> None:
        """Take no new connections, and end those without a request; open requests go on."""
        self._server.close()
        self._answering.pre_shutdown()

    async def finish(self, limit: float) -> None:
        """Wait for open requests, at most `limit` seconds, then end what is left."""
        await self._answering.shutdown(limit)


async def open_port(address: str, number: int, handle: Handle, context: ssl.SSLContext | None) -> Port:
    """Listen, with TLS when there is a context for it. Raises `CloudError` when the port cannot be had."""
    answering = web.Server(handle, access_log=None)
    try:
        server = await asyncio.get_running_loop().create_server(answering, address, number, ssl=context)
    except OSError as error:
        raise CloudError(
            f"port {number} is taken on {address} ({error.strerror}): choose another port for"
            f" the listener, or stop the program that listens there"
        ) from error
    return Port(answering, server, tls=context is not None)
