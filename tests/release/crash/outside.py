"""What is outside of a `release` process, and processes that work on it.

``Outside`` is all that outlives a process: AWS, and the servers behind the listeners. A process is opened over it with
fresh objects, as the next call of the command would be; everything that it does outside passes its ``Points``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from release.artifacts.archive import Artifact
from release.artifacts.build import Build
from release.artifacts.manifest import Check, Manifest
from release.artifacts.releases import Releases
from release.aws.bucket import Bucket
from release.aws.databases import Databases
from release.aws.keys import SigningKey
from release.aws.table import LedgerTable
from release.environment import Environment
from release.errors import Broken
from release.ledger.canonical import sha256_hex
from release.ledger.head import Slot, SlotName, State
from release.ledger.ledger import Ledger
from release.output import Progress
from release.servers.inspection import Unit
from release.verification.probe import Answer, Request
from release.verification.watch import Watch
from settings.model import Settings
from settings.stackfile import load
from tests.release.crash.memory import Cloud, MemorySession, Points
from tests.release.world import (
    OPS,
    ROOT,
    Clock,
    FakeBalancer,
    FakeMetrics,
    FakeProbe,
    FakeStack,
    HastyVerification,
    LeapingTime,
)

NAMES = ("i-1", "i-2")
CHECKS = (Check(name="projects", path="/api/projects", contains="projects"),)
SLOTS: tuple[SlotName, ...] = ("blue", "green")


@dataclass
class Servers:
    """The servers of one environment, the listener before them, and how releases misbehave on them."""

    slots: dict[str, dict[SlotName, Slot | None]] = field(
        default_factory=lambda: {name: dict.fromkeys(SLOTS) for name in NAMES}
    )
    live: SlotName | None = None
    fails_to_install: set[str] = field(default_factory=set)
    fails_smoke: set[str] = field(default_factory=set)
    fails_smoke_live: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)
    restarts_in_watch: set[str] = field(default_factory=set)
    role_is_refused: bool = False
    live_slot_was_touched: bool = False

    def copy(self) -> "Servers":
        return deepcopy(self)

    def behind(self, url: str) -> str | None:
        """The release that a listener answers with: what one server holds, then the next."""
        idle = "green" if self.live == "blue" else "blue"
        slot = self.live if url == "http://live" else idle
        held = {one.release if one else None for one in self.in_slot(slot)} if slot else set()
        return held.pop() if len(held) == 1 else None

    def in_slot(self, slot: SlotName) -> list[Slot | None]:
        return [slots[slot] for slots in self.slots.values()]

    def install(self, name: str, slot: SlotName, content: Slot) -> None:
        self.live_slot_was_touched |= slot == self.live
        self.slots[name][slot] = content

    def listen(self, slot: SlotName | None) -> None:
        self.live = slot


@dataclass
class Outside:
    """All that outlives a process."""

    cloud: Cloud
    servers: dict[str, Servers]

    def copy(self) -> "Outside":
        return Outside(self.cloud.copy(), {name: servers.copy() for name, servers in self.servers.items()})


class MemoryStack(FakeStack):
    """Pulumi: an ``up`` makes the servers what HEAD says, server by server, and then the listener."""

    def __init__(self, outside: Outside, name: str, ledger: Ledger, points: Points) -> None:
        self.during_up: Callable[[], None] = lambda: None
        self._cloud = outside.cloud
        self._mine = outside.servers[name]
        self._bucket = settings_of(name).names.artifact_bucket
        self._head = ledger.head
        self._points = points

    def up(self, *, fence: int, deployment: str = "") -> None:
        self._points.passed("before pulumi up")
        self.during_up()
        head = self._head()
        if head.fence != fence:
            raise Broken(f"pulumi up failed: HEAD has fence {head.fence}, this is {fence}")
        for slot in SLOTS:
            for name in NAMES:
                self._install(name, slot, head.state)
        if self._mine.live != head.state.declared:
            self._points.call("the listener's move", lambda: self._mine.listen(head.state.declared))
        self._points.passed("after pulumi up")

    def export(self) -> bytes:
        return self._points.call("pulumi stack export", super().export)

    def outputs(self) -> dict[str, Any]:
        return super().outputs()

    def _install(self, name: str, slot: SlotName, state: State) -> None:
        content = state.slot(slot)
        if content is None or self._mine.slots[name][slot] == content:
            return
        if content.release in self._mine.fails_to_install and name == NAMES[-1]:
            raise Broken(f"installing {content.release} failed on {name}")
        if content.artifact_key is not None and content.artifact_key not in self._cloud.buckets[self._bucket]:
            raise Broken(f"{name} cannot download {content.artifact_key}")
        self._points.call(f"the installation on {name}", lambda: self._mine.install(name, slot, content))


class MemoryProbe(FakeProbe):
    """HTTP to the listeners of this environment."""

    def __init__(self, servers: Servers, points: Points) -> None:
        super().__init__(servers)
        self._points = points

    def send(self, base: str, request: Request) -> Answer:
        answer = super().send
        return self._points.call(f"GET {request.path}", lambda: answer(base, request))


class MemoryBalancer(FakeBalancer):
    """The balancer's view: both targets healthy."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def targets(self, target_group: str) -> Any:
        answer = super().targets
        return self._points.call("elbv2:DescribeTargetHealth", lambda: answer(target_group))


