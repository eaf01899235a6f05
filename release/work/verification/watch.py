"""The watch after the switch: does the release stay good where users are?

For ``watch.seconds`` the live listener is sent requests of our own, a few a second: ``/health`` and the release's smoke
checks in turn. Servers are asked how often the release was restarted, the balancer whether it finds them healthy, and
CloudWatch what it measured: answers with 5xx and their times, users' too, and the servers' CPU and memory
(``release.rules.figures``).

What is over its bound is *failed*. What should have been told and was not is *inconclusive*, and so is what went wrong
while a server is ill in both slots: no release mends that. A release that is clearly bad is not watched to the end:
users have it. ``release.rules.samples`` and ``figures`` judge what was seen; ``Watch`` asks and waits.
"""

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
from release.doors.probe import Answer, Probe, Request
from release.process.errors import Broken, StagelineError
from release.process.interruption import INTERRUPTION
from release.records.artifacts.manifest import Manifest
from release.records.ledger.event import Details
from release.rules.figures import BEFORE, Told, figures_of, judge_figures, told
from release.rules.objections import (
    HEALTH,
    Group,
    Objection,
    as_error,
    as_request,
    content_objection,
    excused,
    version_objection,
)
from release.rules.samples import (
    Running,
    Sample,
    any_failed,
    counted,
    is_clearly_bad,
    judge_requests,
    judge_restarts,
    restarts,
)
from release.work.verification.units import Units
from release.work.verification.verification import target_objection
from settings.model import Watch as Bounds

PAUSE = 0.25  # seconds between two requests
FEWEST = 4  # requests, however long each takes
LOOK = 60.0  # seconds between two looks at servers and figures
LATE = 180.0  # seconds that CloudWatch may be late with a figure
AGAIN = 15.0  # seconds until it is asked for it again


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
    def group(self) -> Group:
        """Where the balancer is asked for it."""
        groups = self.outputs[TARGET_GROUPS]
        return Group(
            arn=groups[self.slot],
            servers=len(self.outputs[SERVERS]),
            beside=groups[self.beside] if self.beside else None,
            out=self.out & {one["id"] for one in self.outputs[SERVERS]},
        )


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request that changes nothing, and what may be wrong with its answer."""

    request: Request
    objection: Callable[[Answer], Objection | None]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is wrong, and the evidence. ``awaited``: nothing but figures that CloudWatch has not told yet."""

    objections: tuple[Objection, ...]
    evidence: Details
    awaited: bool = False

    @property
    def failed(self) -> bool:
        """Whether something speaks against the release."""
        return any_failed(self.objections)


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

    def run(self, subject: Subject) -> Details:
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
        if judgement.objections:
            watched = (
                f"{subject.manifest.version} was watched for {self.ticks() - began:.0f} s behind the live listener"
            )
            raise as_error(judgement.objections, watched, watched)
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
            return Sample(objection=question.objection(answer), milliseconds=answer.milliseconds)
        except Exception as error:
            why = f"{question.request.path} answered what cannot be judged: {_unforeseen(error)}"
            return Sample(objection=Objection(why=why), milliseconds=0)

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
            objections = judge_requests(samples, self.bounds)
            if not any_failed(objections):
                raise
            unforeseen = Objection(why=f"a look at it could not be finished: {_unforeseen(error)}", failed=False)
            return Judgement(
                objections=(*objections, unforeseen), evidence={"seconds": round(elapsed), **counted(samples)}
            )

    def _judge(
        self, subject: Subject, samples: Sequence[Sample], first: Running, start: datetime, elapsed: float
    ) -> Judgement:
        """What is known by now. CloudWatch is not asked about a release that failed without it."""
        now, ill = self.units.of(subject.serving, subject.slot), target_objection(self.balancer, subject.group)
        excuse = excused if ill and ill.server_ill else tuple
        requests, ran = excuse(judge_requests(samples, self.bounds)), judge_restarts(first, now)
        objections = (*requests, *ran, *([ill] if ill else []))
        evidence = {"seconds": round(elapsed), **counted(samples), "restarts": restarts(first, now)}
        if any_failed(objections):
            return Judgement(objections=objections, evidence=evidence)
        figures = judge_figures(self._told(subject, start, elapsed), self.bounds, elapsed)
        return Judgement(
            objections=(*objections, *excuse(figures.objections)),
            evidence={**evidence, "figures": figures.values, "not_told": figures.not_told},
            awaited=not objections and bool(figures.objections) and not any_failed(figures.objections),
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
    health = Question(request=HEALTH, objection=lambda answer: version_objection(answer, manifest.version))
    checks = (check for check in manifest.checks if check.repeatable)
    return (health, *(Question(request=as_request(one), objection=partial(content_objection, one)) for one in checks))


def next_look(now: float, end: float) -> float:
    """When to look at servers and figures next; after the end, when to ask again for what is late."""
    return min(now + LOOK, end) if now < end else now + AGAIN


def _unforeseen(error: Exception) -> str:
    return f"unforeseen {type(error).__name__}: {error}"
