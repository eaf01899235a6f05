"""The watch: what it asks, and how long it waits for what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from contract.slots import SlotName
from release.doors.aws.balancer import Balancer, TargetHealth
from release.doors.aws.metrics import Metric, Metrics, Point
from release.doors.aws.session import aws_call
from release.doors.probe import Answer, Probe, Request
from release.doors.servers.inspection import UnitState
from release.process.errors import Broken, Inconclusive, VerificationFailed
from release.records.artifacts.manifest import Check
from release.work.verification.units import Units
from release.work.verification.watch import (
    LATE,
    Subject,
    Watch,
    questions_of,
)
from settings.model import Watch as Bounds
from tests.release.values import OUTPUTS, TARGET_GROUPS, manifest

BOUNDS = Bounds(seconds=20, error_percent=10.0, p95_ms=200, cpu_percent=80, memory_percent=70)
CHECKS = (Check(name="list", path="/api/projects"), Check(name="add", path="/api/projects", method="POST"))
SUBJECT = Subject(url="http://live", manifest=replace(manifest("1.0.0"), checks=CHECKS), slot="green", outputs=OUTPUTS)
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ACTIVE = UnitState(active="active", restarts=1)


def test_requests_that_would_change_something_are_not_sent_again_and_again() -> None:
    assert [question.request.path for question in questions_of(SUBJECT.manifest)] == ["/health", "/api/projects"]


class Asked(Probe):
    """The listener of a world."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def send(self, base: str, request: Request) -> Answer:
        assert base == "http://live"
        self.world.sent += 1
        return self.world.answer(self.world, request)


class Watched(Units):
    """The servers of a world."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def of(self, outputs: Mapping[str, Any], slot: SlotName) -> dict[str, UnitState | str]:
        assert slot == "green"
        return {one["name"]: self.world.unit(self.world) for one in outputs["servers"]}


class Seen(Balancer):
    """The load balancer's view of a world."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        state = self.world.health if target_group == TARGET_GROUPS["green"] else self.world.former
        return (TargetHealth(instance="i-1", state=state(self.world), reason="Target.Timeout: timed out"),)