class MemoryRole:
    """The application's role in the database: there, or not to be had."""

    def __init__(self, servers: Servers, points: Points) -> None:
        self._servers = servers
        self._points = points

    def ensure(self, outputs: dict[str, Any]) -> str:
        return self._points.call("the database's role", self._answer)

    def _answer(self) -> str:
        if self._servers.role_is_refused:
            raise Broken("the database refuses its application role")
        return "was there"


class MemoryUnits:
    """What servers say of their units: some releases are restarted whenever one looks."""

    def __init__(self, servers: Servers, points: Points) -> None:
        self._servers = servers
        self._points = points
        self._looks = 0

    def of(self, outputs: dict[str, Any], slot: SlotName) -> dict[str, Unit]:
        return self._points.call("slot status", lambda: self._answer(slot))

    def _answer(self, slot: SlotName) -> dict[str, Unit]:
        self._looks += 1
        held = {one.release for one in self._servers.in_slot(slot) if one}
        restarts = self._looks if held & self._servers.restarts_in_watch else 0
        return {f"env-servers-{number}": Unit(active="active", restarts=restarts) for number in (1, 2)}


class MemoryLeftovers:
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


def open_process(outside: Outside, name: str, clock: Clock, points: Points | None = None) -> Environment:
    """An environment as a new process opens it: fresh objects over what is stored."""
    points, settings = points or Points(), settings_of(name)
    session: Any = MemorySession(outside.cloud, points)
    servers: Any = outside.servers[name]
    probe, balancer, time = MemoryProbe(servers, points), MemoryBalancer(points), LeapingTime()
    ledger = _ledger(session, settings, clock)
    return Environment(
        name=name,
        settings=settings,
        project_dir=ROOT,
        session=session,
        ledger=ledger,
        releases=Releases(
            environment=name,
            bucket=Bucket(session, settings.names.artifact_bucket),
            key=SigningKey(session, settings.names.signing_alias),
        ),
        backups=Bucket(session, settings.names.backup_bucket),
        databases=Databases(session),
        database_role=MemoryRole(servers, points),
        stack=MemoryStack(outside, name, ledger, points),
        leftovers=MemoryLeftovers(points),
        verification=HastyVerification(probe, balancer, pause=lambda seconds: None),
        watch=Watch(
            probe=probe,
            balancer=balancer,
            metrics=FakeMetrics(),
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
            path=path, digest=_digest(path), size=path.stat().st_size, parts=None, checks=CHECKS, build=Build()
        )
        manifest = _manifest(version, artifact)
        environment.releases.publish(artifact, manifest)
    return manifest


@cache
def settings_of(name: str) -> Settings:
    """The settings of a tracked stack file: reading one takes longer than a deployment here."""
    return load(ROOT, name)


def _ledger(session: Any, settings: Settings, clock: Clock) -> Ledger:
    return Ledger(
        LedgerTable(session, settings.names.ledger_table),
        project=settings.project,
        environment=settings.environment,
        account=settings.account,
        now=clock,
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
