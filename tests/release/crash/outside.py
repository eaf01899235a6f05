"""What is outside of a `release` process, and processes that work on it.

``Outside`` is all that outlives a process: AWS, and the servers behind the listeners. A process is opened over it with
fresh objects, as the next call of the command would be; everything that it does outside passes its ``Points``.
"""

import atexit
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property, partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contract.commands import BY_NAME
from contract.slots import SlotName
from release.doors.aws.balancer import Balancer, TargetHealth
from release.doors.aws.bucket import Bucket
from release.doors.aws.databases import Databases
from release.doors.aws.keys import SigningKey
from release.doors.aws.listeners import Entrance, Listeners
from release.doors.aws.secrets import Secrets
from release.doors.aws.table import LedgerTable
from release.doors.engine.stack import UpFailed
from release.doors.probe import Answer, Request
from release.doors.servers.inspection import UnitState
from release.environment import Environment
from release.process.canonical import sha256_hex
from release.process.errors import Broken, Inconclusive
from release.process.leftovers import Leftovers
from release.process.output import Progress
from release.program import refuse_open, refuse_other_fence
from release.records.artifacts.archive import Artifact
from release.records.artifacts.build import Build
from release.records.artifacts.manifest import Check, Manifest, artifact_key
from release.records.artifacts.releases import Releases
from release.records.configurations import Configurations
from release.records.ledger.head import Content, State
from release.records.ledger.ledger import Ledger
from release.records.ledger.stoplog import StopLog
from release.work.database_role import DatabaseRole, Done
from release.work.fleet import Fleet
from release.work.migrations import Migrations
from release.work.orders import Installed, order_of
from release.work.verification.units import Units
from release.work.verification.watch import Watch
from settings.model import Settings
from settings.stackfile import Project
from tests.project import copy_project
from tests.release.crash.memory import Cloud, MemorySession, Points
from tests.release.world import (
    GROUPS,
    INSTANCES,
    OPS,
    SERVERS,
    Clock,
    FakeMetrics,
    FakeProbe,
    FakeSsh,
    FakeStack,
    HastyVerification,
    LeapingTime,
    fleet_behind,
    settings_of,
)

NAMES = INSTANCES
FACTS = ("release", "digest", "configuration", "deployment", "reuse")


