"""A small world to deploy in: real ledger, buckets and keys on moto; hand-made servers, listeners and snapshots.

``FakeServers`` stand for what is outside: each holds what its installer was last told, by `release` or by an ``up``,
and answers by it. What is tested (ledger, plan, executor, gates, verification) is never faked.
"""

import io
import json
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from contract.slots import SlotName
from release.doors.aws.balancer import Balancer, TargetHealth
from release.doors.aws.bucket import Bucket
from release.doors.aws.databases import DatabaseBusy, Databases, Snapshot, SnapshotOrder
from release.doors.aws.keys import SigningKey
from release.doors.aws.listeners import Entrance, Listeners
from release.doors.aws.metrics import Metric, Metrics, Point
from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession
from release.doors.engine.stack import Stack, UpFailed
from release.doors.probe import Answer, Probe, Request
from release.doors.servers.inspection import UnitState
from release.doors.servers.ssh import NotReached, Said
from release.environment import Environment
from release.process.errors import Broken, Inconclusive
from release.process.leftovers import Leftovers
from release.process.processes import Process
from release.records.artifacts.archive import inspect_artifact
from release.records.artifacts.manifest import Manifest
from release.records.artifacts.releases import Releases
from release.records.configurations import Configurations
from release.records.ledger.head import Content
from release.records.ledger.ledger import Ledger, Writer
from release.rules.objections import Objection
from release.work.database_role import DatabaseRole, Done
from release.work.fleet import Fleet
from release.work.migrations import Migrations
from release.work.orders import Installed, order_of
from release.work.verification.units import Units
from release.work.verification.verification import HEALTH_LIMIT, Verification
from release.work.verification.watch import Watch
from settings.model import Settings
from settings.model import Watch as Bounds
from settings.stackfile import Project, load
from tests.project import PROJECT, copy_project
from tests.release.troubled import TroubledLedger, TroubledStops, TroubledTable

STAGELINE = Project(PROJECT)

INSTANCES = ("i-1", "i-2")
SERVERS = ("env-servers-1", "env-servers-2")
PREVIEW_URL = "http://preview"  # at port 8080 of the balancer, by dev's settings
GROUPS: Mapping[SlotName, str] = {"blue": "tg-blue", "green": "tg-green"}
OPS = Writer(principal="arn:aws:iam::123456789012:user/ops", host="laptop", ci="")


