"""Dials a server over SSH: the host key is checked when one is given, failures are retried, a proxy is passed through.

Retries follow the genuine plugin: `dialErrorLimit` of them with growing pauses (0.1 s, half as long again each time,
5 s at most; 10 take 11 s), for any failure, a wrong host key included. -1 retries for ever.
"""

import asyncio
import os
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
            return await self._dial(target, "Dial", None)
        try:
            tunnel = await self._dial(proxy, "Dial proxy", None)
            return await self._dial(target, "Dial", tunnel)
        except DialFailed as error:
            await self._close()
            raise DialFailed(f"proxy: {error}") from error

    async def __aexit__(self, *exception: object) -> None:
        await self._close()

    async def _dial(
        self, host: Host, what: str, tunnel: asyncssh.SSHClientConnection | None
    ) -> asyncssh.SSHClientConnection:
        opened = await _retried(host.dial_error_limit, what, self._log, lambda: _dial_once(host, tunnel))
        self._opened.append(opened)
        return opened

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


async def _dial_once(host: Host, tunnel: asyncssh.SSHClientConnection | None) -> asyncssh.SSHClientConnection:
    """No file of this machine's SSH client takes part: all that counts stands in the connection.

    asyncssh insists on knowing who calls, also where it needs no such name and the user has none (in a container).
    """
    os.environ.setdefault("LOGNAME", "stageline")
    return await asyncssh.connect(
        host.host,
        host.port,
        tunnel=tunnel or (),
        username=host.user,
        password=host.password,
        client_keys=_client_keys(host),
        agent_path=host.agent_socket_path,
        known_hosts=_known_hosts(host),
        connect_timeout=host.per_dial_timeout,
        login_timeout=host.per_dial_timeout or 0,
        gss_host=None,
        config=[],
    )


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