class Alone(Project):
    """The tracked project, as if its environments were all open already: there is no other one to ask."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        return ()


CHECKS = (Check(name="projects", path="/api/projects", contains="projects"),)
SLOTS: tuple[SlotName, ...] = ("blue", "green")


@dataclass
class Servers:
    """The servers of one environment, the listeners before them, and how releases misbehave on them.

    ``stopped``: slots whose process has ended. ``crashes``: releases that do not come up once they are started again.
    ``applied`` and ``applied_live`` are Pulumi's state: what it believes of installations and of the live listener.
    """

    slots: dict[str, dict[SlotName, Content | None]] = field(
        default_factory=lambda: {name: dict.fromkeys(SLOTS) for name in NAMES}
    )
    live: SlotName | None = None
    preview: SlotName | None = "blue"
    fails_to_install: set[str] = field(default_factory=set)
    crashes: set[str] = field(default_factory=set)
    fails_smoke: set[str] = field(default_factory=set)
    fails_smoke_live: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)
    restarts_in_watch: set[str] = field(default_factory=set)
    stopped: set[SlotName] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    kept_out: set[tuple[SlotName, str]] = field(default_factory=set)
    role_is_refused: bool = False
    pulumi_is_broken: bool = False
    live_slot_was_touched: bool = False
    led_to_nothing: bool = False  # users were moved from what served them to what did not run
    applied: dict[tuple[str, SlotName], str] = field(default_factory=dict)
    applied_live: SlotName | None = None

    def copy(self) -> "Servers":
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        copies: dict[str, Any] = {name: held.copy() for name, held in own.items() if isinstance(held, set | dict)}
        return replace(self, **{**copies, "slots": {name: dict(slots) for name, slots in self.slots.items()}})

    def behind(self, url: str) -> str | None:
        """The release that a listener answers with: what one server holds, then the next."""
        slot = self.live if url == "http://live" else self.preview
        held = {one.release for one in self.in_slot(slot) if one and one.release} if slot else set()
        return held.pop() if len(held) == 1 and slot not in self.stopped else None

    def in_slot(self, slot: SlotName) -> list[Content | None]:
        """What the servers with power hold in a slot that take part in it."""
        there = [name for name in NAMES if name not in self.dead and (slot, name) not in self.kept_out]
        return [self.slots[name][slot] for name in there]

    def health(self, slot: SlotName, name: str) -> str:
        """What the balancer says of a target."""
        if slot not in (self.live, self.preview):
            return "unused"
        held = self.slots[name][slot]
        ill = name in self.dead or slot in self.stopped or held is None or held.release in (None, *self.silent)
        return "unhealthy" if ill else "healthy"

    def obey(self, name: str, order: dict[str, Any], artifacts: Collection[str]) -> dict[str, Any]:
        """What a server's installer does with an order, and what it answers; ``artifacts`` are in its bucket."""
        slot, content = order["slot"], _content_of(order)
        before = self.slots[name][slot]
        runs = before is not None and before.digest == content.digest and slot not in self.stopped
        if runs and before is not None and before.deployment == content.deployment:
            return {"result": "unchanged"}
        relabelled = content.reuse and runs
        if not relabelled and (why := self._fault(name, content, artifacts)):
            return {"result": "restored", "why": why}
        is_new = before is None or before.release is None  # a server that holds nothing there serves nobody
        self.live_slot_was_touched |= slot == self.live and not relabelled and not is_new
        self.slots[name][slot] = content
        self.stopped.discard(slot)
        return {"result": "relabelled" if relabelled else "installed" if content.release else "emptied"}

    def _fault(self, name: str, content: Content, artifacts: Collection[str]) -> str:
        if content.release in self.crashes:
            return f"{content.release} does not stay up on {name}"
        if content.release in self.fails_to_install and name == NAMES[-1]:
            return f"installing {content.release} failed on {name}"
        if content.artifact_key and content.artifact_key not in artifacts:
            return f"{name} cannot download {content.artifact_key}"
        return ""

    def serves(self, slot: SlotName | None) -> bool:
        """Whether any server answers users from a slot."""
        return slot is not None and slot not in self.stopped and any(one and one.release for one in self.in_slot(slot))

    def listen(self, slot: SlotName | None) -> None:
        self.led_to_nothing |= slot is not None and self.serves(self.live) and not self.serves(slot)
        self.live = slot
        self.preview = "green" if slot == "blue" else "blue"


@dataclass
class Outside:
    """All that outlives a process."""

    cloud: Cloud
    servers: dict[str, Servers]

    def copy(self) -> "Outside":
        return Outside(self.cloud.copy(), {name: servers.copy() for name, servers in self.servers.items()})


def _content_of(order: dict[str, Any]) -> Content:
    """What a slot holds by an order; an artifact lies under its digest."""
    digest, facts = order["digest"], {key: order[key] for key in FACTS}
    return Content(**facts, artifact_key=digest and artifact_key(digest))


class MemoryStack(FakeStack):
    """Pulumi: an ``up`` makes the servers what HEAD says, server by server, and then the listeners."""

    def __init__(self, outside: Outside, name: str, ledger: Ledger, points: Points) -> None:
        self.during_up: Callable[[], None] = lambda: None
        self.changes = ()
        self.previewed = []
        self.backend_is_down = False
        self.applied = ""
        self._cloud = outside.cloud
        self._mine = outside.servers[name]
        self._bucket = settings_of(name).names.artifact_bucket
        self.head = ledger.head
        self._points = points

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
        self._points.passed("before pulumi up")
        self.during_up()
        self._apply(str(fence), passed_over)
        self._points.passed("after pulumi up")

    def plain_up(self) -> None:
        """``pulumi up`` by a person: the program refuses it while a deployment is open."""
        self._apply(None, ())

    def _apply(self, fence: str | None, passed_over: Collection[str]) -> None:
        """Pulumi calls for what differs from its own state, whatever is really there."""
        if self._mine.pulumi_is_broken:
            raise Broken("pulumi up failed: the backend's folder is gone")
        head = self.head()
        refuse_other_fence(fence, head)
        refuse_open(fence, head)
        left_out = {*passed_over, *head.state.out_names}
        for slot in SLOTS:
            for server, name in zip(SERVERS, NAMES, strict=True):
                if server in left_out:
                    self._mine.applied.pop((name, slot), None)
                else:
                    self._install_on(server, name, slot, head.state)
        if self._mine.applied_live != head.state.declared:
            self._points.call("the listeners' move by pulumi", lambda: self._mine.listen(head.state.declared))
            self._mine.applied_live = head.state.declared

    def export(self) -> bytes:
        return self._points.call("pulumi stack export", super().export)

    def _install_on(self, server: str, name: str, slot: SlotName, state: State) -> None:
        """A Command runs where its stdin is another one than in Pulumi's state."""
        content = state.slot(slot)
        if content is None or self._mine.applied.get((name, slot)) == (order := order_of(slot, content)):
            return
        failed, artifacts = f"{server}-{slot}", self._cloud.buckets[self._bucket]
        if name in self._mine.dead:
            raise UpFailed(f"{server} does not answer", resources=(failed,))
        answer = self._points.call(
            f"the installation by pulumi on {name}", lambda: self._mine.obey(name, json.loads(order), artifacts)
        )
        if "why" in answer:
            raise UpFailed(answer["why"], resources=(failed,))
        self._mine.applied[name, slot] = order