class Clock:
    """A clock that only moves when told to, and a little with every look."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time


@dataclass
class FakeServers:
    """The servers behind one environment's listeners, and how releases misbehave on them.

    ``blue`` and ``green`` are the releases that the slots of all servers hold; ``live`` and ``preview`` where the
    listeners lead. ``applied`` are the orders that Pulumi's state has.
    """

    held: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # the order that a slot holds
    applied: dict[tuple[str, str], str] = field(default_factory=dict)
    live: SlotName | None = None
    preview: SlotName | None = "blue"
    fails_to_install: set[str] = field(default_factory=set)
    refuses: dict[str, str] = field(default_factory=dict)  # instances whose installer fails, and what it says
    falls_silent: set[str] = field(default_factory=set)  # instances that are not heard of again once they install
    fails_smoke: set[str] = field(default_factory=set)
    fails_smoke_live: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)  # from where releases are made: users may well reach them
    restarts_in_watch: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)  # instances without power
    locked: set[str] = field(default_factory=set)  # instances that let nobody in by SSH, and serve users all the same
    kept_out: set[tuple[str, str]] = field(default_factory=set)  # targets that were taken out, by group and instance
    stopped: set[str] = field(default_factory=set)  # slots whose process has ended
    listener_is_stuck: bool = False
    balancer_refuses: bool = False  # to change who takes part
    balancer_takes_nobody_in: bool = False  # but those that shall be alone there
    before_seat: Callable[[], object] = lambda: None
    answers: list[tuple[str, str]] = field(default_factory=list)  # of installers, by instance
    migrated_for: set[str] = field(default_factory=set)
    tells_migrations: bool = True
    ill: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # state and reason by group and instance
    figures: dict[str, float] = field(default_factory=dict)  # what CloudWatch tells in each period, by a metric's name

    @property
    def blue(self) -> str | None:
        return self._release("blue")

    @blue.setter
    def blue(self, release: str | None) -> None:
        self._hold("blue", release)

    @property
    def green(self) -> str | None:
        return self._release("green")

    @green.setter
    def green(self, release: str | None) -> None:
        self._hold("green", release)

    def on(self, instance: str, slot: str) -> str | None:
        """The release that one server holds."""
        return self.held.get((instance, slot), {}).get("release")

    def _release(self, slot: str) -> str | None:
        """What those servers with power hold that hold anything."""
        found = {release for instance in set(INSTANCES) - self.dead if (release := self.on(instance, slot))}
        return found.pop() if len(found) < 2 and found else " and ".join(sorted(found)) or None

    def _served(self, slot: SlotName) -> str | None:
        """What users get from the servers that take part in a slot."""
        serving = [name for name in INSTANCES if name not in self.dead and (GROUPS[slot], name) not in self.kept_out]
        found = {release for instance in serving if (release := self.on(instance, slot))}
        return " and ".join(sorted(found)) or None

    def _hold(self, slot: str, release: str | None) -> None:
        for instance in INSTANCES:
            self.held[instance, slot] = {"slot": slot, "release": release}

    def obey(self, instance: str, order: dict[str, Any]) -> dict[str, Any]:
        """What a server's installer does, and answers."""
        answer = self._obeyed(instance, order)
        self.answers.append((instance, answer["result"]))
        return answer

    def _obeyed(self, instance: str, order: dict[str, Any]) -> dict[str, Any]:
        slot, release = order["slot"], order["release"]
        held = self.held.get((instance, slot), {})
        if release is None:
            self.held[instance, slot] = order
            return {"result": "emptied" if held.get("release") else "unchanged", "slot": slot}
        same = held.get("release") == release and held.get("digest") in (None, order["digest"])
        same = same and held.get("configuration") == order["configuration"]
        runs = same and slot not in self.stopped
        if runs and held.get("deployment") == order["deployment"]:
            return {"result": "unchanged"}
        if not (runs and order["reuse"]) and (why := self._fault(instance, release)):
            return {"result": "restored", "why": why}
        self.held[instance, slot] = order
        self.stopped.discard(slot)
        return {"result": "relabelled" if runs and order["reuse"] else "installed"}

    def _fault(self, instance: str, release: str) -> str:
        if release in self.fails_to_install:
            return f"installing {release} failed on server {instance}"
        return self.refuses.get(instance, "")

    def behind(self, url: str) -> str | None:
        """The release that a listener answers with."""
        slot = self.live if url == "http://live" else self.preview
        return self._served(slot) if slot and slot not in self.stopped else None

    def health(self, slot: str, instance: str) -> str:
        """What the balancer says of a target."""
        if slot not in (self.live, self.preview):
            return "unused"
        ill = instance in self.dead or slot in self.stopped or self.on(instance, slot) in (None, *self.silent)
        return "unhealthy" if ill else "healthy"


