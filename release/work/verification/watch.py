"""The watch after the switch: does the release stay good where users are?

For ``watch.seconds`` the live listener is sent requests of our own, a few a second: ``/health`` and the release's smoke
checks in turn. Servers are asked how often the release was restarted, the balancer whether it finds them healthy, and
CloudWatch what it measured: answers with 5xx and their times, users' too, and the servers' CPU and memory
(``release.work.verification.figures``).

What is over its bound is *failed*. What should have been told and was not is *inconclusive*, and so is what went wrong
while a server is ill in both slots: no release mends that. A release that is clearly bad is not watched to the end:
users have it. What was seen is judged as values; only ``Watch`` asks and waits.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import cycle
from typing import Any

from contract.outputs import SERVERS, TARGET_GROUPS
from contract.slots import SlotName
from release.doors.aws.balancer import Balancer
from release.doors.aws.metrics import Metrics
from release.doors.aws.session import may_pass
from release.doors.http import Answer, Probe, Request
from release.doors.servers.inspection import Unit
from release.process.errors import Broken, StagelineError
from release.process.interruption import INTERRUPTION
from release.records.artifacts.manifest import Manifest
from release.work.verification.figures import AT_LEAST, BEFORE, Told, figures_of, judge_figures, told
from release.work.verification.units import Units
from release.work.verification.verification import (
    HEALTH,
    Fault,
    Place,
    as_error,
    as_request,
    content_fault,
    excused,
    target_fault,
    version_fault,
)
from settings.model import Watch as Bounds

PAUSE = 0.25  # seconds between two requests
FEWEST = 4  # requests, however long each takes
LOOK = 60.0  # seconds between two looks at servers and figures
LATE = 180.0  # seconds that CloudWatch may be late with a figure
AGAIN = 15.0  # seconds until it is asked for it again
RECENT = 240  # requests, those of about a minute: a long good time does not make up for a bad end
CLEARLY = 10  # bad ones among them, with their rate over its bound, end the watch before its time
IN_TIME = 0.95  # of the answers must be within the bound

Evidence = dict[str, Any]
Running = Mapping[str, Unit | str]  # a server's unit by its name, or why it could not tell


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is watched: a release, the listener and the slot that it is live by, and the stack's outputs.

    ``beside`` is the slot that still runs what was live before, where one does: a server that is ill in both is ill
    itself. ``out`` are the instances that are marked out: they are neither asked nor judged. ``still_wanted`` is called
    at every look, and ends the watch by raising.
    """

    url: str
    manifest: Manifest
    slot: SlotName
    outputs: Mapping[str, Any]
    beside: SlotName | None = None
    out: frozenset[str] = frozenset()
    still_wanted: Callable[[], None] = lambda: None

    @property
    def serving(self) -> Mapping[str, Any]:
        """The stack's outputs without the servers that are marked out."""
        return {**self.outputs, SERVERS: [one for one in self.outputs[SERVERS] if one["id"] not in self.out]}

    @property
    def place(self) -> Place:
        """Where the balancer is asked for it."""
        groups = self.outputs[TARGET_GROUPS]
        return Place(
            group=groups[self.slot],
            servers=len(self.outputs[SERVERS]),
            beside=groups[self.beside] if self.beside else None,
            out=self.out & {one["id"] for one in self.outputs[SERVERS]},
        )


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request that changes nothing, and what may be wrong with its answer."""

    request: Request
    fault: Callable[[Answer], Fault | None]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What became of one request."""

    fault: Fault | None
    milliseconds: int

    @property
    def wrong(self) -> bool:
        """Whether the release is to blame."""
        return self.fault is not None and self.fault.failed

    @property
    def untold(self) -> bool:
        """Whether the listener could not be reached."""
        return self.fault is not None and not self.fault.failed


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is wrong, and the evidence. ``awaited``: nothing but figures that CloudWatch has not told yet."""

    faults: tuple[Fault, ...]
    evidence: Evidence
    awaited: bool = False

    @property
    def failed(self) -> bool:
        """Whether something speaks against the release."""
        return _any_failed(self.faults)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Watches the releases of one environment."""

    probe: Probe
    balancer: Balancer
    metrics: Metrics
    units: Units
    bounds: Bounds
    now: Callable[[], datetime]
    ticks: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def run(self, subject: Subject) -> Evidence:
        """Watch to the end; the evidence. VerificationFailed or Inconclusive, with everything that was found."""
        first, start = self.units.of(subject.serving, subject.slot), self.now()
        began = self.ticks()
        end, questions, samples = began + self.bounds.seconds, cycle(questions_of(subject.manifest)), list[Sample]()
        while True:
            self._send(subject.url, questions, samples, until=next_look(self.ticks(), end))
            judgement = self._look(subject, samples, first, start, self.ticks() - began)
            over = self.ticks() >= (end + LATE if judgement.awaited else end)
            if over or judgement.failed or is_clearly_bad(samples, self.bounds):
                break
        if judgement.faults:
            watched = (
                f"{subject.manifest.version} was watched for {self.ticks() - began:.0f} s behind the live listener"
            )
            raise as_error(judgement.faults, watched, watched)
        return judgement.evidence

    def _send(self, url: str, questions: Iterator[Question], samples: list[Sample], until: float) -> None:
        while len(samples) < FEWEST or (self.ticks() < until and not is_clearly_bad(samples, self.bounds)):
            INTERRUPTION.check()
            samples.append(self._ask(url, next(questions)))
            self.pause(PAUSE if len(samples) < FEWEST else min(PAUSE, max(until - self.ticks(), 0)))

    def _ask(self, url: str, question: Question) -> Sample:
        """One request. An answer that nobody foresaw is a wrong one."""
        try:
            answer = self.probe.send(url, question.request)
            return Sample(fault=question.fault(answer), milliseconds=answer.milliseconds)
        except Exception as error:
            why = f"{question.request.path} answered what cannot be judged: {_unforeseen(error)}"
            return Sample(fault=Fault(why=why), milliseconds=0)

    def _look(
        self, subject: Subject, samples: Sequence[Sample], first: Running, start: datetime, elapsed: float
    ) -> Judgement:
        """What is known by now. What nobody foresaw is raised as it is, which puts back what goes forward. But where
        our own requests speak against the release, it is known to be bad.
        """
        subject.still_wanted()
        try:
            return self._judge(subject, samples, first, start, elapsed)
        except StagelineError:
            raise
        except Exception as error:
            faults = judge_requests(samples, self.bounds)
            if not _any_failed(faults):
                raise
            unforeseen = Fault(why=f"a look at it could not be finished: {_unforeseen(error)}", failed=False)
            return Judgement(faults=(*faults, unforeseen), evidence={"seconds": round(elapsed), **counted(samples)})

    def _judge(
        self, subject: Subject, samples: Sequence[Sample], first: Running, start: datetime, elapsed: float
    ) -> Judgement:
        """What is known by now. CloudWatch is not asked about a release that failed without it."""
        now, ill = self.units.of(subject.serving, subject.slot), target_fault(self.balancer, subject.place)
        excuse = excused if ill and ill.server_ill else tuple
        requests, ran = excuse(judge_requests(samples, self.bounds)), judge_restarts(first, now)
        faults = (*requests, *ran, *([ill] if ill else []))
        evidence = {"seconds": round(elapsed), **counted(samples), "restarts": restarts(first, now)}
        if _any_failed(faults):
            return Judgement(faults=faults, evidence=evidence)
        figures = judge_figures(self._told(subject, start, elapsed), self.bounds, elapsed)
        return Judgement(
            faults=(*faults, *excuse(figures.faults)),
            evidence={**evidence, "figures": figures.values, "not_told": figures.not_told},
            awaited=not faults and bool(figures.faults) and not _any_failed(figures.faults),
        )

    def _told(self, subject: Subject, start: datetime, elapsed: float) -> tuple[Told, ...]:
        """What CloudWatch has told. It is not asked for what it cannot tell in so short a time."""
        figures = figures_of(subject.serving, subject.slot, self.bounds)
        metrics = [figure.metric for figure in figures if figure.metric.period <= elapsed]
        try:
            points = self.metrics.read(metrics, start - BEFORE, self.now())
        except Broken as error:
            if not may_pass(error):
                raise
            points = {}
        return tuple(told(figure, points.get(figure.metric, ()), start) for figure in figures)