class Told(Metrics):
    """The CloudWatch of a world."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def read(self, metrics: Sequence[Metric], start: datetime, end: datetime) -> dict[Metric, tuple[Point, ...]]:
        self.world.asked.append(tuple(metrics))
        return {metric: tuple(self.world.told(self.world, metric)) for metric in metrics}


@dataclass
class World:
    """A listener, servers, CloudWatch and time, which passes only where somebody waits."""

    seconds: float = 0.0
    answer: Callable[["World", Request], Answer] = lambda world, request: good(request)
    unit: Callable[["World"], UnitState | str] = lambda world: ACTIVE
    health: Callable[["World"], str] = lambda world: "healthy"
    former: Callable[["World"], str] = lambda world: "healthy"
    told: Callable[["World", Metric], Sequence[Point]] = lambda world, metric: ()
    asked: list[tuple[Metric, ...]] = field(default_factory=list)
    sent: int = 0

    def ticks(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    def watch(self, seconds: int = 20, subject: Subject = SUBJECT) -> dict[str, Any]:
        bounds = BOUNDS.model_copy(update={"seconds": seconds})
        watch = Watch(
            probe=Asked(self),
            balancer=Seen(self),
            metrics=Told(self),
            units=Watched(self),
            bounds=bounds,
            now=self.now,
            ticks=self.ticks,
            pause=self.pause,
        )
        return watch.run(subject)


def good(request: Request, milliseconds: int = 5) -> Answer:
    return Answer(status=200, body='{"version": "1.0.0"}', milliseconds=milliseconds)


def from_second(moment: float, then: Callable[[Request], Answer]) -> Callable[[World, Request], Answer]:
    """Good until a moment, and then something else."""
    return lambda world, request: good(request) if world.seconds < moment else then(request)


def every_minute(value: float, **counts: float) -> Callable[[World, Metric], Sequence[Point]]:
    """CloudWatch has told each period that is over by now; of errors only those that it counted."""

    def told(world: World, metric: Metric) -> list[Point]:
        each = counts.get(metric.name, 0.0 if metric.name.startswith("HTTPCode") else value)
        periods = int(world.seconds // metric.period) if each else 0
        return [Point(at=START + timedelta(seconds=number * metric.period), value=each) for number in range(periods)]

    return told


def test_a_good_release_passes_with_evidence() -> None:
    evidence = World().watch()
    assert evidence == {
        "seconds": 20,
        "requests": 80,
        "wrong": 0,
        "not_reached": 0,
        "p95_ms": 5,
        "restarts": {"env-servers-1": 0},
        "figures": {},
        "not_told": {
            "requests": "told every 60 s",
            "the time of 95 % of answers": "told every 60 s",
            "the CPU of env-servers-1": "told every 300 s",
            "the memory of env-servers-1": "told every 60 s",
        },
    }


def test_a_short_watch_does_not_ask_for_what_it_cannot_be_told() -> None:
    world = World()
    world.watch(seconds=59)
    assert set(world.asked) == {()}


def test_errors_that_begin_after_the_switch_are_found_and_end_the_watch() -> None:
    world = World(answer=from_second(5, lambda request: Answer(status=500, body="", milliseconds=5)))
    with pytest.raises(VerificationFailed, match=r"1\.0\.0 was watched for 8 s .* were answered wrongly, 10 % are"):
        world.watch()


def test_another_release_behind_the_listener_is_wrong() -> None:
    other = Answer(status=200, body='{"version": "0.9.0"}', milliseconds=5)
    world = World(answer=from_second(0, lambda request: other if request.path == "/health" else good(request)))
    with pytest.raises(VerificationFailed, match=r"such as /health answered with version '0\.9\.0'"):
        world.watch()


def test_a_release_that_becomes_slow_is_found() -> None:
    world = World(answer=from_second(5, lambda request: good(request, milliseconds=900)))
    with pytest.raises(VerificationFailed, match="up to 900 ms, 200 are allowed"):
        world.watch()


def test_a_release_that_is_restarted_is_found() -> None:
    world = World(unit=lambda world: replace(ACTIVE, restarts=1 if world.seconds < 5 else 2))
    with pytest.raises(VerificationFailed, match="restarts of the release on env-servers-1: 1"):
        world.watch()


def test_a_restart_ends_a_long_watch_at_the_next_look() -> None:
    world = World(unit=lambda world: replace(ACTIVE, restarts=1 if world.seconds < 5 else 2), told=every_minute(1))
    with pytest.raises(VerificationFailed):
        world.watch(seconds=3600)
    assert world.seconds == 60


def test_a_listener_that_is_not_reached_is_inconclusive() -> None:
    refused = Answer(status=0, body="ConnectionRefusedError", milliseconds=0)
    world = World(answer=from_second(0, lambda request: refused))
    with pytest.raises(Inconclusive, match="80 of 80 requests did not get through"):
        world.watch()
    assert world.seconds == 20


@pytest.mark.parametrize(
    ("state", "error"), [pytest.param("unhealthy", VerificationFailed), pytest.param("draining", Inconclusive)]
)
def test_a_server_that_the_balancer_does_not_find_healthy_at_the_end_is_told(
    state: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"the balancer says: i-1 is {state}"):
        World(health=lambda world: "healthy" if world.seconds < 5 else state).watch()


def test_a_release_that_hangs_is_found_however_short_the_watch() -> None:
    def hang(world: World, request: Request) -> Answer:
        world.seconds += 5
        return Answer(status=0, body="TimeoutError", milliseconds=5000, late=True)

    with pytest.raises(VerificationFailed, match=r"4 of 4 requests were answered wrongly.*not answered within 5000 ms"):
        World(answer=hang).watch(seconds=1)


def test_a_server_that_does_not_tell_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match=r"env-servers-1 could not tell whether .*: no route"):
        World(unit=lambda world: "no route").watch()


def test_figures_are_part_of_a_long_watch() -> None:
    evidence = World(told=every_minute(0.1)).watch(seconds=600)
    assert evidence["figures"]["the CPU of env-servers-1"] == "0.1 %"
    assert evidence["not_told"] == {}


def test_a_server_that_uses_too_much_cpu_ends_a_long_watch() -> None:
    usage = every_minute(95)
    world = World(told=lambda world, metric: usage(world, metric) if metric.name == "CPUUtilization" else ())
    with pytest.raises(VerificationFailed, match=r"the CPU of env-servers-1 was 95\.0 %, 80 % are allowed"):
        world.watch(seconds=600)
    assert world.seconds == 300


def test_figures_that_are_late_are_waited_for() -> None:
    on_time = every_minute(0.1)

    def late(world: World, metric: Metric) -> Sequence[Point]:
        return on_time(world, metric) if world.seconds > 700 else ()

    world = World(told=late)
    assert world.watch(seconds=600)["not_told"] == {}
    assert world.seconds == 705


def test_figures_that_never_come_are_inconclusive() -> None:
    world = World()
    with pytest.raises(Inconclusive, match=r"has not told requests since .* not told the CPU of env-servers-1 since"):
        world.watch(seconds=600)
    assert world.seconds == 600 + LATE


def raising(error: Exception) -> Callable[[World, Metric], Sequence[Point]]:
    def told(world: World, metric: Metric) -> Sequence[Point]:
        with aws_call("read CloudWatch's metrics"):
            raise error

    return told


def test_a_cloudwatch_that_does_not_answer_is_inconclusive_when_its_figures_were_due() -> None:
    world = World(told=raising(EndpointConnectionError(endpoint_url="https://monitoring")))
    with pytest.raises(Inconclusive, match="CloudWatch has not told requests"):
        world.watch(seconds=600)
    assert world.watch(seconds=90)["figures"] == {}


def test_a_cloudwatch_that_refuses_is_an_error() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")
    with pytest.raises(Broken, match="cannot read CloudWatch's metrics: AccessDenied") as caught:
        World(told=raising(denied)).watch(seconds=60)
    assert not isinstance(caught.value, VerificationFailed)


def test_a_bad_release_is_found_without_cloudwatch() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")
    wrong = from_second(0, lambda request: Answer(status=500, body="", milliseconds=5))
    with pytest.raises(VerificationFailed):
        World(answer=wrong, told=raising(denied)).watch(seconds=600)


BESIDE = replace(SUBJECT, beside="blue")


def ill_since(moment: float) -> Callable[[World], str]:
    return lambda world: "healthy" if world.seconds < moment else "unhealthy"


def test_why_a_server_is_unhealthy_is_told() -> None:
    with pytest.raises(VerificationFailed, match=r"i-1 is unhealthy \(Target\.Timeout: timed out\)"):
        World(health=ill_since(5)).watch(subject=BESIDE)


def test_a_server_that_dies_under_both_releases_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match=r"i-1 is unhealthy in both slots .* the server is ill, not the release"):
        World(health=ill_since(5), former=ill_since(5)).watch(subject=BESIDE)


@pytest.mark.parametrize("seconds", [20, 3600], ids=["a-short-watch", "a-long-one"])
def test_what_goes_wrong_with_requests_to_an_ill_server_is_no_fault_of_the_release(seconds: int) -> None:
    bad = from_second(5, lambda request: Answer(status=502, body="", milliseconds=5))
    world = World(answer=bad, health=ill_since(5), former=ill_since(5), told=every_minute(0.1))
    with pytest.raises(Inconclusive, match=r"were answered wrongly.*unhealthy in both slots"):
        world.watch(seconds, BESIDE)
    assert world.seconds <= 20


def test_restarts_speak_against_the_release_whatever_else_is_ill() -> None:
    world = World(
        unit=lambda world: replace(ACTIVE, restarts=1 if world.seconds < 5 else 2),
        health=ill_since(5),
        former=ill_since(5),
    )
    with pytest.raises(VerificationFailed, match="restarts of the release"):
        world.watch(subject=BESIDE)


def test_a_server_that_is_marked_out_is_neither_asked_nor_judged() -> None:
    def unasked(world: World) -> UnitState:
        raise AssertionError("it is out")

    world = World(unit=unasked, health=lambda world: "unhealthy")
    assert world.watch(subject=replace(SUBJECT, out=frozenset({"i-1", "i-gone"})))["restarts"] == {}


def test_the_balancers_own_errors_of_users_requests_end_a_long_watch() -> None:
    world = World(told=every_minute(0.1, RequestCount=900.0, HTTPCode_ELB_502_Count=200.0))
    with pytest.raises(VerificationFailed, match=r"200 answers with 5xx \(200 of the balancer itself\) to 900"):
        world.watch(seconds=600)
    assert world.seconds == 60


class NoLongerWanted(Broken):
    """What a caller raises to end a watch."""


@pytest.mark.parametrize(("at", "seconds"), [(1, 60), (3, 180)], ids=["the-first-look", "the-third"])
def test_a_watch_ends_at_the_look_at_which_it_is_no_longer_wanted(at: int, seconds: int) -> None:
    looks = iter(range(1, 100))

    def still_wanted() -> None:
        if next(looks) == at:
            raise NoLongerWanted("dev is on hold")

    world = World(told=every_minute(0.1))
    with pytest.raises(NoLongerWanted, match="dev is on hold"):
        world.watch(seconds=3600, subject=replace(SUBJECT, still_wanted=still_wanted))
    assert world.seconds == seconds


def unforeseen(*_: object) -> Any:
    raise KeyError("nobody\x1b thought of it")


def test_an_answer_that_nobody_foresaw_is_a_wrong_one() -> None:
    with pytest.raises(VerificationFailed, match=r"such as /.* answered what cannot be judged: unforeseen KeyError"):
        World(answer=unforeseen).watch()


@pytest.mark.parametrize(
    "world", [World(unit=unforeseen), World(health=unforeseen), World(told=unforeseen)], ids=["unit", "health", "told"]
)
def test_what_nobody_foresaw_ends_the_watch_as_it_is(world: World) -> None:
    with pytest.raises(KeyError, match="nobody"):
        world.watch(seconds=90)


@pytest.mark.parametrize("world", [World(health=unforeseen), World(told=unforeseen)], ids=["health", "told"])
def test_a_bad_release_is_found_by_our_own_requests_whatever_else_is_unforeseen(world: World) -> None:
    wrong = from_second(0, lambda request: Answer(status=500, body="", milliseconds=5))
    with pytest.raises(VerificationFailed, match="were answered wrongly"):
        replace(world, answer=wrong).watch(seconds=90)