class FakeStack(Stack):
    """Pulumi: an ``up`` makes the servers what HEAD says."""

    def __init__(self, servers: FakeServers, ledger: Ledger) -> None:
        self.ups: list[int] = []
        self.declared: list[tuple[object, object, object]] = []
        self.fail_next: list[str] = []
        self.before_up: Callable[[], None] = lambda: None
        self.changes: tuple[str, ...] = ()
        self.previewed: list[int] = []  # the fences of previews
        self.backend_is_down = False
        self.applied = ""
        self._servers = servers
        self._ledger = ledger

    def up(
        self,
        *,
        fence: int,
        deployment: str = "",
        passed_over: Collection[str] = (),
        wait: float = 0,
        told: Callable[[str], None] = print,
        limit: float | None = None,
    ) -> None:
        self.before_up()
        self.ups.append(fence)
        if self.fail_next:
            raise Broken(self.fail_next.pop(0))
        state = self._ledger.head().state
        left_out = {*passed_over, *state.out_names}
        for slot in ("blue", "green"):
            for name, instance in zip(SERVERS, INSTANCES, strict=True):
                if name in left_out:
                    self._servers.applied.pop((instance, slot), None)
                elif (content := state.slot(slot)) is not None:
                    self._install(name, instance, slot, order_of(slot, content))
        self._servers.live = state.declared
        self._servers.preview = state.idle
        self.declared.append((state.declared, state.blue and state.blue.release, state.green and state.green.release))

    def _install(self, name: str, instance: str, slot: str, order: str) -> None:
        """A Command runs where its stdin is another one than in Pulumi's state."""
        servers = self._servers
        if servers.applied.get((instance, slot)) == order:
            return
        away = instance in servers.dead | servers.locked
        why = "it does not answer" if away else servers.obey(instance, json.loads(order)).get("why")
        if why:
            raise UpFailed(f"{name}: {why}", resources=(f"{name}-{slot}",))
        servers.applied[instance, slot] = order

    def preview(self, *, fence: int, deployment: str) -> tuple[str, ...]:
        self.previewed.append(fence)
        return self.changes

    def refuse_missing_engine(self) -> None:
        pass

    def outputs(self) -> dict[str, Any]:
        return {
            "live_url": "http://live",
            "preview_url": "http://preview",
            "database_id": "db-1",
            "load_balancer": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/lb/1",
            "servers": [{"name": name, "id": id, "address": id} for name, id in zip(SERVERS, INSTANCES, strict=True)],
            "target_groups": dict(GROUPS),
            "applied": self.applied,
        }

    def export(self) -> bytes:
        if self.backend_is_down:
            raise Broken("the backend is down")
        stack = {"type": "pulumi:pulumi:Stack", "outputs": self.outputs()}
        return json.dumps({"version": 3, "deployment": {"resources": [stack]}}).encode()


class FakeListeners(Listeners):
    """The load balancer's listeners, moved by a call of its own."""

    def __init__(self, servers: FakeServers) -> None:
        self.moves: list[str | None] = []
        self.before_move: Callable[[SlotName | None], object] = lambda slot: None
        self.before_show: Callable[[], object] = lambda: None
        self.after_move: Callable[[], object] = lambda: None
        self._servers = servers

    def find(self) -> Entrance:
        preview = "preview" if self._servers.preview else ""
        return Entrance(balancer="lb", dns_name="live", live="live", preview=preview, groups=GROUPS)

    def leads_to(self, listener: str) -> str | None:
        slot = self._servers.live if listener == "live" else self._servers.preview
        return GROUPS[slot] if slot else None

    def slot_in_use(self, entrance: Entrance) -> SlotName | None:
        return entrance.slot_of(self.leads_to(entrance.live))

    def move(self, entrance: Entrance, slot: SlotName | None) -> str:
        self.before_move(slot)
        if self._servers.listener_is_stuck:
            raise Broken("cannot move the live listener: ServiceUnavailable")
        self.moves.append(slot)
        self._servers.live = slot
        self._servers.preview = "green" if slot == "blue" else "blue"
        self.after_move()
        return ""

    def show(self, entrance: Entrance, slot: SlotName) -> bool:
        self.before_show()
        elsewhere, self._servers.preview = self._servers.preview != slot, slot
        return elsewhere


@dataclass(frozen=True, kw_only=True)
class FakeSsh:
    """The door to servers, whose addresses are their instances: ``give`` hands an order to an installer there."""

    servers: Any  # that know which of them are dead
    give: Callable[[str, dict[str, Any]], dict[str, Any]]
    answer_limit: float = 0
    deployment: str = ""

    def run(self, address: str, command: str, data: str = "") -> Said:
        if address in self.servers.dead | self.servers.locked:
            raise NotReached(f"cannot log in to {address}: No route to host")
        if command == "true":
            return Said(code=0, out="", err="")
        assert " install " in command, command
        answer = self.give(address, json.loads(data))
        return Said(code=int("why" in answer), out=json.dumps(answer), err=answer.get("why", ""))