def questions_of(manifest: Manifest) -> tuple[Question, ...]:
    """``/health``, and the smoke checks that may be asked again and again."""
    health = Question(request=HEALTH, fault=lambda answer: version_fault(answer, manifest.version))
    checks = (check for check in manifest.checks if check.repeatable)
    return (health, *(Question(request=as_request(one), fault=partial(content_fault, one)) for one in checks))


def next_look(now: float, end: float) -> float:
    """When to look at servers and figures next; after the end, when to ask again for what is late."""
    return min(now + LOOK, end) if now < end else now + AGAIN


def is_clearly_bad(samples: Sequence[Sample], bounds: Bounds) -> bool:
    """Whether going on would only make more users see it."""
    recent = samples[-RECENT:]
    bad = sum(sample.wrong or sample.milliseconds > bounds.p95_ms for sample in recent)
    return bad >= CLEARLY and _any_failed(judge_rates(recent, bounds))


def judge_requests(samples: Sequence[Sample], bounds: Bounds) -> tuple[Fault, ...]:
    """What is wrong with the answers to our own requests: in the last minute, or else in the whole time."""
    return judge_rates(samples[-RECENT:] if is_clearly_bad(samples, bounds) else samples, bounds)


def judge_rates(samples: Sequence[Sample], bounds: Bounds) -> tuple[Fault, ...]:
    """What there is too much of in these answers."""
    faults = (_too_many_wrong(samples, bounds), _too_slow(samples, bounds), _too_many_untold(samples, bounds))
    return tuple(fault for fault in faults if fault)


