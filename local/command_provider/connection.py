"""Dials a server over SSH: the host key is checked when one is given, failures are retried, a proxy is passed through.

Retries follow the genuine plugin: `dialErrorLimit` of them with growing pauses (0.1 s, half as long again each time,
5 s at most; 10 take 11 s), for any failure, a wrong host key included. -1 retries for ever. Its unpleasant habits too:

- `perDialTimeout` limits only how long TCP takes to connect. A server that accepts and then says nothing is waited
  for without end, so whoever runs Pulumi needs a time limit of their own.
- Behind a proxy, the way from the proxy to the server is retried, and then SSH is tried again and again on that one
  connection, which the first failure has closed: only the first try counts, the others end in EOF.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncssh

from local.command_provider.log import Log
from local.command_provider.values import plain

FIRST_PAUSE, PAUSE_GROWTH, LONGEST_PAUSE = 0.1, 1.5, 5.0

_T = TypeVar("_T")


class DialFailed(Exception):
    """No connection within the limit; says after how many attempts, and what the last one met."""


class HandshakeFailed(Exception):
    """The server was reached through the proxy, but SSH failed; says how."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """One machine to log in to. `per_dial_timeout` is in seconds, None for none."""

    host: str
    port: int
    user: str
    password: str | None
    private_key: str | None
    private_key_password: str | None
    agent_socket_path: str | None
    host_key: str | None
    dial_error_limit: int
    per_dial_timeout: float | None


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The machine, and the one to pass through on the way."""

    target: Host
    proxy: Host | None


def connection_of(value: Any) -> Connection:
    """From a checked `connection` input."""
    found = plain(value)
    proxy = found.get("proxy")
    return Connection(target=_host_of(found), proxy=None if proxy is None else _host_of(proxy))


class Dialled:
    """An open connection; closes itself, and the one to the proxy, at the end of `async with`."""

    def __init__(self, connection: Connection, log: Log) -> None:
        self._connection = connection
        self._log = log
        self._opened: list[asyncssh.SSHClientConnection] = []

    async def __aenter__(self) -> asyncssh.SSHClientConnection:
        target, proxy = self._connection.target, self._connection.proxy
        if proxy is None:
            return await self._dial(target, "Dial", lambda: _dial_directly(target))
        try:
            tunnel = await self._dial(proxy, "Dial proxy", lambda: _dial_directly(proxy))
            return await self._dial_through(tunnel, target)
        except DialFailed as error:
            await self._close()
            raise DialFailed(f"proxy: {error}") from error
        except asyncio.CancelledError:
            await self._close()
            raise

    async def __aexit__(self, *exception: object) -> None:
        await self._close()

    async def _dial(
        self, host: Host, what: str, dial: Callable[[], Awaitable[asyncssh.SSHClientConnection]]
    ) -> asyncssh.SSHClientConnection:
        opened = await _retried(host.dial_error_limit, what, self._log, dial)
        self._opened.append(opened)
        return opened

    async def _dial_through(self, tunnel: asyncssh.SSHClientConnection, target: Host) -> asyncssh.SSHClientConnection:
        try:
            return await self._dial(target, "Dial from proxy", lambda: _dial_through(tunnel, target))
        except HandshakeFailed as error:
            await _retried(
                target.dial_error_limit, "Dial", self._log, _failing(str(error), "ssh: handshake failed: EOF")
            )
            raise AssertionError("a closed connection never opens") from error

    async def _close(self) -> None:
        for opened in reversed(self._opened):
            opened.close()
            await opened.wait_closed()


async def _retried(limit: int, what: str, log: Log, dial: Callable[[], Awaitable[_T]]) -> _T:
    failed, pause = 0, FIRST_PAUSE
    while True:
        try:
            return await dial()
        except (OSError, asyncssh.Error) as error:
            if limit > -1 and failed >= limit:
                raise DialFailed(f"after {failed} failed attempts: {_said(error)}") from error
        failed += 1
        log.status(f"{what} {failed}/{'inf' if limit == -1 else limit} failed: retrying")
        await asyncio.sleep(pause)
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE)


async def _dial_directly(host: Host) -> asyncssh.SSHClientConnection:
    login = _login(host)  # first: a key that is none is no failed dial
    try:
        async with asyncio.timeout(host.per_dial_timeout):
            connected = await _connected(host)
    except TimeoutError as error:
        raise OSError(f"dial tcp {host.host}:{host.port}: i/o timeout") from error
    return await asyncssh.connect(host.host, host.port, sock=connected, **login)


async def _connected(host: Host) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host.host, host.port, type=socket.SOCK_STREAM)
    connecting = socket.socket(found[0][0], socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await loop.sock_connect(connecting, found[0][4])
    except BaseException:
        connecting.close()
        raise
    return connecting


async def _dial_through(tunnel: asyncssh.SSHClientConnection, host: Host) -> asyncssh.SSHClientConnection:
    """Raises HandshakeFailed where the proxy did reach the server, but SSH failed."""
    login = _login(host)
    try:
        return await asyncssh.connect(host.host, host.port, tunnel=tunnel, **login)
    except asyncssh.ChannelOpenError:
        raise
    except (OSError, asyncssh.Error) as error:
        raise HandshakeFailed(_said(error)) from error


def _login(host: Host) -> dict[str, Any]:
    """No file of this machine's SSH client takes part: all that counts stands in the connection.

    asyncssh insists on knowing who calls, also where it needs no such name and the user has none (in a container).
    """
    os.environ.setdefault("LOGNAME", "stageline")
    return {
        "username": host.user,
        "password": host.password,
        "client_keys": _client_keys(host),
        "agent_path": host.agent_socket_path,
        "known_hosts": _known_hosts(host),
        "connect_timeout": None,
        "login_timeout": 0,
        "gss_host": None,
        "config": [],
    }


def _failing(first: str, then: str) -> Callable[[], Awaitable[asyncssh.SSHClientConnection]]:
    """A dial that fails with what was met first, and ever after with the other."""
    texts = iter((first,))

    async def fail() -> asyncssh.SSHClientConnection:
        raise OSError(next(texts, then))

    return fail


def _client_keys(host: Host) -> list[asyncssh.SSHKey] | None:
    if host.private_key is None:
        return None
    return [asyncssh.import_private_key(host.private_key, host.private_key_password)]


def _known_hosts(host: Host) -> tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]] | None:
    """The one key that is trusted, or None: no check, as the genuine plugin does without a host key."""
    if host.host_key is None:
        return None
    return ([asyncssh.import_public_key(host.host_key)], [], [])


def _said(error: Exception) -> str:
    """In the genuine plugin's words where they are known: people search for them."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "ssh: handshake failed: ssh: host key mismatch"
    if isinstance(error, asyncssh.PermissionDenied):
        return "ssh: handshake failed: ssh: unable to authenticate, no supported methods remain"
    return str(error) or type(error).__name__


def _host_of(found: dict[str, Any]) -> Host:
    timeout = float(found["perDialTimeout"])
    return Host(
        host=found["host"],
        port=int(found["port"]),
        user=found["user"],
        password=found.get("password"),
        private_key=found.get("privateKey"),
        private_key_password=found.get("privateKeyPassword"),
        agent_socket_path=found.get("agentSocketPath"),
        host_key=found.get("hostKey"),
        dial_error_limit=int(found["dialErrorLimit"]),
        per_dial_timeout=timeout or None,
    )