def fleet_behind(ssh: Any, settings: Settings) -> Fleet:
    """The genuine fleet behind a fake door: one server after the other, and nobody waits."""
    session: Any = None
    return Fleet(session=session, settings=settings, door=lambda *_: ssh, at_once=1, pause=lambda seconds: None)


class FakeFleet(Fleet):
    """The servers over SSH: those with power answer. Orders are given by the genuine fleet, one after the other."""

    def __init__(self, servers: FakeServers, settings: Settings) -> None:
        self.before_install: Callable[[], None] = lambda: None
        self.before_order: Callable[[str], object] = lambda instance: None
        self.before_start: Callable[[], object] = lambda: None
        self.before_look: Callable[[], object] = lambda: None
        self.asked_of_migrations: list[str] = []  # the instances that were asked whether one began
        self.starts_nothing = False
        self.asked: list[str] = []  # the instances whose installers got an order from here
        self._servers = servers
        self._genuine = fleet_behind(FakeSsh(servers=servers, give=self._give), settings)

    def install(self, *arguments: Any, **more: Any) -> Installed:
        self.before_install()
        return self._genuine.install(*arguments, **more)

    def install_back(self, *arguments: Any, **more: Any) -> Installed:
        self.before_install()
        return self._genuine.install_back(*arguments, **more)

    def _give(self, instance: str, order: dict[str, Any]) -> dict[str, Any]:
        self.before_order(instance)
        self.asked.append(instance)
        if instance in self._servers.falls_silent:
            self._servers.dead.add(instance)
            raise NotReached(f"cannot log in to {instance}: Connection reset")
        return self._servers.obey(instance, order)

    def silent(self, outputs: Mapping[str, Any], out: frozenset[str] = frozenset()) -> frozenset[str]:
        self.before_look()
        pairs = zip(SERVERS, INSTANCES, strict=True)
        away = self._servers.dead | self._servers.locked
        return frozenset(name for name, id in pairs if id in away and name not in out)

    def empty(self, *arguments: Any, **more: Any) -> dict[str, str]:
        return self._genuine.empty(*arguments, **more)

    def start(self, instances: Sequence[str], slot: SlotName) -> list[str]:
        self.before_start()
        if self.starts_nothing:
            return []
        alive = [instance for instance in instances if instance not in self._servers.dead]
        release = getattr(self._servers, slot)
        if not alive or release is None or release in self._servers.fails_to_install:
            raise Inconclusive(f"no server started what {slot} holds")
        self._servers.stopped.discard(slot)
        return alive

    def holding(self, instances: Sequence[str], slot: SlotName, content: Content) -> frozenset[str]:
        there = [one for one in instances if one not in self._servers.dead | self._servers.locked]
        return frozenset(one for one in there if self._servers.on(one, slot) == content.release)

    def migration_began(self, instances: Sequence[str], slot: SlotName, deployment: str) -> bool | None:
        self.before_look()
        self.asked_of_migrations += instances
        return deployment in self._servers.migrated_for if self._servers.tells_migrations else None


class FakeMigrations(Migrations):
    """The word that lets a deployment migrate."""

    def __init__(self) -> None:
        self.allowed_for: list[str] = []
        self.ended = False  # by somebody who lets nobody migrate any more

    @contextmanager
    def allowed(self, deployment: str) -> Iterator[None]:
        self.allowed_for.append(deployment)
        yield

    def end(self) -> None:
        self.ended = True


class Behind(Protocol):
    """What is behind the listeners."""

    fails_smoke: set[str]
    fails_smoke_live: set[str]
    silent: set[str]
    unreachable: set[str]

    def behind(self, url: str) -> str | None:
        """The release that a listener answers with."""


