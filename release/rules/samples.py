"""Our own requests during a watch, and how often the release was restarted meanwhile, judged as values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from release.doors.servers.inspection import UnitState
from release.rules.figures import AT_LEAST
from release.rules.objections import Objection
from settings.model import Watch as Bounds

RECENT = 240  # requests, those of about a minute: a long good time does not make up for a bad end
CLEARLY = 10  # bad ones among them, with their rate over its bound, end the watch before its time
IN_TIME = 0.95  # of the answers must be within the bound
Running = Mapping[str, UnitState | str]  # a server's unit by its name, or why it could not tell


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What became of one request."""

    objection: Objection | None
    milliseconds: int

    @property
    def wrong(self) -> bool:
        """Whether the release is to blame."""
        return self.objection is not None and self.objection.failed

    @property
    def untold(self) -> bool:
        """Whether the listener could not be reached."""
        return self.objection is not None and not self.objection.failed


def is_clearly_bad(samples: Sequence[Sample], bounds: Bounds) -> bool:
    """Whether going on would only make more users see it."""
    recent = samples[-RECENT:]
    bad = sum(sample.wrong or sample.milliseconds > bounds.p95_ms for sample in recent)
    return bad >= CLEARLY and any_failed(judge_rates(recent, bounds))


def judge_requests(samples: Sequence[Sample], bounds: Bounds) -> tuple[Objection, ...]:
    """What is wrong with the answers to our own requests: in the last minute, or else in the whole time."""
    return judge_rates(samples[-RECENT:] if is_clearly_bad(samples, bounds) else samples, bounds)


def judge_rates(samples: Sequence[Sample], bounds: Bounds) -> tuple[Objection, ...]:
    """What there is too much of in these answers."""
    objections = (_too_many_wrong(samples, bounds), _too_slow(samples, bounds), _too_many_untold(samples, bounds))
    return tuple(objection for objection in objections if objection)


def judge_restarts(first: Running, now: Running) -> tuple[Objection, ...]:
    """What is wrong with the units, compared with those at the beginning."""
    return tuple(
        objection
        for name in now
        if (objection := _unit_objection(name, first.get(name, "it was not asked"), now[name]))
    )


def counted(samples: Sequence[Sample]) -> dict[str, int]:
    """Our own requests in numbers."""
    return {
        "requests": len(samples),
        "wrong": sum(sample.wrong for sample in samples),
        "not_reached": sum(sample.untold for sample in samples),
        "p95_ms": p95(samples),
    }


def restarts(first: Running, now: Running) -> dict[str, int]:
    """How often the release was restarted since the beginning, on each server that could tell."""
    return {
        name: unit.restarts - was.restarts
        for name, unit in now.items()
        if isinstance(unit, UnitState) and isinstance(was := first.get(name), UnitState)
    }


def p95(samples: Sequence[Sample]) -> int:
    """Within how many milliseconds 95 of 100 answers came; 0 without any."""
    times = sorted(sample.milliseconds for sample in samples if not sample.untold)
    return times[math.ceil(IN_TIME * len(times)) - 1] if times else 0


def _too_many_wrong(samples: Sequence[Sample], bounds: Bounds) -> Objection | None:
    wrong = [sample.objection.why for sample in samples if sample.objection and sample.wrong]
    reached = sum(not sample.untold for sample in samples)
    if not _is_too_much(len(wrong), reached, bounds.error_percent):
        return None
    allowed = f"{bounds.error_percent:g} % are allowed"
    return Objection(why=f"{len(wrong)} of {reached} requests were answered wrongly, {allowed}, such as {wrong[-1]}")


def _too_slow(samples: Sequence[Sample], bounds: Bounds) -> Objection | None:
    reached = [sample for sample in samples if not sample.untold]
    slow = sum(sample.milliseconds > bounds.p95_ms for sample in reached)
    if not _is_too_much(slow, len(reached), 100 * (1 - IN_TIME)):
        return None
    return Objection(why=f"95 % of answers took up to {p95(samples)} ms, {bounds.p95_ms} are allowed")


def _too_many_untold(samples: Sequence[Sample], bounds: Bounds) -> Objection | None:
    untold = [sample.objection.why for sample in samples if sample.objection and sample.untold]
    if not _is_too_much(len(untold), len(samples), bounds.error_percent):
        return None
    return Objection(
        why=f"{len(untold)} of {len(samples)} requests did not get through, such as {untold[-1]}", failed=False
    )


def _is_too_much(some: int, of_all: int, percent: float) -> bool:
    return some >= AT_LEAST and 100 * some > percent * of_all


def _unit_objection(name: str, first: UnitState | str, now: UnitState | str) -> Objection | None:
    if isinstance(now, str) or isinstance(first, str):
        why = now if isinstance(now, str) else first
        return Objection(why=f"{name} could not tell whether the release was restarted: {why}", failed=False)
    if now.restarts > first.restarts:
        return Objection(why=f"restarts of the release on {name}: {now.restarts - first.restarts}")
    return None if now.active == "active" else Objection(why=f"the release is {now.active} on {name}")


def any_failed(objections: Sequence[Objection]) -> bool:
    """Whether something speaks against the release."""
    return any(objection.failed for objection in objections)