class MemoryListeners(Listeners):
    """The load balancer's listeners."""

    def __init__(self, servers: Servers, points: Points) -> None:
        self._servers = servers
        self._points = points

    def find(self) -> Entrance:
        entrance = Entrance(balancer="lb", dns_name="live", live="live", preview="preview", groups=GROUPS)
        return self._points.call("elbv2:DescribeListeners", lambda: entrance)

    def leads_to(self, listener: str) -> str | None:
        slot = self._servers.live if listener == "live" else self._servers.preview
        return GROUPS[slot] if slot else None

    def slot_in_use(self, entrance: Entrance) -> SlotName | None:
        return entrance.slot_of(self.leads_to(entrance.live))

    def move(self, entrance: Entrance, slot: SlotName | None) -> str:
        self._points.call("elbv2:ModifyListener", lambda: self._servers.listen(slot))
        return ""

    def show(self, entrance: Entrance, slot: SlotName) -> bool:
        elsewhere = self._servers.preview != slot
        if elsewhere:
            self._points.call("elbv2:ModifyListener of the preview", lambda: setattr(self._servers, "preview", slot))
        return elsewhere


class MemoryFleet(Fleet):
    """The servers over SSH: those with power answer. Orders are given by the genuine fleet, one after the other."""

    def __init__(self, outside: Outside, name: str, points: Points) -> None:
        self.during_install: Callable[[], None] = lambda: None
        self._servers = outside.servers[name]
        self._artifacts = outside.cloud.buckets[settings_of(name).names.artifact_bucket]
        self._points = points
        self._genuine = fleet_behind(FakeSsh(servers=self._servers, give=self._give), settings_of(name))

    def install(self, *arguments: Any, **more: Any) -> Installed:
        self.during_install()
        return self._genuine.install(*arguments, **more)

    def install_back(self, *arguments: Any, **more: Any) -> Installed:
        self.during_install()
        return self._genuine.install_back(*arguments, **more)

    def empty(self, *arguments: Any, **more: Any) -> dict[str, str]:
        return self._genuine.empty(*arguments, **more)

    def _give(self, name: str, order: dict[str, Any]) -> dict[str, Any]:
        return self._points.call(
            f"the installation on {name}", lambda: self._servers.obey(name, order, self._artifacts)
        )

    def silent(self, outputs: Mapping[str, Any], out: frozenset[str] = frozenset()) -> frozenset[str]:
        pairs = zip(SERVERS, NAMES, strict=True)
        names = frozenset(server for server, name in pairs if name in self._servers.dead and server not in out)
        return self._points.call("ssh true", lambda: names)

    def start(self, instances: Sequence[str], slot: SlotName) -> list[str]:
        return self._points.call("slot start", lambda: self._started(instances, slot))

    def migration_began(self, instances: Sequence[str], slot: SlotName, deployment: str) -> bool | None:
        return None

    def _started(self, instances: Sequence[str], slot: SlotName) -> list[str]:
        alive = [name for name in instances if name not in self._servers.dead]
        if not alive or {one.release if one else None for one in self._servers.in_slot(slot)} & self._servers.crashes:
            raise Inconclusive(f"no server started what {slot} holds")
        self._servers.stopped.discard(slot)
        return alive


