"""Is a release healthy behind a listener? Answers are judged as values; only ``Verification`` asks and waits.

Rules: every target healthy in the balancer's own view, ``/health`` answered with the release's version several times
in a row, and every smoke check passed within its milliseconds. Four outcomes:

*passed*: nothing is wrong; the evidence is returned. *failed* (VerificationFailed): the release answered, and wrongly:
with another version, status or text, with what cannot be read, too slowly twice, or the balancer finds it unhealthy.
*inconclusive* (Inconclusive): it could not be told, because the listener could not be reached from here, the balancer
could not be asked or had not made up its mind in time, or a server is ill with whatever release. *errored* (any other
Broken): AWS refused or broke.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from contract.health import HEALTH_PATH, HEALTHY, stated_version
from release.doors.aws.balancer import Balancer, TargetHealth
from release.doors.aws.session import may_pass
from release.doors.http import LIMIT, Answer, Probe, Request
from release.process.errors import MOST_MESSAGE, Broken, Inconclusive, StagelineError, VerificationFailed
from release.process.interruption import INTERRUPTION
from release.process.text import bounded, listed, quoted
from release.records.artifacts.manifest import LONGEST_MS, Check, Manifest
from release.rules.gates import is_enough
from settings.model import Health

IN_A_ROW = 5
HEALTH_LIMIT = 120.0  # seconds until every target is healthy, at least, and until a listener answers with the release
HEALTH_MARGIN = 30.0  # seconds until the balancer begins to look at a target, and until it tells
SMOKE_LIMIT = 600.0  # seconds: smoke tests are done within 10 minutes
PAUSE = 0.1
TRIES = 3  # of a check whose listener cannot be reached
MOST_ASKED = 200  # characters of a name or a path in what is said of a check
HEALTH = Request(path=HEALTH_PATH)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why something is not verified. ``failed``: the release is to blame; else it could not be told.

    ``server_ill``: it could not, because a server is ill with the other slot's release too.
    """

    why: str
    failed: bool = True
    server_ill: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", bounded(self.why))  # much of it is what others said


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a release runs, as the balancer knows it: the target group (ARN) of its slot, and how many servers it has.

    ``beside`` is the group of the other slot where a release runs in it, too: a server that is ill in both is ill
    itself. ``out`` are the instances that are marked out: what becomes of them counts for nothing.
    """

    group: str
    servers: int
    beside: str | None = None
    out: frozenset[str] = frozenset()


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

        ``beside``: the other slot's group, see Place. ``limit``: seconds, by default what the health checks take.
        """
        place = Place(group=target_group, servers=servers, beside=beside, out=out)
        self._until(lambda: target_fault(self._balancer, place), self._health_limit if limit is None else limit)

    def wait_until_enough(self, target_group: str, beside: str | None, out: frozenset[str] = frozenset()) -> None:
        """Return when a server is healthy in the group, and they are no fewer than in the group ``beside``, but for
        those that are ``out``.

        Inconclusive at once where the group has fewer servers than that: no waiting makes them more.
        """
        limit = self._health_limit
        if beside and len(self._balancer.targets(target_group)) < len(self.healthy(beside) - out):
            limit = 0
        self._until(lambda: self._too_few(target_group, beside, out), limit)

    def _too_few(self, target_group: str, beside: str | None, out: frozenset[str]) -> Fault | None:
        healthy, serving = self.healthy(target_group), self.healthy(beside) - out if beside else frozenset()
        if is_enough(len(healthy), len(serving)):
            return None
        return Fault(why=f"{len(healthy)} servers are healthy, {len(serving)} are where users are now", failed=False)

    def healthy(self, target_group: str) -> frozenset[str]:
        """The instances that the balancer sees healthy in a group now."""
        return healthy_in(self._balancer.targets(target_group))

    def why_not_without(self, instance: str, target_group: str, others: int, out: frozenset[str] = frozenset()) -> str:
        """Why the ``others`` of the group are not all healthy when ``instance`` leaves; empty when they are.

        ``out`` are others that are marked out: they need not be.
        """
        staying = tuple(target for target in self._balancer.targets(target_group) if target.instance != instance)
        fault = unhealthy_fault(staying, others, out=out - {instance})
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
            milliseconds[bounded(check.name, MOST_ASKED)] = answer.milliseconds
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


def health_limit(health: Health) -> float:
    """How many seconds targets have to become healthy, by the checks that are declared: twice what they need.

    A target that was unhealthy needs ``healthy`` good answers, ``interval`` apart, the last of which may take
    ``timeout``; and the first of them may just have been missed.
    """
    return max(HEALTH_LIMIT, 2.0 * (health.interval * health.healthy + health.timeout) + HEALTH_MARGIN)


def target_fault(balancer: Balancer, place: Place) -> Fault | None:
    """Why the balancer does not see every server of a place healthy, as far as it can be asked.

    The other slot is asked about only where a server is unhealthy.
    """
    try:
        targets = balancer.targets(place.group)
        asked = place.beside if unhealthy_in(targets) - place.out else None
        elsewhere = balancer.targets(asked) if asked else ()
    except Broken as error:
        if not may_pass(error):
            raise
        return Fault(why=f"the balancer could not be asked: {error}", failed=False)
    return unhealthy_fault(targets, place.servers, elsewhere, place.out)


