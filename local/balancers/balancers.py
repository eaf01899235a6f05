"""All load balancers of one cloud: their event loop in a thread, and the doors into it from moto's threads."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from threading import Event, Thread
from typing import Any, TypeVar

import aiohttp

from local.balancers.access_log import LOG_INTERVAL
from local.balancers.balancer import Balancer, reachable
from local.balancers.checks import Checks
from local.balancers.counts import BalancerCounts
from local.balancers.doors import Doors
from local.balancers.forwarding import forwarding_session
from local.balancers.health import UNUSED, Health
from local.balancers.targets import Standing
from local.errors import CloudError
from local.pace import Pace

log = logging.getLogger(__name__)

SUPERVISE_EVERY = 0.1
CALL_LIMIT = 10.0
CRASHED = "the load balancers have crashed (the log says why): run `local-cloud down` and `local-cloud up`"

Result = TypeVar("Result")


class Balancers:
    """Every method may be called from any thread; each ends within `call_limit` seconds, if need be as `CloudError`."""

    def __init__(self, doors: Doors, pace: Pace, *, call_limit: float = CALL_LIMIT) -> None:
        self._doors, self._pace, self._call_limit = doors, pace, call_limit
        self._balancers: dict[str, Balancer] = {}
        self._standing = Standing()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="balancers", daemon=True)
        self._crashed = Event()
        self._background: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._checks: Checks | None = None

    def start(self) -> None:
        self._thread.start()
        self._call(self._open)

    def close(self) -> None:
        """Close all ports and connections, and store what is left of the access logs."""
        if self._is_running():  # a loop that crashed closes its ports itself
            try:
                self._call(self._close)
            except CloudError as error:
                log.warning("%s", error)
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._call_limit)
        if not self._thread.is_alive():
            self._loop.close()

    def add(self, backend: Any, load_balancer: Any, address: str) -> None:
        """Take over moto's `load_balancer` (of its ELB `backend`), new or kept; `refresh` opens its ports."""
        self._balancers[load_balancer.arn] = Balancer(backend, load_balancer, address, self._doors, self._standing)

    def remove(self, arn: str) -> str | None:
        """Close the balancer's ports; its address, which is free now."""
        balancer = self._balancers.pop(arn, None)
        if balancer is None:
            return None
        self._call(balancer.close)
        return balancer.address

    def refresh(self, arn: str) -> None:
        """Open and close ports as the listeners say now. Raises `CloudError` when a port is taken."""
        if balancer := self._balancers.get(arn):
            self._call(lambda: self._refresh(balancer))

    def health(self, target_group: str, target_id: str, port: int) -> Health:
        """What the checks say about a target now; `UNUSED` when no listener can reach it."""
        return self._call(lambda: self._find(target_group, target_id, port)) or UNUSED

    def metrics(self) -> list[BalancerCounts]:
        """What passed through each load balancer since the last call."""
        return self._call(self._take_counts)

    def status(self) -> list[dict[str, Any]]:
        """Name, state (`running`, `crashed`), address and open ports of each."""
        shown = [balancer.status() for balancer in list(self._balancers.values())]
        return shown if self._works() else [{**each, "state": "crashed"} for each in shown]

    # --- from other threads into the loop

    def _call(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        if not self._is_running():
            raise CloudError(CRASHED)
        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result(self._call_limit)
        except TimeoutError as error:
            future.cancel()
            raise CloudError(f"no answer within {self._call_limit:g} s: {CRASHED}") from error

    def _is_running(self) -> bool:
        return self._thread.is_alive() and not self._crashed.is_set()

    def _works(self) -> bool:
        try:
            return self._call(self._is_supervised)
        except CloudError:
            return False

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        except BaseException:
            self._crashed.set()
            log.exception("the load balancers crashed")
            self._loop.run_until_complete(self._close())  # clients are refused then, and do not hang

    # --- on the loop

    async def _open(self) -> None:
        self._session = forwarding_session()
        self._checks = Checks(self._standing, self._pace)
        self._background = [
            asyncio.create_task(self._supervise(), name="supervise"),
            asyncio.create_task(self._flush_logs(), name="flush logs"),
        ]
        for task in self._background:
            task.add_done_callback(_say_why)

    async def _close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(balancer.close() for balancer in self._balancers.values()))
        if self._checks and self._session:
            await self._checks.close()
            await self._session.close()

    async def _refresh(self, balancer: Balancer) -> None:
        assert self._session is not None, "Balancers.start() comes first"
        await balancer.refresh(self._session)
        self._reconcile()

    async def _find(self, target_group: str, target_id: str, port: int) -> Health | None:
        self._reconcile()
        return self._standing.find(target_group, target_id, port)

    async def _take_counts(self) -> list[BalancerCounts]:
        return [balancer.take_counts() for balancer in list(self._balancers.values())]

    async def _is_supervised(self) -> bool:
        return not any(task.done() for task in self._background)

    async def _supervise(self) -> None:
        """Take over what moto's threads changed meanwhile."""
        while True:
            self._reconcile()
            await asyncio.sleep(SUPERVISE_EVERY)

    def _reconcile(self) -> None:
        assert self._checks is not None, "Balancers.start() comes first"
        balancers = list(self._balancers.values())
        delays = {
            group.arn: self._pace.shortened(float(group.attributes["deregistration_delay.timeout_seconds"]))
            for balancer in balancers
            for group in list(balancer.backend.target_groups.values())
        }
        self._checks.update(reachable(balancers), delays)

    async def _flush_logs(self) -> None:
        while True:
            await asyncio.sleep(self._pace.shortened(LOG_INTERVAL))
            for balancer in list(self._balancers.values()):
                balancer.flush_log()


def _say_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("%s of the load balancers crashed", task.get_name(), exc_info=error)
