"""Demos in the small world: a registry on moto, and stacks that only remember what was asked of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from contract import outputs
from contract.database import Address, Login
from release.doors.aws.balancer import Balancer, TargetHealth
from release.doors.aws.demos_table import DemosTable
from release.doors.aws.secrets import Secrets
from release.doors.database.shared import Crowd
from release.doors.engine.stack import Stack
from release.doors.probe import Answer, Probe, Request
from release.environment import Environment
from release.process.errors import Broken
from release.process.output import Progress
from release.records.artifacts.archive import inspect_artifact
from release.records.demos.demo import Content, Cost, Demo, Held
from release.records.demos.registry import Entry, Registry
from release.records.ledger.ledger import Writer
from release.work.demos.base import Base
from release.work.demos.database import Shared, SharedDatabase
from release.work.demos.making import Wanted, bring_up
from settings import model
from settings.demos import stack_of
from settings.stackfile import Project
from tests.release.world import World, build_artifact

BRANCH = "feature-demo/map"
ANA = Writer(principal="arn:aws:iam::123456789012:user/ana", host="laptop", ci="")
BEN = replace(ANA, principal="arn:aws:iam::123456789012:user/ben")
ADDRESS = Address(identifier="dev-1", engine="postgres", host="db.example", port=5432, name="app", secret="s", tls=True)
OPEN = ("203.0.113.0/24",)


def nothing() -> None:
    """What happens during most ups."""


class FakeStack(Stack):
    """A demo's stack; `fails` says which call fails next, and how."""

    def __init__(self, *, is_there: bool = False, is_up: bool = False) -> None:
        self.is_there, self.is_up = is_there, is_up
        self.fails: dict[str, str] = {}
        self.calls: list[str] = []
        self.during_up: Callable[[], object] = nothing
        self.before_look: Callable[[], object] = nothing

    def exists(self) -> bool:
        self.before_look()
        return self.is_there

    def create(self, secrets_provider: str) -> None:
        self._do("create")
        self.is_there = True

    def up(
        self,
        *,
        fence: int,
        deployment: str = "",
        passed_over: Collection[str] = (),
        wait: float = 0.0,
        told: Callable[[str], None] = print,
        limit: float | None = None,
    ) -> None:
        self.is_up = True
        self.during_up()
        self._do("up")

    def destroy(self, *, deployment: str, wait: float = 0.0, told: Callable[[str], None] = print) -> None:
        self._do("destroy")
        self.is_up = False

    def remove(self) -> None:
        assert not self.is_up, "Pulumi removes no stack that has something"
        self._do("remove")
        self.is_there = False

    def outputs(self) -> dict[str, Any]:
        return {outputs.LIVE_URL: "http://demo:80", outputs.TARGET_GROUPS: {"blue": "tg-blue"}}

    def _do(self, call: str) -> None:
        self.calls.append(call)
        if call in self.fails:
            raise Broken(self.fails.pop(call))


class FakeProbe(Probe):
    """A page that tells its version, or cannot be reached."""

    def __init__(self, version: str = "1.0.0", *, reached: bool = True) -> None:
        self.version, self.reached = version, reached

    def send(self, base: str, request: Request) -> Answer:
        if not self.reached:
            return Answer(status=0, body="timed out", milliseconds=0)
        return Answer(status=200, body=f'{{"version": "{self.version}"}}', milliseconds=1)


class FakeBalancer(Balancer):
    """Its one target is healthy."""

    def __init__(self) -> None:
        """It asks nobody."""

    def targets(self, target_group: str) -> tuple[TargetHealth, ...]:
        return (TargetHealth(instance="i-1", state="healthy", reason=""),)


def asked_by(environment: Environment, project: Project, probe: FakeProbe) -> Environment:
    """The environment of another project, with this page behind its balancer."""
    return replace(environment, project=project, probe=probe, balancer=FakeBalancer())


@dataclass(frozen=True, kw_only=True)
class FakeShared(SharedDatabase):
    """A base's database that remembers what was made in it; `fails` says which call fails next, and how."""

    made: dict[str, str] = field(default_factory=dict)
    fails: dict[str, str] = field(default_factory=dict)

    def crowd(self) -> Crowd:
        self._refuse("crowd")
        return Crowd(databases=tuple(self.made), connections=3, most_connections=60)

    def free_share(self) -> float | None:
        return 0.5

    def make(self, login: Login) -> None:
        self._refuse("make")
        self.made[login.username] = login.password

    def drop(self, name: str) -> None:
        self._refuse("drop")
        self.made.pop(name, None)

    def shared(self) -> Shared:
        return Shared(address=ADDRESS, group_id="sg-1")

    def _refuse(self, call: str) -> None:
        if call in self.fails:
            raise Broken(self.fails.pop(call))


class Demos:
    """dev as a base; `stacks` are those of its demos, by their names."""

    def __init__(self, world: World, limits: model.Demo | None = None) -> None:
        self.world, self.probe = world, FakeProbe()
        self.stacks: dict[str, FakeStack] = {}
        project = Project(world.project_with())
        environment = asked_by(world.dev, project, self.probe)
        session = environment.session
        table = DemosTable(session, environment.settings.names.demos_table)
        table.ensure({"project": "stageline"})
        self.database = FakeShared(session=session, settings=environment.settings, now=world.clock)
        self.base = Base(
            environment=environment,
            limits=limits or model.Demo(),
            registry=Registry(table, now=world.clock),
            secrets=Secrets(session),
            artifacts=environment.releases._bucket,
            database=self.database,
            stack_of=lambda demo: self.stacks.setdefault(demo.stack, FakeStack()),
            stacks=lambda: ("dev", *(name for name, stack in self.stacks.items() if stack.is_there)),
        )
        self.registry = self.base.registry

    def artifact(self, note: str = "first") -> Path:
        return build_artifact(self.world.folder / f"{note}.tar.gz", {"note": note})

    def up(self, branch: str = BRANCH, *, by: Writer = ANA, note: str = "first", life: timedelta | None = None) -> Demo:
        wanted = Wanted(
            branch=branch,
            life=life or timedelta(days=3),
            open_to=None,
            version="1.0.0",
            shown=inspect_artifact(self.artifact(note)),
        )
        return bring_up(self.base, wanted, by, Progress())

    def stack(self, branch: str = BRANCH) -> FakeStack:
        return self.stacks.setdefault(stack_of(branch), FakeStack())

    def entry(self, branch: str = BRANCH) -> Entry:
        entry = self.registry.find(stack_of(branch))
        assert entry is not None
        return entry

    def held_for_a_while(self) -> Held:
        """Somebody works on it on another machine."""
        return held(until=(self.registry.now() + timedelta(minutes=5)).isoformat())

    def pass_by(self, time: timedelta) -> None:
        self.world.clock.time += time


def demo(branch: str = BRANCH, **changes: Any) -> Demo:
    """A demo that is up, of Ana's, until the fourth."""
    known = Demo(
        stack=stack_of(branch),
        branch=branch,
        creation="0a1b2c3d",
        base="dev",
        owner=ANA.principal,
        made="2026-12-01T12:00:00+00:00",
        renewed="2026-12-01T12:00:00+00:00",
        expires="2026-12-04T12:00:00+00:00",
        open_to=OPEN,
        state="up",
        cost=Cost(cents=133),
        database="shared",
        content=Content(release="1.0.0", digest="a" * 64, deployment="d-1"),
        url="http://demo:80",
    )
    return known.but(**changes)


def held(until: str = "2026-12-01T13:00:00+00:00") -> Held:
    return Held(by=BEN.principal, host="elsewhere", until=until)
