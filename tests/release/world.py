"""A small world to deploy in: real ledger, buckets and keys on moto; hand-made servers, listeners and snapshots.

``FakeServers`` stand for what is outside: they hold what the last ``up`` put on them, and answer by it. What is
tested (ledger, plan, executor, gates, verification) is never faked.
"""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from release.artifacts.archive import inspect_artifact
from release.artifacts.manifest import Manifest
from release.artifacts.releases import Releases
from release.aws.balancer import TargetHealth
from release.aws.bucket import Bucket
from release.aws.keys import SigningKey
from release.aws.metrics import Metric, Point
from release.aws.session import AwsSession
from release.aws.table import LedgerTable
from release.environment import Environment
from release.errors import Broken
from release.ledger.ledger import Ledger, Writer
from release.servers.inspection import Unit
from release.verification.probe import Answer, Request
from release.verification.verification import Fault, Verification
from release.verification.watch import Watch
from settings.model import Watch as Bounds
from settings.stackfile import load

ROOT = Path(__file__).parents[2]
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
    """The servers behind one environment's listeners, and how releases misbehave on them."""

    blue: str | None = None
    green: str | None = None
    live: str | None = None
    fails_to_install: set[str] = field(default_factory=set)
    fails_smoke: set[str] = field(default_factory=set)
    fails_smoke_live: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)  # from where releases are made: users may well reach them
    restarts_in_watch: set[str] = field(default_factory=set)

    def behind(self, url: str) -> str | None:
        """The release that a listener answers with."""
        idle = "green" if self.live == "blue" else "blue"
        slot = self.live if url == "http://live" else idle
        return getattr(self, slot) if slot else None


class FakeStack:
    """Pulumi: an ``up`` makes the servers what HEAD says."""

    def __init__(self, servers: FakeServers, ledger: Ledger) -> None:
        self.ups: list[int] = []
        self.declared: list[tuple[str | None, str | None, str | None]] = []
        self.fail_next: list[str] = []
        self.before_up: Callable[[], None] = lambda: None
        self._servers = servers
        self._ledger = ledger

    def up(self, *, fence: int, deployment: str = "") -> None:
        self.before_up()
        self.ups.append(fence)
        if self.fail_next:
            raise Broken(self.fail_next.pop(0))
        state = self._ledger.head().state
        for slot in ("blue", "green"):
            content = state.slot(slot)
            if content is None:
                continue  # no deployment touched it: there is no Command
            release = content.release
            if release in self._servers.fails_to_install and getattr(self._servers, slot) != release:
                raise Broken(f"installing {release} failed on server 1")
            setattr(self._servers, slot, release)
        self._servers.live = state.declared
        self.declared.append((state.declared, state.blue and state.blue.release, state.green and state.green.release))

    def outputs(self) -> dict[str, Any]:
        return {
            "live_url": "http://live",
            "preview_url": "http://preview",
            "database_id": "db-1",
            "load_balancer": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/lb/1",
            "servers": [{"name": "env-servers-1", "id": "i-1"}, {"name": "env-servers-2", "id": "i-2"}],
            "target_groups": {"blue": "tg-blue", "green": "tg-green"},
        }

    def export(self) -> bytes:
        stack = {"type": "pulumi:pulumi:Stack", "outputs": self.outputs()}
        return json.dumps({"version": 3, "deployment": {"resources": [stack]}}).encode()


class FakeProbe:
    """HTTP: answers with the release that is behind a listener."""

    def __init__(self, servers: FakeServers) -> None:
        self._servers = servers

    def send(self, base: str, request: Request) -> Answer:
        version = self._servers.behind(base)
        if version in self._servers.unreachable and base == "http://live":
            return Answer(status=0, body="ConnectionRefusedError", milliseconds=0)
        if version is None or version in self._servers.silent:
            return Answer(status=503, body="nothing is live", milliseconds=1)
        if request.path == "/health":
            return Answer(status=200, body=json.dumps({"version": version}), milliseconds=2)
        bad = self._servers.fails_smoke_live if base == "http://live" else self._servers.fails_smoke
        status = 500 if version in bad | self._servers.fails_smoke else 200
        return Answer(status=status, body=f"projects of {version}", milliseconds=3)


