"""Load balancers that are real: one HTTP forwarder per ALB, on its own loopback address and the real ports.

They read listeners, rules and target groups from moto's models at each request, so that a changed listener takes
effect with the next request. Target groups that a listener refers to are health-checked as declared, only
`HASTE` times as often: a deployment here should not take as long as on AWS. Timeouts are not shortened: a slow
machine must not make a healthy server unhealthy. Each balancer forwards to healthy targets only, and answers 503
when there is none.

Everything runs on one event loop in a thread; `Balancers`' methods are called from moto's threads.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from local import routing
from local.errors import CloudError
from local.health import Check, Health, accepts

log = logging.getLogger(__name__)

HASTE = 10
SUPERVISE_EVERY = 0.1
CONNECT_LIMIT = 5.0
IDLE_LIMIT = 60.0  # AWS's default idle timeout
UNUSED = Health(
    state="initial",
    reason="Target.NotInUse",
    description="Target group is not configured to receive traffic from the load balancer",
)
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

AddressOf = Callable[[Any, str], str | None]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One place behind a target group. `known_as` is what AWS calls it (an instance id or an address)."""

    group: str
    known_as: str
    address: str
    port: int


class Balancers:
    """All load balancers of one cloud. `address_of(backend, target id)` finds a running target's address."""

    def __init__(self, address_of: AddressOf) -> None:
        self._address_of = address_of
        self._balancers: dict[str, Balancer] = {}
        self._checks: dict[Target, asyncio.Task[None]] = {}
        self._health: dict[Target, Health] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="balancers", daemon=True)
        self._session: aiohttp.ClientSession | None = None
        self._checking: aiohttp.ClientSession | None = None

    def start(self) -> None:
        self._thread.start()
        self._call(self._open())

    def close(self) -> None:
        """Close all ports and connections."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, backend: Any, load_balancer: Any, address: str) -> None:
        self._balancers[load_balancer.arn] = Balancer(self, backend, load_balancer, address)

    def remove(self, arn: str) -> str | None:
        """Close the balancer's ports; its address, which is free now."""
        balancer = self._balancers.pop(arn, None)
        if balancer is None:
            return None
        self._call(balancer.close())
        return balancer.address

    def refresh(self, arn: str) -> None:
        """Open and close ports as the listeners say now. Raises `CloudError` when a port is taken."""
        if balancer := self._balancers.get(arn):
            self._call(balancer.refresh())

    def health(self, target_group: str, target_id: str, port: int) -> Health:
        """What the checks say about a target; `UNUSED` when no listener refers to its group."""
        known = (
            health
            for target, health in list(self._health.items())
            if (target.group, target.known_as, target.port) == (target_group, target_id, port)
        )
        found = next(known, None)
        if found is not None:
            return found
        in_use = any(target_group in balancer.group_arns() for balancer in list(self._balancers.values()))
        return Health() if in_use else UNUSED

    def status(self) -> list[dict[str, Any]]:
        return [balancer.status() for balancer in list(self._balancers.values())]

    def targets(self, backend: Any, group: Any) -> list[Target]:
        """The registered targets that have an address, thus are not stopped."""
        registered = list(group.targets.values())
        return [
            Target(group=group.arn, known_as=target["Id"], address=address, port=int(target["Port"]))
            for target in registered
            if (address := self._address_of(backend, target["Id"]))
        ]

    def healthy(self, targets: Iterable[Target]) -> list[Target]:
        return [target for target in targets if self._health.get(target, UNUSED).state == "healthy"]

    @property
    def session(self) -> aiohttp.ClientSession:
        """Keeps its connections to targets open for the next request."""
        assert self._session is not None, "Balancers.start() comes first"
        return self._session

    @property
    def checking(self) -> aiohttp.ClientSession:
        """A new connection per check: an old one may lead to a process that takes no new ones."""
        assert self._checking is not None, "Balancers.start() comes first"
        return self._checking

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT, sock_read=IDLE_LIMIT),
        )
        self._checking = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        self._supervisor = asyncio.create_task(self._supervise())

    async def _close(self) -> None:
        tasks = [self._supervisor, *self._checks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for balancer in self._balancers.values():
            await balancer.close()
        await self.session.close()
        await self.checking.close()

    async def _supervise(self) -> None:
        """Keep one checking task for each target that a listener can send requests to."""
        while True:
            wanted = dict(self._wanted())
            for target in self._checks.keys() - wanted.keys():
                self._checks.pop(target).cancel()
                self._health.pop(target, None)
            for target in wanted.keys() - self._checks.keys():
                self._health[target] = Health()
                self._checks[target] = asyncio.create_task(self._watch(target, wanted[target]))
            await asyncio.sleep(SUPERVISE_EVERY)

    def _wanted(self) -> Iterator[tuple[Target, Any]]:
        for balancer in list(self._balancers.values()):
            for group in balancer.groups():
                for target in self.targets(balancer.backend, group):
                    yield target, group

    async def _watch(self, target: Target, group: Any) -> None:
        while True:
            check = check_of(group)  # read each time: it may be modified
            before = self._health[target]
            self._health[target] = after = await self._probe(target, check, before)
            if after.state != before.state:
                reason = f": {after.description}" if after.description else ""
                log.info("target %s:%d is %s%s", target.address, target.port, after.state, reason)
            await asyncio.sleep(check.interval / HASTE)

    async def _probe(self, target: Target, check: Check, health: Health) -> Health:
        port = target.port if check.port == "traffic-port" else int(check.port)
        try:
            async with self.checking.get(
                f"http://{target.address}:{port}{check.path}",
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=check.timeout),
            ) as response:
                await response.read()
        except TimeoutError:
            return health.after_failure(check, "Target.Timeout", "Request timed out")
        except (aiohttp.ClientError, OSError):
            return health.after_failure(check, "Target.FailedHealthChecks", "Health checks failed")
        if accepts(check.codes, response.status):
            return health.after_success(check)
        return health.after_failure(
            check, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{response.status}]"
        )