class FakeProbe(Probe):
    """HTTP: answers with the release that is behind a listener, unless that is ``cut_off`` from here."""

    def __init__(self, servers: Behind) -> None:
        self.cut_off = ""  # how its URL begins
        self._servers = servers

    def send(self, base: str, request: Request) -> Answer:
        if self.cut_off and base.startswith(self.cut_off):
            return Answer(status=0, body="ConnectionRefusedError", milliseconds=0)
        url = PREVIEW_URL if base.endswith(":8080") else "http://live" if "live" in base else base
        version = self._servers.behind(url)
        if version in self._servers.unreachable and url == "http://live":
            return Answer(status=0, body="ConnectionRefusedError", milliseconds=0)
        if version is None or version in self._servers.silent:
            return Answer(status=503, body="nothing is live", milliseconds=1)
        if request.path == "/health":
            return Answer(status=200, body=json.dumps({"version": version}), milliseconds=2)
        bad = self._servers.fails_smoke_live if url == "http://live" else self._servers.fails_smoke
        status = 500 if version in bad | self._servers.fails_smoke else 200
        return Answer(status=status, body=f"projects of {version}", milliseconds=3)


class HastyVerification(Verification):
    """Gives up after one look: nothing here becomes healthy by waiting. ``limits`` says how long each was for."""

    def __init__(self, probe: Any, balancer: Any, *, pause: Callable[[float], None]) -> None:
        super().__init__(probe, balancer, pause=pause)
        self.limits: list[float] = []
        self.before_answers: Callable[[str], object] = lambda url: None

    def wait_until_answering(self, url: str, version: str, limit: float = HEALTH_LIMIT) -> None:
        self.before_answers(url)
        super().wait_until_answering(url, version, limit)

    def _until(self, look: Callable[[], Objection | None], limit: float) -> None:
        self.limits.append(limit)
        super()._until(look, 0)


class FakeBalancer(Balancer):
    """The balancer's view: both targets healthy, but for those that ``ill`` says otherwise of."""

    def __init__(self, ill: Mapping[tuple[str, str], tuple[str, str]]) -> None:
        self._ill = ill

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        return tuple(self._target(target_group, name) for name in INSTANCES)

    def _target(self, target_group: str, name: str) -> TargetHealth:
        state, reason = self._ill.get((target_group, name), ("healthy", ""))
        return TargetHealth(instance=name, state=state, reason=reason)


class BalancerOf(Balancer):
    """The balancer's view of these servers, as they are."""

    def __init__(self, servers: FakeServers) -> None:
        self._servers = servers

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        there = [name for name in INSTANCES if (target_group, name) not in self._servers.kept_out]
        return tuple(self._target(target_group, name) for name in there)

    def seat(self, target_group: str, instances: Collection[str], *, alone: bool = False) -> None:
        self._servers.before_seat()
        if self._servers.balancer_refuses or (self._servers.balancer_takes_nobody_in and not alone):
            raise Broken("cannot change which servers take part: Throttling")
        self._servers.kept_out -= {(target_group, instance) for instance in instances}
        if alone:
            self._servers.kept_out |= {(target_group, instance) for instance in {*INSTANCES} - {*instances}}

    def seated(self, target_group: str) -> frozenset[str]:
        return frozenset(target.instance for target in self.targets(target_group))

    def _target(self, target_group: str, name: str) -> TargetHealth:
        slot = next(slot for slot, group in GROUPS.items() if group == target_group)
        as_it_is = (self._servers.health(slot, name), "")
        state, reason = self._servers.ill.get((target_group, name), as_it_is)
        return TargetHealth(instance=name, state=state, reason=reason)