class HastyVerification(Verification):
    """Gives up after one look: nothing here becomes healthy by waiting."""

    def _until(self, look: Callable[[], Fault | None], limit: float) -> None:
        super()._until(look, 0)


class FakeBalancer:
    """The balancer's view: both targets healthy."""

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        return tuple(TargetHealth(instance=name, state="healthy", reason="") for name in ("i-1", "i-2"))


class LeapingTime:
    """Time that passes only where somebody waits, and then faster: a watch of a minute takes some requests."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def ticks(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds += 40 * seconds


class FakeMetrics:
    """CloudWatch, which has told nothing yet."""

    def read(self, metrics: Sequence[Metric], start: datetime, end: datetime) -> dict[Metric, tuple[Point, ...]]:
        return {}


class FakeUnits:
    """What servers say of the units of a slot: some releases are restarted whenever one looks."""

    def __init__(self, servers: FakeServers) -> None:
        self._servers = servers
        self._looks = 0

    def of(self, outputs: dict[str, Any], slot: str) -> dict[str, Unit]:
        self._looks += 1
        restarts = self._looks if getattr(self._servers, slot) in self._servers.restarts_in_watch else 0
        return {server["name"]: Unit(active="active", restarts=restarts) for server in outputs["servers"]}


class FakeLeftovers:
    """The processes of this machine: what a killed deployment left running."""

    def __init__(self) -> None:
        self.running: list[str] = []

    def end(self, deployment: str) -> tuple[str, ...]:
        ended, self.running = tuple(self.running), []
        return ended


class FakeDatabases:
    """RDS: snapshots that are there at once, or never."""

    def __init__(self) -> None:
        self.snapshots: list[str] = []
        self.fail = False

    def start_snapshot(self, database: str, snapshot: str, tags: dict[str, str]) -> None:
        self.snapshots.append(snapshot)

    def wait_for_snapshot(self, snapshot: str) -> None:
        if self.fail:
            raise Broken(f"the snapshot {snapshot} is failed")


class FakeDatabaseRole:
    """The application's role in the database: there, or not to be had."""

    def __init__(self) -> None:
        self.fail = False
        self.asked: list[str] = []

    def ensure(self, outputs: dict[str, Any]) -> str:
        if self.fail:
            raise Broken("the database refuses its application role")
        self.asked.append(outputs["database_id"])
        return "was there"


class World:
    """dev and qa, initialised, with everything a test may look at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.servers: dict[str, FakeServers] = {}
        self.dev = self._environment("dev")
        self.qa = self._environment("qa")

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

    def _environment(self, name: str) -> Environment:
        settings = load(ROOT, name)
        session = shared_session(settings.account, settings.region)
        servers = self.servers[name] = FakeServers()
        ledger = Ledger(
            LedgerTable(session, settings.names.ledger_table),
            project=settings.project,
            environment=name,
            account=settings.account,
            now=self.clock,
        )
        ledger.table.create({})
        ledger.create(OPS)
        _make_storage(session, settings.names)
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
            databases=FakeDatabases(),
            database_role=FakeDatabaseRole(),
            stack=FakeStack(servers, ledger),
            leftovers=FakeLeftovers(),
            verification=HastyVerification(FakeProbe(servers), FakeBalancer(), pause=lambda seconds: None),
            watch=self._watch(servers, settings.watch),
        )

    def _watch(self, servers: FakeServers, bounds: Bounds) -> Watch:
        time = LeapingTime()
        return Watch(
            probe=FakeProbe(servers),
            balancer=FakeBalancer(),
            metrics=FakeMetrics(),
            units=FakeUnits(servers),
            bounds=bounds,
            now=self.clock,
            ticks=time.ticks,
            pause=time.pause,
        )


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
