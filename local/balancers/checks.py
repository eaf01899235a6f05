"""Health checks: one task per target that a listener can reach, at the declared interval divided by the pace."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp

from local.balancers.health import Check, Health, accepts, check_of
from local.balancers.targets import Standing, Target
from local.pace import Pace

log = logging.getLogger(__name__)


class Checks:
    """Runs on the balancers' event loop, and notes in `standing` what it measures."""

    def __init__(self, standing: Standing, pace: Pace) -> None:
        self._standing, self._pace = standing, pace
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        # A new connection per check: an old one may lead to a process that takes no new ones.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True, ssl=False),
            headers={"User-Agent": "ELB-HealthChecker/2.0"},
        )

    def update(self, reachable: Mapping[Target, Any], delays: Mapping[str, float]) -> None:
        """Check these targets (each with moto's group) from now on, and no others. Raises what a check died of."""
        for task in self._tasks.values():
            if task.done():
                task.result()
        changes = self._standing.reconcile(reachable, delays, asyncio.get_running_loop().time())
        for target in changes.left:
            self._tasks.pop(target).cancel()
        for target in changes.came:
            self._tasks[target] = asyncio.create_task(self._watch(target, reachable[target]))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._session.close()

    async def _watch(self, target: Target, group: Any) -> None:
        """AWS's interval lies between the starts of two checks, and before the first one."""
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(self._pace.shortened(check_of(group).interval))
        while health := self._standing.health(target):
            began, check = clock(), check_of(group)  # read each time: it may be modified
            after = await self._probe(target, check, health)
            self._note(target, after)
            await asyncio.sleep(max(0.0, began + self._pace.shortened(check.interval) - clock()))

    def _note(self, target: Target, after: Health) -> None:
        before = self._standing.measured(target, after)
        if before is not None and after.state != before.state:
            reason = f": {after.description}" if after.description else ""
            log.info("target %s:%d is %s%s", target.address, target.port, after.state, reason)

    async def _probe(self, target: Target, check: Check, health: Health) -> Health:
        port = target.port if check.port == "traffic-port" else int(check.port)
        try:
            async with self._session.get(
                f"{check.scheme}://{target.address}:{port}{check.path}",
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
