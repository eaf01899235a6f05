"""Is a release healthy behind a listener? Answers are judged as values; only ``Verification`` asks and waits.

Rules: every target healthy in the balancer's own view, ``/health`` answered with the release's version several times
in a row, and every smoke check passed within its milliseconds. Four outcomes:

*passed*: nothing is wrong; the evidence is returned. *failed* (VerificationFailed): the release answered, and wrongly:
with another version, status or text, too slowly twice, or the balancer finds it unhealthy. *inconclusive*
(Inconclusive): it could not be told, because the listener could not be reached from here, or the balancer could not be
asked or had not made up its mind in time. *errored* (any other Broken): AWS refused or broke.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from release.artifacts.manifest import Check, Manifest
from release.aws.balancer import Balancer, TargetHealth
from release.aws.session import may_pass
from release.deployment.interruption import INTERRUPTION
from release.errors import Broken, Inconclusive, StagelineError, VerificationFailed
from release.verification.probe import LIMIT, Answer, Probe, Request

IN_A_ROW = 5
HEALTH_LIMIT = 120.0  # seconds until every target is healthy and answers with the release
SMOKE_LIMIT = 600.0  # seconds: smoke tests are done within 10 minutes
PAUSE = 0.1
TRIES = 3  # of a check whose listener cannot be reached
HEALTH = Request(path="/health")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why something is not verified. ``failed``: the release is to blame; else it could not be told."""

    why: str
    failed: bool = True


class Verification:
    """Asks listeners and the balancer until they agree, or a limit is over."""

    def __init__(
        self,
        probe: Probe,
        balancer: Balancer,
        *,
        pause: Callable[[float], None] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probe = probe
        self._balancer = balancer
        self._pause = pause
        self._ticks = ticks

    def wait_until_healthy(self, target_group: str, servers: int, limit: float = HEALTH_LIMIT) -> None:
        """Return when the balancer sees ``servers`` healthy targets in the group."""
        self._until(lambda: target_fault(self._balancer, target_group, servers), limit)

    def why_not_without(self, instance: str, target_group: str, others: int) -> str:
        """Why the ``others`` of the group are not all healthy when ``instance`` leaves; empty when they are."""
        staying = tuple(target for target in self._balancer.targets(target_group) if target.instance != instance)
        fault = unhealthy_fault(staying, others)
        return fault.why if fault else ""

    def wait_until_answering(self, url: str, version: str, limit: float = HEALTH_LIMIT) -> None:
        """Return when the listener answered IN_A_ROW times in a row with ``version``."""
        self._until(lambda: self._first_wrong(url, version), limit)

    def smoke(self, url: str, manifest: Manifest) -> dict[str, int]:
        """Run the release's smoke checks; the milliseconds of each. Raises naming every check that did not pass."""
        end = self._ticks() + SMOKE_LIMIT
        milliseconds: dict[str, int] = {}
        faults: list[Fault] = []
        for check in manifest.checks:
            INTERRUPTION.check()
            if self._ticks() > end:
                faults.append(out_of_time(check, faults))
                continue
            answer = self._smoke_answer(url, check)
            milliseconds[check.name] = answer.milliseconds
            if fault := check_fault(check, answer):
                faults.append(fault)
        if faults:
            raise as_error(faults, f"{manifest.version} failed its smoke checks", "the smoke checks could not be run")
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

    def _first_wrong(self, url: str, version: str) -> Fault | None:
        for _ in range(IN_A_ROW):
            if fault := version_fault(self._probe.send(url, HEALTH), version):
                return fault
        return None

    def _until(self, look: Callable[[], Fault | None], limit: float) -> None:
        end = self._ticks() + limit
        while fault := look():
            INTERRUPTION.check()
            if self._ticks() > end:
                raise as_error([fault], f"after {limit:.0f} s", f"after {limit:.0f} s")
            self._pause(PAUSE)


def target_fault(balancer: Balancer, target_group: str, servers: int) -> Fault | None:
    """Why the balancer does not see ``servers`` healthy targets in the group, as far as it can be asked."""
    try:
        return unhealthy_fault(balancer.targets(target_group), servers)
    except Broken as error:
        if not may_pass(error):
            raise
        return Fault(why=f"the balancer could not be asked: {error}", failed=False)


def as_error(faults: Sequence[Fault], when_failed: str, when_untold: str) -> StagelineError:
    """All faults as one error: *failed* when the release is to blame for one of them, else *inconclusive*."""
    text = "; ".join(fault.why for fault in faults)
    if any(fault.failed for fault in faults):
        return VerificationFailed(f"{when_failed}: {text}")
    return Inconclusive(f"{when_untold}: {text}")


def as_request(check: Check) -> Request:
    """What a check asks. It is waited for at least as long as it may take."""
    seconds = max(LIMIT, check.max_ms / 1000)
    return Request(path=check.path, method=check.method, headers=check.headers, body=check.body, seconds=seconds)


def unhealthy_fault(targets: tuple[TargetHealth, ...], servers: int) -> Fault | None:
    """Why these targets are not all healthy. Only ``unhealthy`` speaks against the release: the other states are of
    targets that are new, leave, or are not looked at.
    """
    ill = [target for target in targets if target.state != "healthy"]
    if ill:
        said = ", ".join(f"{target.instance} is {target.state}" for target in ill)
        return Fault(why=f"the balancer says: {said}", failed=any(target.state == "unhealthy" for target in ill))
    if len(targets) != servers:
        return Fault(why=f"the balancer has {len(targets)} of {servers} targets", failed=False)
    return None


def version_fault(answer: Answer, version: str) -> Fault | None:
    """Why this is not an answer of ``version``."""
    if answer.status != 200:
        return _no_answer("/health", answer) or Fault(why=f"/health answered {answer.status}: {answer.body[:80]!r}")
    found = _version(answer.body)
    return None if found == version else Fault(why=f"/health answered with version {found!r} instead of {version!r}")


def out_of_time(check: Check, before: Sequence[Fault]) -> Fault:
    """The smoke checks took too long for this one: slow answers did, unless nothing came through at all."""
    why = f"{check.name}: the {SMOKE_LIMIT:.0f} s for all smoke checks were over"
    return Fault(why=why, failed=all(fault.failed for fault in before))


def check_fault(check: Check, answer: Answer) -> Fault | None:
    """Why a smoke check did not pass."""
    fault = content_fault(check, answer)
    if fault is None and answer.milliseconds > check.max_ms:
        return Fault(why=f"{_asked(check)} took {answer.milliseconds} ms, {check.max_ms} are allowed")
    return fault


def content_fault(check: Check, answer: Answer) -> Fault | None:
    """Why this is not what the check asks for, however long it took."""
    asked = _asked(check)
    if answer.status != check.status:
        return _no_answer(asked, answer) or Fault(why=f"{asked} answered {answer.status} instead of {check.status}")
    if check.contains is not None and check.contains not in answer.body:
        return Fault(why=f"{asked} does not contain {check.contains!r}")
    return None


def _asked(check: Check) -> str:
    return f"{check.name}: {check.method} {check.path}"


def _no_answer(asked: str, answer: Answer) -> Fault | None:
    if answer.late:
        return Fault(why=f"{asked} was not answered within {answer.milliseconds} ms")
    return None if answer.reached else Fault(why=f"{asked} could not be reached: {answer.body[:80]}", failed=False)


def _version(body: str) -> str | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value.get("version") if isinstance(value, dict) else None