def as_error(faults: Sequence[Fault], when_failed: str, when_untold: str) -> StagelineError:
    """All faults as one error: *failed* when the release is to blame for one of them, else *inconclusive*.

    What speaks against the release comes first; of very many faults the last are only counted.
    """
    failed = any(fault.failed for fault in faults)
    context = when_failed if failed else when_untold
    whys = [fault.why for fault in sorted(faults, key=lambda fault: not fault.failed)]
    text = f"{context}: {listed(whys, MOST_MESSAGE - len(context) - len(': ; and 1000 more'))}"
    return VerificationFailed(text) if failed else Inconclusive(text)


def as_request(check: Check) -> Request:
    """What a check asks. It is waited for at least as long as it may take, and no longer than balancers wait."""
    seconds = max(LIMIT, min(check.max_ms, LONGEST_MS) / 1000)
    return Request(path=check.path, method=check.method, headers=check.headers, body=check.body, seconds=seconds)


def healthy_in(targets: Collection[TargetHealth]) -> frozenset[str]:
    """The instances that are healthy in a group."""
    return frozenset(target.instance for target in targets if target.state == "healthy")


def unhealthy_in(targets: Collection[TargetHealth]) -> frozenset[str]:
    """The instances that the balancer finds unhealthy in a group. The other states are of targets that are new, leave,
    or are not looked at: they say nothing.
    """
    return frozenset(target.instance for target in targets if target.state == "unhealthy")


def unhealthy_fault(
    targets: Collection[TargetHealth],
    servers: int,
    elsewhere: Collection[TargetHealth] = (),
    out: frozenset[str] = frozenset(),
) -> Fault | None:
    """Why not each of ``servers`` is healthy among these targets of a slot, but for those that are ``out``.

    Only ``unhealthy`` speaks against the release, and only of a server that is not unhealthy ``elsewhere`` as well, in
    the other slot: such a server is ill with whatever release.
    """
    counted = [target for target in targets if target.instance not in out]
    ill = [target for target in counted if target.state != "healthy"]
    itself = unhealthy_in(ill) & unhealthy_in(elsewhere)
    if ill:
        said = "; ".join(_ill(target, itself) for target in ill)
        return Fault(why=f"the balancer says: {said}", failed=bool(unhealthy_in(ill) - itself), server_ill=bool(itself))
    if len(counted) != servers - len(out):
        return Fault(why=f"the balancer has {len(counted)} of {servers - len(out)} targets", failed=False)
    return None


def _ill(target: TargetHealth, itself: frozenset[str]) -> str:
    reason = f" ({bounded(target.reason, MOST_ASKED)})" if target.reason else ""
    if target.instance in itself:
        return f"{target.instance} is unhealthy in both slots{reason}: the server is ill, not the release"
    return f"{target.instance} is {target.state}{reason}"


def excused(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """These faults while a server is ill itself: its share of the requests went wrong with whatever release."""
    return tuple(replace(fault, failed=False) for fault in faults)


def version_of(answer: Answer) -> str | None:
    """The version that an answer states; None where it is no good answer, or states none."""
    return stated_version(answer.body) if answer.status == HEALTHY else None


def version_fault(answer: Answer, version: str) -> Fault | None:
    """Why this is not an answer of ``version``."""
    if answer.status != HEALTHY:
        return _no_answer(HEALTH_PATH, answer) or Fault(
            why=f"{HEALTH_PATH} answered {answer.status}: {quoted(answer.body)}"
        )
    found = stated_version(answer.body)
    if found == version:
        return None
    said = f"without a version ({quoted(answer.body)})" if found is None else f"with version {quoted(found)}"
    return Fault(why=f"{HEALTH_PATH} answered {said} instead of {quoted(version)}")


def out_of_time(check: Check, before: Sequence[Fault]) -> Fault:
    """The smoke checks took too long for this one: slow answers did, unless nothing came through at all."""
    why = f"{bounded(check.name, MOST_ASKED)}: the {SMOKE_LIMIT:.0f} s for all smoke checks were over"
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
        return Fault(why=f"{asked} does not contain {quoted(check.contains)}")
    return None


def _asked(check: Check) -> str:
    return f"{bounded(check.name, MOST_ASKED)}: {check.method} {bounded(check.path, MOST_ASKED)}"


def _no_answer(asked: str, answer: Answer) -> Fault | None:
    if answer.late:
        return Fault(why=f"{asked} was not answered within {answer.milliseconds} ms")
    if answer.torn:
        return Fault(why=f"{asked} answered only in part: {bounded(answer.body, MOST_ASKED)}")
    if answer.reached:
        return None
    return Fault(why=f"{asked} could not be reached: {bounded(answer.body, MOST_ASKED)}", failed=False)