class Balancer:
    """One load balancer: a listening port per listener, and what happens to a request."""

    def __init__(self, all_balancers: Balancers, backend: Any, load_balancer: Any, address: str) -> None:
        self._all = all_balancers
        self.backend = backend
        self._model = load_balancer
        self.address = address
        self._ports: dict[int, web.ServerRunner] = {}
        self._turns = itertools.count()

    async def refresh(self) -> None:
        wanted = {int(listener.port) for listener in list(self._model.listeners.values())}
        for port in self._ports.keys() - wanted:
            await self._ports.pop(port).cleanup()
        for port in wanted - self._ports.keys():
            self._ports[port] = await self._listen(port)

    async def close(self) -> None:
        while self._ports:
            await self._ports.popitem()[1].cleanup()

    def groups(self) -> list[Any]:
        """moto's target groups that a listener refers to."""
        found = (self.backend.target_groups.get(arn) for arn in self.group_arns())
        return [group for group in found if group is not None]

    def group_arns(self) -> set[str]:
        return {
            group.arn
            for listener in list(self._model.listeners.values())
            for rule in list(listener.rules.values())
            for action in rule.actions
            for group in routing.target_groups(action.data)
        }

    def status(self) -> dict[str, Any]:
        return {"name": self._model.name, "address": self.address, "ports": sorted(self._ports)}

    async def _listen(self, port: int) -> web.ServerRunner:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._handle(request, port)

        runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.address, port).start()
        except OSError as error:
            await runner.cleanup()
            raise CloudError(
                f"port {port} is taken on {self.address} ({error.strerror}): choose another port for"
                f" the listener, or stop the program that listens there"
            ) from error
        return runner

    async def _handle(self, request: web.BaseRequest, port: int) -> web.StreamResponse:
        listener = next((one for one in self._model.listeners.values() if int(one.port) == port), None)
        if listener is None:
            return _plain(503, "no listener")
        action = routing.chosen_action(list(listener.rules.values()), _request(request))
        if action["Type"] == "fixed-response":
            return _fixed(action["FixedResponseConfig"])
        if action["Type"] == "redirect":
            return _redirect(action["RedirectConfig"], request, port)
        return await self._forward(request, port, action)

    async def _forward(self, request: web.BaseRequest, port: int, action: dict[str, Any]) -> web.StreamResponse:
        target = self._next_target(action)
        if target is None:
            return _plain(503, "Service Temporarily Unavailable")
        try:
            return await self._proxy(request, port, target)
        except TimeoutError:
            return _plain(504, "Gateway Time-out")
        except aiohttp.ClientError as error:
            log.info("target %s:%d: %s", target.address, target.port, error)
            return _plain(502, "Bad Gateway")

    def _next_target(self, action: dict[str, Any]) -> Target | None:
        """Round robin over the healthy targets, each group as often as its weight says."""
        turn = next(self._turns)
        slots = [weighted.arn for weighted in routing.target_groups(action) for _ in range(weighted.weight)]
        if not slots or (group := self.backend.target_groups.get(slots[turn % len(slots)])) is None:
            return None
        healthy = self._all.healthy(self._all.targets(self.backend, group))
        return healthy[turn // len(slots) % len(healthy)] if healthy else None

    async def _proxy(self, request: web.BaseRequest, port: int, target: Target) -> web.StreamResponse:
        url = f"http://{target.address}:{target.port}{request.raw_path}"
        async with self._all.session.request(
            request.method,
            URL(url, encoded=True),
            headers=_request_headers(request, port),
            data=_body(request),
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            _copy_headers(answer, response)
            await response.prepare(request)
            await _stream(answer, response, request)
            return response


async def _stream(answer: aiohttp.ClientResponse, response: web.StreamResponse, request: web.BaseRequest) -> None:
    """Pass the body on. If either side breaks off, so does the other: half a body must not look whole."""
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, ConnectionResetError) as error:
        log.info("answer broken off: %s", error)
        if request.transport:
            request.transport.close()


def check_of(group: Any) -> Check:
    """moto's target group as a check."""
    return Check(
        path=group.health_check_path or "/",
        port=str(group.health_check_port or "traffic-port"),
        interval=float(group.health_check_interval_seconds),
        timeout=float(group.health_check_timeout_seconds),
        healthy=int(group.healthy_threshold_count),
        unhealthy=int(group.unhealthy_threshold_count),
        codes=str(group.matcher["HttpCode"]),
    )


def _request(request: web.BaseRequest) -> routing.Request:
    return routing.Request(
        method=request.method,
        host=request.host.rpartition(":")[0] or request.host,
        path=request.path,
        source=request.remote or "127.0.0.1",
        headers={name.lower(): value for name, value in request.headers.items()},
        query=tuple(request.query.items()),
    )


def _request_headers(request: web.BaseRequest, port: int) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in request.headers.items() if _is_end_to_end(name)]
    before = request.headers.get("X-Forwarded-For")
    source = request.remote or "unknown"
    return [
        *kept,
        ("X-Forwarded-For", f"{before}, {source}" if before else source),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", str(port)),
    ]


