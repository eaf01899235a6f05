"""One load balancer: a listening port per listener, and what happens to a request there.

Listeners, target groups and certificates are read from moto's models at each request, so that every change
takes effect with the next one.
"""

import asyncio
import itertools
import logging
import ssl
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from local.balancers import answers, routing, tls
from local.balancers.access_log import AccessLog, log_place
from local.balancers.counts import BalancerCounts
from local.balancers.doors import Doors
from local.balancers.forwarding import forward
from local.balancers.passage import TRACE_HEADER, Client, Passage, new_trace
from local.balancers.ports import Port, open_port
from local.balancers.tally import Tally
from local.balancers.targets import Standing, Target
from local.certificates import Pem

log = logging.getLogger(__name__)

IDLE_LIMIT = 60.0  # AWS's default, in seconds
FINISH_LIMIT = 60.0  # how long requests on a port may go on after its listener left


class Balancer:
    """The load balancer behind moto's `load_balancer`, on `address`."""

    def __init__(self, backend: Any, load_balancer: Any, address: str, doors: Doors, standing: Standing) -> None:
        self.backend, self.address = backend, address
        self._model, self._doors, self._standing = load_balancer, doors, standing
        self._ports: dict[int, Port] = {}
        self._refreshing = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._turns = itertools.count()
        self._tally = Tally()
        self._access_log = AccessLog(load_balancer.arn, address, self._store)
        self._session: aiohttp.ClientSession | None = None

    # --- ports

    async def refresh(self, session: aiohttp.ClientSession) -> None:
        """Open and close ports as the listeners say now. Raises `CloudError` when a port is taken.

        One after another: two of them would find the same port closed, and one would meet what the other has opened.
        """
        self._session = session
        async with self._refreshing:
            await self._open_and_close()

    async def _open_and_close(self) -> None:
        wanted = {int(listener.port): listener.protocol == "HTTPS" for listener in self._listeners()}
        for number in wanted.keys() - self._ports.keys():
            self._ports[number] = await self._open(number, with_tls=wanted[number])
        for number, port in list(self._ports.items()):
            if number not in wanted:
                self._leave(number)
            elif wanted[number] != port.tls or not port.is_open:
                self._leave(number)
                self._ports[number] = await self._open(number, with_tls=wanted[number])

    async def close(self) -> None:
        """Close all ports within a second, and store the rest of the log."""
        for port in self._ports.values():
            port.stop_listening()
        await asyncio.gather(*(port.finish(1) for port in self._ports.values()))
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        self._ports.clear()
        self.flush_log()

    def status(self) -> dict[str, Any]:
        """Crashed when a port that a listener has is not open."""
        listening = sorted(number for number, port in self._ports.items() if port.is_open)
        whole = listening == sorted({int(listener.port) for listener in self._listeners()})
        state = "running" if whole else "crashed"
        return {"name": self._model.name, "state": state, "address": self.address, "ports": listening}

    def _leave(self, number: int) -> None:
        port = self._ports.pop(number)
        port.stop_listening()
        task = asyncio.create_task(port.finish(FINISH_LIMIT))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _open(self, number: int, *, with_tls: bool) -> Port:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._handle(request, number)

        context = tls.server_context(lambda: self._certificates(number)) if with_tls else None
        return await open_port(self.address, number, handle, context)

    # --- what is read of moto

    def groups(self) -> list[Any]:
        """moto's target groups that a listener refers to."""
        found = (self.backend.target_groups.get(arn) for arn in routing.group_arns(self._listeners()))
        return [group for group in found if group is not None]

    def targets(self, group: Any) -> list[Target]:
        """The registered targets of moto's `group` that have an address, thus are not stopped."""
        scheme = "https" if group.protocol == "HTTPS" else "http"
        return [
            Target(group=group.arn, known_as=target["Id"], scheme=scheme, address=address, port=int(target["Port"]))
            for target in list(group.targets.values())
            if (address := self._doors.address_of(self.backend, target["Id"]))
        ]

    def _listeners(self) -> list[Any]:
        return list(self._model.listeners.values())

    def _listener(self, port: int) -> Any | None:
        return next((listener for listener in self._listeners() if int(listener.port) == port), None)

    def _certificates(self, port: int) -> dict[str, Pem]:
        """By ARN, the default first."""
        listener = self._listener(port)
        arns = [listener.certificate, *listener.certificates] if listener else []
        found = {arn: self._doors.certificate_of(self.backend, arn) for arn in arns if arn}
        return {arn: pem for arn, pem in found.items() if pem}

    def _idle_limit(self) -> float:
        return float(self._model.attrs.get("idle_timeout.timeout_seconds", IDLE_LIMIT))

    # --- a request

    async def _handle(self, request: web.BaseRequest, port: int) -> web.StreamResponse:
        trace = new_trace(request.headers.get(TRACE_HEADER), time.time())
        passage = Passage(client=self._client(request, port), trace=trace)
        response = await self._answer(request, port, passage)
        passage.status = response.status
        if not response.prepared:  # written here, so that its bytes and its time are known
            await response.prepare(request)
            await response.write_eof()
        passage.ended, passage.sent_bytes = time.monotonic(), response.body_length
        self._tally.count(passage)
        if place := log_place(self._model.attrs):
            self._access_log.write(place, passage)
        return response

    async def _answer(self, request: web.BaseRequest, port: int, passage: Passage) -> web.StreamResponse:
        listener = self._listener(port)
        if listener is None:
            return answers.plain(503, "no listener")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return answers.plain(501, answers.NO_WEBSOCKETS)
        action = routing.final_action(listener)
        passage.action = action["Type"]
        match action["Type"]:
            case "fixed-response":
                return answers.fixed(action["FixedResponseConfig"])
            case "redirect":
                response = answers.redirect(action["RedirectConfig"], request, _scheme(request), port)
                passage.redirect_url = response.headers["Location"]
                return response
            case _:
                return await self._forward(request, port, action, passage)

    async def _forward(
        self, request: web.BaseRequest, port: int, action: dict[str, Any], passage: Passage
    ) -> web.StreamResponse:
        target = passage.target = self._next_target(action, passage)
        if target is None:
            return answers.plain(503, "Service Temporarily Unavailable")
        self._standing.opened(target)
        try:
            return await self._proxy(request, port, target, passage)
        except TimeoutError:
            return answers.plain(504, "Gateway Time-out")
        except aiohttp.ClientError as error:
            log.info("target %s:%d: %s", target.address, target.port, error)
            passage.connection_failed = isinstance(error, aiohttp.ClientConnectorError)
            return answers.plain(502, "Bad Gateway")
        finally:
            self._standing.closed(target)

    def _next_target(self, action: dict[str, Any], passage: Passage) -> Target | None:
        """Round robin over the healthy targets, each group as often as its weight says."""
        turn = next(self._turns)
        slots = [weighted.arn for weighted in routing.target_groups(action) for _ in range(weighted.weight)]
        if not slots or (group := self.backend.target_groups.get(slots[turn % len(slots)])) is None:
            return None
        passage.group = group.arn
        healthy = [target for target in self.targets(group) if self._standing.is_healthy(target)]
        return healthy[turn // len(slots) % len(healthy)] if healthy else None

    async def _proxy(self, request: web.BaseRequest, port: int, target: Target, passage: Passage) -> web.StreamResponse:
        assert self._session is not None, "a port is opened by refresh(), with a session"
        scheme, idle_limit = _scheme(request), self._idle_limit()
        return await forward(self._session, request, target, passage, scheme=scheme, port=port, idle_limit=idle_limit)

    def _client(self, request: web.BaseRequest, port: int) -> Client:
        connection: ssl.SSLObject | None = request.get_extra_info("ssl_object")
        cipher = connection.cipher() if connection else None
        address, source_port = request.get_extra_info("peername") or ("-", 0)
        return Client(
            address=address,
            port=source_port,
            request_line=f"{request.method} {_scheme(request)}://{_host(request)}:{port}{request.raw_path} HTTP/1.1",
            user_agent=request.headers.get("User-Agent"),
            server_name=_host(request) if connection else None,
            cipher=cipher[0] if cipher else None,
            protocol=connection.version() if connection else None,
            certificate=tls.shown(lambda: self._certificates(port), connection) if connection else None,
        )

    # --- what is told about it

    def take_counts(self) -> BalancerCounts:
        """What passed since the last call."""
        groups = [(group.arn, self._standing.of_group(group.arn)) for group in self.groups()]
        return self._tally.take(self._model.arn, self._model.name, groups)

    def flush_log(self) -> None:
        self._access_log.flush(datetime.now(UTC))

    def _store(self, bucket: str, key: str, content: bytes) -> None:
        self._doors.store(self.backend, bucket, key, content)


def reachable(balancers: Iterable[Balancer]) -> dict[Target, Any]:
    """Every target that a listener of the balancers can reach, with moto's group."""
    return {
        target: group for balancer in balancers for group in balancer.groups() for target in balancer.targets(group)
    }


def _scheme(request: web.BaseRequest) -> str:
    return "https" if request.secure else "http"


def _host(request: web.BaseRequest) -> str:
    return request.host.rpartition(":")[0] or request.host