class MemoryMigrations(Migrations):
    """The word that lets a deployment migrate."""

    def __init__(self, points: Points) -> None:
        self._points = points

    @contextmanager
    def allowed(self, deployment: str) -> Iterator[None]:
        self._points.passed("before ssm:PutParameter")
        self._points.passed("after ssm:PutParameter")
        yield

    def end(self) -> None:
        self._points.call("ssm:PutParameter of none", lambda: None)


class MemoryProbe(FakeProbe):
    """HTTP to the listeners of this environment."""

    def __init__(self, servers: Servers, points: Points) -> None:
        super().__init__(servers)
        self._points = points

    def send(self, base: str, request: Request) -> Answer:
        answer = super().send
        return self._points.call(f"GET {request.path}", lambda: answer(base, request))


class MemoryBalancer(Balancer):
    """The balancer's view of its targets."""

    def __init__(self, servers: Servers, points: Points) -> None:
        self._servers = servers
        self._points = points

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        return self._points.call("elbv2:DescribeTargetHealth", lambda: self._answer(target_group))

    def _answer(self, target_group: str) -> tuple[TargetHealth, ...]:
        slot = next(slot for slot, group in GROUPS.items() if group == target_group)
        return tuple(
            TargetHealth(instance=name, state=self._servers.health(slot, name), reason="Target.Timeout")
            for name in NAMES
            if (slot, name) not in self._servers.kept_out
        )

    def seated(self, target_group: str) -> frozenset[str]:
        return frozenset(target.instance for target in self.targets(target_group))

    def seat(self, target_group: str, instances: Collection[str], *, alone: bool = False) -> None:
        slot, there = next(slot for slot, group in GROUPS.items() if group == target_group), self.seated(target_group)
        leaving = there - {*instances} if alone else frozenset()
        changes = {"RegisterTargets": {*instances} - there, "DeregisterTargets": leaving}
        for call, names in changes.items():
            if names:
                self._points.call(f"elbv2:{call}", partial(self._note, call, {(slot, name) for name in names}))

    def _note(self, call: str, targets: set[tuple[SlotName, str]]) -> None:
        kept_out = self._servers.kept_out
        self._servers.kept_out = kept_out - targets if call == "RegisterTargets" else kept_out | targets


class MemoryRole(DatabaseRole):
    """The application's role in the database: there, or not to be had."""

    def __init__(self, servers: Servers, points: Points) -> None:
        self._servers = servers
        self._points = points

    def ensure(self, outputs: Mapping[str, Any]) -> Done:
        return self._points.call("the database's role", self._answer)

    def _answer(self) -> Done:
        if self._servers.role_is_refused:
            raise Broken("the database refuses its application role")
        return "was there"


class MemoryUnits(Units):
    """What servers say of their units: some releases are restarted whenever one looks."""

    def __init__(self, servers: Servers, points: Points) -> None:
        self._servers = servers
        self._points = points
        self._looks = 0

    def of(self, outputs: Mapping[str, Any], slot: SlotName) -> dict[str, UnitState | str]:
        return self._points.call("slot status", lambda: self._answer(slot))

    def _answer(self, slot: SlotName) -> dict[str, UnitState | str]:
        self._looks += 1
        held = {one.release for one in self._servers.in_slot(slot) if one}
        restarts = self._looks if held & self._servers.restarts_in_watch else 0
        return {f"env-servers-{number}": UnitState(active="active", restarts=restarts) for number in (1, 2)}


