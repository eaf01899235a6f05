"""Is a release healthy behind a listener? Answers are judged as values; only ``Verification`` asks and waits.

Rules: every target healthy in the balancer's own view, ``/health`` answered with the release's version several times
in a row, and every smoke check passed within its milliseconds. Two outcomes here: verified, or a reason why not.
"""

import json
import time
from collections.abc import Callable

from release.aws.balancer import Balancer, TargetHealth
from release.errors import Broken
from release.interruption import INTERRUPTION
from release.manifest import Check, Manifest
from release.probe import Answer, Probe

IN_A_ROW = 5
HEALTH_LIMIT = 120.0  # seconds until every target is healthy and answers with the release
SMOKE_LIMIT = 600.0  # seconds: smoke tests are done within 10 minutes
PAUSE = 0.1


class Verification:
    """Asks listeners and the balancer until they agree, or a limit is over."""

    def __init__(self, probe: Probe, balancer: Balancer, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._probe = probe
        self._balancer = balancer
        self._pause = pause

    def wait_until_healthy(self, target_group: str, servers: int, limit: float = HEALTH_LIMIT) -> None:
        """Return when the balancer sees ``servers`` healthy targets in the group."""
        self._until(lambda: unhealthy_reason(self._balancer.targets(target_group), servers), limit)

    def why_not_without(self, instance: str, target_group: str, others: int) -> str:
        """Why the ``others`` of the group are not all healthy when ``instance`` leaves; empty when they are."""
        staying = (target for target in self._balancer.targets(target_group) if target.instance != instance)
        return unhealthy_reason(tuple(staying), others)

    def wait_until_answering(self, url: str, version: str, limit: float = HEALTH_LIMIT) -> None:
        """Return when the listener answered IN_A_ROW times in a row with ``version``."""
        self._until(lambda: self._first_wrong(url, version), limit)

    def smoke(self, url: str, manifest: Manifest) -> dict[str, int]:
        """Run the release's smoke checks; the milliseconds of each. Broken, naming every check that failed."""
        end = time.monotonic() + SMOKE_LIMIT
        answers = {check: self._smoke_answer(url, check, end) for check in manifest.checks}
        faults = [fault for check, answer in answers.items() if (fault := check_fault(check, answer))]
        if faults:
            raise Broken(f"{manifest.version} failed its smoke checks: {'; '.join(faults)}")
        return {check.name: answer.milliseconds for check, answer in answers.items()}

    def _smoke_answer(self, url: str, check: Check, end: float) -> Answer:
        """The answer to a check. A slow first answer is asked for again once: it may have opened a connection."""
        if time.monotonic() > end:
            return Answer(status=0, body="the time for all smoke checks was over", milliseconds=0)
        first = self._probe.get(url, check.path)
        slow = first.milliseconds > check.max_ms and first.status == check.status
        return self._probe.get(url, check.path) if slow else first

    def _first_wrong(self, url: str, version: str) -> str:
        for _ in range(IN_A_ROW):
            if reason := version_fault(self._probe.get(url, "/health"), version):
                return reason
        return ""

    def _until(self, reason_why_not: Callable[[], str], limit: float) -> None:
        end = time.monotonic() + limit
        while reason := reason_why_not():
            INTERRUPTION.check()
            if time.monotonic() > end:
                raise Broken(f"after {limit:.0f} s {reason}")
            self._pause(PAUSE)


def unhealthy_reason(targets: tuple[TargetHealth, ...], servers: int) -> str:
    """Why these targets are not all healthy; empty when they are."""
    ill = [f"{target.instance} is {target.state}" for target in targets if target.state != "healthy"]
    if ill:
        return f"the balancer says: {', '.join(ill)}"
    return "" if len(targets) == servers else f"the balancer has {len(targets)} of {servers} targets"


def version_fault(answer: Answer, version: str) -> str:
    """Why this is not an answer of ``version``; empty when it is."""
    if answer.status != 200:
        return f"/health answered {answer.status}: {answer.body[:80]!r}"
    found = _version(answer.body)
    return "" if found == version else f"/health answered with version {found!r} instead of {version!r}"


def check_fault(check: Check, answer: Answer) -> str:
    """Why a smoke check failed; empty when it passed."""
    if answer.status != check.status:
        return f"{check.name}: GET {check.path} answered {answer.status} instead of {check.status}"
    if check.contains is not None and check.contains not in answer.body:
        return f"{check.name}: GET {check.path} does not contain {check.contains!r}"
    if answer.milliseconds > check.max_ms:
        return f"{check.name}: GET {check.path} took {answer.milliseconds} ms, {check.max_ms} are allowed"
    return ""


def _version(body: str) -> str | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value.get("version") if isinstance(value, dict) else None