class LeapingTime:
    """Time that passes only where somebody waits, and then faster: a watch of a minute takes some requests.

    ``meanwhile`` is what others do while somebody waits.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.meanwhile: Callable[[], object] = lambda: None

    def ticks(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds += 40 * seconds
        self.meanwhile()


class FakeMetrics(Metrics):
    """CloudWatch: it has told nothing yet, but for ``figures``."""

    def __init__(self, figures: Mapping[str, float]) -> None:
        self._figures = figures

    def read(self, metrics: Sequence[Metric], start: datetime, end: datetime) -> dict[Metric, tuple[Point, ...]]:
        return {metric: self._points(metric, start, end) for metric in metrics if metric.name in self._figures}

    def _points(self, metric: Metric, start: datetime, end: datetime) -> tuple[Point, ...]:
        periods = 1 + int((end - start).total_seconds() // metric.period)
        moments = (start + timedelta(seconds=number * metric.period) for number in range(periods))
        return tuple(Point(at=moment, value=self._figures[metric.name]) for moment in moments)


class FakeUnits(Units):
    """What servers say of the units of a slot: some releases are restarted whenever one looks."""

    def __init__(self, servers: FakeServers) -> None:
        self._servers = servers
        self._looks = 0

    def of(self, outputs: Mapping[str, Any], slot: SlotName) -> dict[str, UnitState | str]:
        self._looks += 1
        restarts = self._looks if getattr(self._servers, slot) in self._servers.restarts_in_watch else 0
        return {server["name"]: UnitState(active="active", restarts=restarts) for server in outputs["servers"]}


class FakeLeftovers(Leftovers):
    """The processes of this machine: what a killed deployment left running."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.before_end: Callable[[], object] = lambda: None

    def end(self, deployment: str) -> tuple[str, ...]:
        self.before_end()
        ended, self.running = tuple(self.running), []
        return ended


class FakeDatabases(Databases):
    """RDS: snapshots that are there at once, when RDS has time, or never."""

    def __init__(self) -> None:
        self.snapshots: list[str] = []
        self.fail = False
        self.busy = False

    def manual_snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(
            Snapshot(name=name, database="db-1", created=None, status="available", size_gb=20, tags={})
            for name in self.snapshots
        )

    def snapshot(self, name: str) -> Snapshot | None:
        return next((one for one in self.manual_snapshots() if one.name == name), None)

    def start_snapshot(self, order: SnapshotOrder) -> str:
        if self.busy:
            raise DatabaseBusy(f"the database {order.database} is backing-up")
        self.snapshots.append(order.name)
        return order.name

    def wait_for_snapshot(self, order: SnapshotOrder, started: str | None = None) -> str:
        if self.fail:
            raise Broken(f"the snapshot {order.name} is failed")
        self.busy = False
        return started or self.start_snapshot(order)


class FakeDatabaseRole(DatabaseRole):
    """The application's role in the database: there, or not to be had."""

    def __init__(self) -> None:
        self.fail = False
        self.asked: list[str] = []

    def ensure(self, outputs: Mapping[str, Any]) -> Done:
        if self.fail:
            raise Broken("the database refuses its application role")
        self.asked.append(outputs["database_id"])
        return "was there"


@dataclass(frozen=True, kw_only=True)
class WorldEnvironment(Environment):
    """An environment of a world, with everything in it that a test may look at or trouble."""

    ledger: TroubledLedger
    stops: TroubledStops
    databases: FakeDatabases
    database_role: FakeDatabaseRole
    migrations: FakeMigrations
    stack: FakeStack
    leftovers: FakeLeftovers
    fleet: FakeFleet
    listeners: FakeListeners
    probe: FakeProbe
    verification: HastyVerification