def _is_end_to_end(name: str) -> bool:
    lower = name.lower()
    return lower not in HOP_BY_HOP and not lower.startswith("x-forwarded-") and lower != "expect"


def _body(request: web.BaseRequest) -> AsyncIterator[bytes] | None:
    return request.content.iter_any() if request.can_read_body else None


def _copy_headers(answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
    for name, value in answer.headers.items():
        if name.lower() not in HOP_BY_HOP:
            response.headers.add(name, value)


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")


def _fixed(config: dict[str, Any]) -> web.Response:
    return web.Response(
        status=int(config["StatusCode"]),
        body=(config.get("MessageBody") or "").encode(),
        headers={"Content-Type": config.get("ContentType") or "text/plain"},
    )


def _redirect(config: dict[str, Any], request: web.BaseRequest, port: int) -> web.Response:
    known = {
        "protocol": "http",
        "host": request.host.partition(":")[0],
        "port": str(port),
        "path": request.path.lstrip("/"),
        "query": request.query_string,
    }
    filled = {part: _fill(str(config.get(part.title(), "#{" + part + "}")), known) for part in known}
    place = f"{filled['protocol'].lower()}://{filled['host']}:{filled['port']}/{filled['path'].lstrip('/')}"
    location = place + (f"?{filled['query']}" if filled["query"] else "")
    return web.Response(status=int(config["StatusCode"].removeprefix("HTTP_")), headers={"Location": location})


def _fill(template: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        template = template.replace("#{" + name + "}", value)
    return template