def judge_restarts(first: Running, now: Running) -> tuple[Fault, ...]:
    """What is wrong with the units, compared with those at the beginning."""
    return tuple(fault for name in now if (fault := _unit_fault(name, first.get(name, "it was not asked"), now[name])))


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
        if isinstance(unit, Unit) and isinstance(was := first.get(name), Unit)
    }


def p95(samples: Sequence[Sample]) -> int:
    """Within how many milliseconds 95 of 100 answers came; 0 without any."""
    times = sorted(sample.milliseconds for sample in samples if not sample.untold)
    return times[math.ceil(IN_TIME * len(times)) - 1] if times else 0


def _too_many_wrong(samples: Sequence[Sample], bounds: Bounds) -> Fault | None:
    wrong = [sample.fault.why for sample in samples if sample.fault and sample.wrong]
    reached = sum(not sample.untold for sample in samples)
    if not _is_too_much(len(wrong), reached, bounds.error_percent):
        return None
    allowed = f"{bounds.error_percent:g} % are allowed"
    return Fault(why=f"{len(wrong)} of {reached} requests were answered wrongly, {allowed}, such as {wrong[-1]}")


def _too_slow(samples: Sequence[Sample], bounds: Bounds) -> Fault | None:
    reached = [sample for sample in samples if not sample.untold]
    slow = sum(sample.milliseconds > bounds.p95_ms for sample in reached)
    if not _is_too_much(slow, len(reached), 100 * (1 - IN_TIME)):
        return None
    return Fault(why=f"95 % of answers took up to {p95(samples)} ms, {bounds.p95_ms} are allowed")


def _too_many_untold(samples: Sequence[Sample], bounds: Bounds) -> Fault | None:
    untold = [sample.fault.why for sample in samples if sample.fault and sample.untold]
    if not _is_too_much(len(untold), len(samples), bounds.error_percent):
        return None
    return Fault(
        why=f"{len(untold)} of {len(samples)} requests did not get through, such as {untold[-1]}", failed=False
    )


def _is_too_much(some: int, of_all: int, percent: float) -> bool:
    return some >= AT_LEAST and 100 * some > percent * of_all


def _unit_fault(name: str, first: Unit | str, now: Unit | str) -> Fault | None:
    if isinstance(now, str) or isinstance(first, str):
        why = now if isinstance(now, str) else first
        return Fault(why=f"{name} could not tell whether the release was restarted: {why}", failed=False)
    if now.restarts > first.restarts:
        return Fault(why=f"restarts of the release on {name}: {now.restarts - first.restarts}")
    return None if now.active == "active" else Fault(why=f"the release is {now.active} on {name}")


def _unforeseen(error: Exception) -> str:
    return f"unforeseen {type(error).__name__}: {error}"


def _any_failed(faults: Sequence[Fault]) -> bool:
    return any(fault.failed for fault in faults)
