"""Is a release healthy behind a listener? ``release.rules.objections`` judges answers; ``Verification`` asks and waits.

Rules: every target healthy in the balancer's own view, ``/health`` answered with the release's version several times
in a row, and every smoke check passed within its milliseconds. Four outcomes:

*passed*: nothing is wrong; the evidence is returned. *failed* (VerificationFailed): the release answered, and wrongly:
with another version, status or text, with what cannot be read, too slowly twice, or the balancer finds it unhealthy.
*inconclusive* (Inconclusive): it could not be told, because the listener could not be reached from here, the balancer
could not be asked or had not made up its mind in time, or a server is ill with whatever release. *errored* (any other
Broken): AWS refused or broke.
"""

import time
from collections.abc import Callable

from release.doors.aws.balancer import Balancer
from release.doors.aws.session import may_pass
from release.doors.probe import Answer, Probe
from release.process.errors import Broken
from release.process.interruption import INTERRUPTION
from release.process.text import bounded
from release.records.artifacts.manifest import Check, Manifest
from release.rules.gates import is_enough
from release.rules.objections import (
    HEALTH,
    MOST_ASKED,
    SMOKE_LIMIT,
    Group,
    Objection,
    as_error,
    as_request,
    check_objection,
    healthy_in,
    out_of_time,
    unhealthy_in,
    unhealthy_objection,
    version_objection,
)
from settings.model import Health

IN_A_ROW = 5
HEALTH_LIMIT = 120.0  # seconds until every target is healthy, at least, and until a listener answers with the release
HEALTH_MARGIN = 30.0  # seconds until the balancer begins to look at a target, and until it tells
PAUSE = 0.1
TRIES = 3  # of a check whose listener cannot be reached


class Verification:
    """Asks listeners and the balancer until they agree, or a limit is over."""

    def __init__(
        self,
        probe: Probe,
        balancer: Balancer,
        *,
        health_limit: float = HEALTH_LIMIT,
        pause: Callable[[float], None] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe = probe
        self._balancer = balancer
        self._health_limit = health_limit
        self._pause = pause
        self._ticks = ticks

    def wait_until_healthy(
        self,
        target_group: str,
        servers: int,
        limit: float | None = None,
        *,
        beside: str | None = None,
        out: frozenset[str] = frozenset(),
    ) -> None:
        """Return when the balancer sees each of ``servers`` healthy in the group, but for those that are ``out``.

        ``beside``: the other slot's group, see Group. ``limit``: seconds, by default what the health checks take.
        """
        group = Group(arn=target_group, servers=servers, beside=beside, out=out)
        self._until(lambda: target_objection(self._balancer, group), self._health_limit if limit is None else limit)

    def wait_until_enough(self, target_group: str, beside: str | None, out: frozenset[str] = frozenset()) -> None:
        """Return when a server is healthy in the group, and they are no fewer than in the group ``beside``, but for
        those that are ``out``.

        Inconclusive at once where the group has fewer servers than that: no waiting makes them more.
        """
        limit = self._health_limit
        if beside and len(self._balancer.targets(target_group)) < len(self.healthy(beside) - out):
            limit = 0
        self._until(lambda: self._too_few(target_group, beside, out), limit)

    def _too_few(self, target_group: str, beside: str | None, out: frozenset[str]) -> Objection | None:
        healthy, serving = self.healthy(target_group), self.healthy(beside) - out if beside else frozenset()
        if is_enough(len(healthy), len(serving)):
            return None
        return Objection(
            why=f"{len(healthy)} servers are healthy, {len(serving)} are where users are now", failed=False
        )

    def healthy(self, target_group: str) -> frozenset[str]:
        """The instances that the balancer sees healthy in a group now."""
        return healthy_in(self._balancer.targets(target_group))

    def why_not_without(self, instance: str, target_group: str, others: int, out: frozenset[str] = frozenset()) -> str:
        """Why the ``others`` of the group are not all healthy when ``instance`` leaves; empty when they are.

        ``out`` are others that are marked out: they need not be.
        """
        staying = tuple(target for target in self._balancer.targets(target_group) if target.instance != instance)
        objection = unhealthy_objection(staying, others, out=out - {instance})
        return objection.why if objection else ""

    def wait_until_answering(self, url: str, version: str, limit: float = HEALTH_LIMIT) -> None:
        """Return when the listener answered IN_A_ROW times in a row with ``version``."""
        self._until(lambda: self._first_wrong(url, version), limit)

    def smoke(self, url: str, manifest: Manifest) -> dict[str, int]:
        """Run the release's smoke checks; the milliseconds of each. Raises naming every check that did not pass."""
        end = self._ticks() + SMOKE_LIMIT
        milliseconds: dict[str, int] = {}
        objections: list[Objection] = []
        for check in manifest.checks:
            INTERRUPTION.check()
            if self._ticks() > end:
                objections.append(out_of_time(check, objections))
                continue
            answer = self._smoke_answer(url, check)
            milliseconds[bounded(check.name, MOST_ASKED)] = answer.milliseconds
            if objection := check_objection(check, answer):
                objections.append(objection)
        if objections:
            raise as_error(
                objections, f"{manifest.version} failed its smoke checks", "the smoke checks could not be run"
            )
        return milliseconds

    def _smoke_answer(self, url: str, check: Check) -> Answer:
        """The answer to a check. A slow first answer is asked for again once: it may have opened a connection."""
        answer = self._reached(url, check)
        slow = answer.late or (answer.status == check.status and answer.milliseconds > check.max_ms)
        return self._reached(url, check) if slow and check.repeatable else answer

    def _reached(self, url: str, check: Check) -> Answer:
        """The answer to a check, also when the listener is not reached at once."""
        for _ in range(TRIES - 1):
            answer = self._probe.send(url, as_request(check))
            if answer.reached or not check.repeatable:
                return answer
            self._pause(PAUSE)
        return self._probe.send(url, as_request(check))

    def _first_wrong(self, url: str, version: str) -> Objection | None:
        for _ in range(IN_A_ROW):
            if objection := version_objection(self._probe.send(url, HEALTH), version):
                return objection
        return None

    def _until(self, look: Callable[[], Objection | None], limit: float) -> None:
        end = self._ticks() + limit
        while objection := look():
            INTERRUPTION.check()
            if self._ticks() > end:
                raise as_error([objection], f"after {limit:.0f} s", f"after {limit:.0f} s")
            self._pause(PAUSE)


def health_limit(health: Health) -> float:
    """How many seconds targets have to become healthy, by the checks that are declared: twice what they need.

    A target that was unhealthy needs ``healthy`` good answers, ``interval`` apart, the last of which may take
    ``timeout``; and the first of them may just have been missed.
    """
    return max(HEALTH_LIMIT, 2.0 * (health.interval * health.healthy + health.timeout) + HEALTH_MARGIN)


def target_objection(balancer: Balancer, group: Group) -> Objection | None:
    """Why the balancer does not see every server of a group healthy, as far as it can be asked.

    The other slot is asked about only where a server is unhealthy.
    """
    try:
        targets = balancer.targets(group.arn)
        asked = group.beside if unhealthy_in(targets) - group.out else None
        elsewhere = balancer.targets(asked) if asked else ()
    except Broken as error:
        if not may_pass(error):
            raise
        return Objection(why=f"the balancer could not be asked: {error}", failed=False)
    return unhealthy_objection(targets, group.servers, elsewhere, group.out)