class World:
    """dev and qa, initialised, with everything a test may look at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.silence = LeapingTime()  # by which a lease is waited for
        self.ended: list[Process] = []  # processes that are proven to have ended
        self.servers: dict[str, FakeServers] = {}
        self.dev = self._environment("dev")
        self.qa = self._environment("qa")

    def project_with(self, **files: str) -> Path:
        """A copy of the project in which the stack files of these environments hold something else."""
        folder = self.folder / "project"
        folder.mkdir()
        copy_project(folder)
        for name, text in files.items():
            (folder / f"Pulumi.{name}.yaml").write_text(text)
        return folder

    def publish(self, version: str, *, content: str = "") -> Manifest:
        """Publish a small good artifact to dev."""
        path = build_artifact(self.folder / f"app-{version}.tar.gz", {"note": content or version})
        artifact = inspect_artifact(path)
        manifest = Manifest(
            project="stageline",
            version=version,
            digest=artifact.digest,
            size=artifact.size,
            file_name=path.name,
            commit=None,
            tag=None,
            checks=artifact.checks,
            notes="",
            published_at="2026-11-20T12:00:00+00:00",
            published_by=OPS.principal,
        )
        self.dev.releases.publish(artifact, manifest)
        return manifest

    def _environment(self, name: str) -> WorldEnvironment:
        settings = settings_of(name)
        session = shared_session(settings.account, settings.region)
        servers = self.servers[name] = FakeServers()
        probe = FakeProbe(servers)
        ledger = TroubledLedger(
            TroubledTable(session, settings.names.ledger_table),
            project=settings.project,
            environment=name,
            account=settings.account,
            now=self.clock,
            ticks=self.silence.ticks,
            pause=self.silence.pause,
            ended=lambda process: process in self.ended,
        )
        ledger.table.create({})
        ledger.create(OPS)
        _make_storage(session, settings.names)
        return WorldEnvironment(
            name=name,
            settings=settings,
            project=STAGELINE,
            session=session,
            ledger=ledger,
            releases=Releases(
                environment=name,
                bucket=Bucket(session, settings.names.artifact_bucket),
                key=SigningKey(session, settings.names.signing_alias),
            ),
            stops=TroubledStops(ledger.table, now=self.clock),
            configurations=Configurations(
                table=ledger.table,
                secrets=Secrets(session),
                bucket=Bucket(session, settings.names.artifact_bucket),
                names=settings.names,
                tags=settings.tags,
                now=self.clock,
            ),
            backups=Bucket(session, settings.names.backup_bucket),
            databases=FakeDatabases(),
            database_role=FakeDatabaseRole(),
            migrations=FakeMigrations(),
            stack=FakeStack(servers, ledger),
            leftovers=FakeLeftovers(),
            fleet=FakeFleet(servers, settings),
            listeners=FakeListeners(servers),
            balancer=BalancerOf(servers),
            probe=probe,
            verification=HastyVerification(probe, BalancerOf(servers), pause=lambda seconds: None),
            watch=self._watch(servers, settings.watch),
        )

    def _watch(self, servers: FakeServers, bounds: Bounds) -> Watch:
        time = LeapingTime()
        return Watch(
            probe=FakeProbe(servers),
            balancer=BalancerOf(servers),
            metrics=FakeMetrics(servers.figures),
            units=FakeUnits(servers),
            bounds=bounds,
            now=self.clock,
            ticks=time.ticks,
            pause=time.pause,
        )


@cache
def settings_of(name: str) -> Settings:
    """The settings of a stack file: reading one takes longer than most tests."""
    return load(PROJECT, name)


@cache
def shared_session(account: str, region: str) -> AwsSession:
    """Clients for all tests of a process: making one takes longer than a test, and moto empties what is behind it."""
    return AwsSession(account=account, region=region, role=None)


def build_artifact(path: Path, files: dict[str, str], *, start_mode: int = 0o755) -> Path:
    """A tar.gz that keeps the contract, with more files in it."""
    smoke = json.dumps({"checks": [{"name": "projects", "path": "/api/projects", "contains": "projects"}]})
    with tarfile.open(path, "w:gz") as archive:
        for name, (text, mode) in {
            "bin/start": ("#!/bin/sh\n", start_mode),
            "smoke.json": (smoke, 0o644),
            **{name: (text, 0o644) for name, text in files.items()},
        }.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), mode
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def _make_storage(session: AwsSession, names: Any) -> None:
    place = {"LocationConstraint": "eu-central-1"}
    s3 = session.client("s3")
    for bucket in (names.artifact_bucket, names.backup_bucket):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    make_key(session, names.signing_alias)


def make_key(session: AwsSession, alias: str) -> None:
    """A signing key behind an alias."""
    kms = session.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=alias, TargetKeyId=key)