class MemoryLeftovers(Leftovers):
    """The processes of this machine: nothing is left here; that something is ended is tested on the real engine."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def end(self, deployment: str) -> tuple[str, ...]:
        return self._points.call("the end of leftovers", lambda: ())


class Steps(Progress):
    """Progress that nobody reads: the beginning and the end of each step are points."""

    def __init__(self, points: Points) -> None:
        super().__init__(StringIO())
        self._points = points

    @contextmanager
    def step(self, subject: str, what: str) -> Iterator[None]:
        self._points.passed(f"beginning of {what}")
        yield
        self._points.passed(f"end of {what}")


@dataclass(frozen=True, kw_only=True)
class MemoryEnvironment(Environment):
    """An environment in memory, with what a test may do to it while it is at work."""

    stack: MemoryStack
    fleet: MemoryFleet


def open_process(
    outside: Outside, name: str, clock: Clock, points: Points | None = None, *, ended: bool = False
) -> MemoryEnvironment:
    """An environment as a new process opens it: fresh objects over what is stored.

    ``ended``: processes that hold a lease are proven to have ended, as they are on the machine where one was killed.
    """
    points, settings = points or Points(), settings_of(name)
    session: Any = MemorySession(outside.cloud, points)
    servers: Any = outside.servers[name]
    probe, balancer, time = MemoryProbe(servers, points), MemoryBalancer(servers, points), LeapingTime()
    ledger = _ledger(session, settings, clock, ended)
    return MemoryEnvironment(
        name=name,
        settings=settings,
        project=_alone(),
        session=session,
        ledger=ledger,
        stops=StopLog(ledger.table, now=clock),
        releases=Releases(
            environment=name,
            bucket=Bucket(session, settings.names.artifact_bucket),
            key=SigningKey(session, settings.names.signing_alias),
        ),
        configurations=Configurations(
            table=ledger.table,
            secrets=Secrets(session),
            bucket=Bucket(session, settings.names.artifact_bucket),
            names=settings.names,
            tags=settings.tags,
            now=clock,
        ),
        backups=Bucket(session, settings.names.backup_bucket),
        databases=Databases(session),
        database_role=MemoryRole(servers, points),
        migrations=MemoryMigrations(points),
        stack=MemoryStack(outside, name, ledger, points),
        leftovers=MemoryLeftovers(points),
        fleet=MemoryFleet(outside, name, points),
        listeners=MemoryListeners(servers, points),
        balancer=balancer,
        probe=probe,
        verification=HastyVerification(probe, balancer, pause=lambda seconds: None),
        watch=Watch(
            probe=probe,
            balancer=balancer,
            metrics=FakeMetrics({}),
            units=MemoryUnits(servers, points),
            bounds=settings.watch,
            now=clock,
            ticks=time.ticks,
            pause=time.pause,
        ),
    )


def new_outside(*names: str) -> Outside:
    """Initialised environments in which nothing was ever deployed."""
    every = [settings_of(name) for name in names]
    outside = Outside(
        Cloud(
            tables={one.names.ledger_table: {} for one in every},
            buckets={bucket: {} for one in every for bucket in (one.names.artifact_bucket, one.names.backup_bucket)},
            keys=tuple(one.names.signing_alias for one in every),
        ),
        {name: Servers() for name in names},
    )
    for name in names:
        open_process(outside, name, Clock()).ledger.create(OPS)
    return outside


def publish(environment: Environment, version: str, content: str = "") -> Manifest:
    """Publish a release through the genuine door, as if its archive had been inspected: nobody here unpacks it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"app-{version}.tar.gz"
        path.write_text(content or version)
        artifact = Artifact(
            path=path,
            digest=_digest(path),
            size=path.stat().st_size,
            parts=None,
            commands=BY_NAME,
            checks=CHECKS,
            build=Build(),
            has_seed=False,
        )
        manifest = _manifest(version, artifact)
        environment.releases.publish(artifact, manifest)
    return manifest


@cache
def _alone() -> Alone:
    """A project of its stack files alone: looking through the whole program takes a third of a deployment here."""
    folder = TemporaryDirectory(prefix="project-")
    atexit.register(folder.cleanup)
    return Alone(copy_project(Path(folder.name)))


def _ledger(session: Any, settings: Settings, clock: Clock, ended: bool) -> Ledger:
    silence = LeapingTime()
    return Ledger(
        LedgerTable(session, settings.names.ledger_table),
        project=settings.project,
        environment=settings.environment,
        account=settings.account,
        now=clock,
        ticks=silence.ticks,
        pause=silence.pause,
        ended=lambda process: ended,
    )


def _digest(path: Path) -> str:
    return sha256_hex(path.read_bytes())


def _manifest(version: str, artifact: Artifact) -> Manifest:
    return Manifest(
        project="stageline",
        version=version,
        digest=artifact.digest,
        size=artifact.size,
        file_name=artifact.path.name,
        commit=None,
        tag=None,
        checks=artifact.checks,
        notes="",
        published_at="2026-11-20T12:00:00+00:00",
        published_by=OPS.principal,
    )
