"""What demos stand on: the base's doors, the registry, and the stack of each demo."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from release.doors.aws.bucket import Bucket
from release.doors.aws.demos_table import DemosTable
from release.doors.aws.secrets import Secrets
from release.doors.engine.backend import locks_at
from release.doors.engine.stack import Stack, up_limit
from release.environment import Environment, lock_wait, open_environment
from release.process.errors import Refused
from release.process.output import Progress
from release.process.processes import Processes
from release.project import refuse_empty
from release.records.demos.demo import Cost, Demo, Held
from release.records.demos.registry import Registry
from release.records.ledger.ledger import Writer, utc_now
from release.rules.demos import refuse_held, stamp
from release.work.database_role import DatabaseRole
from release.work.demos.database import SharedDatabase
from settings import demos, model, prices
from settings.model import Settings
from settings.stackfile import Project

STATE_KNOWS = {"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true"}
"""A demo's stack file is tracked nowhere: in another checkout the state tells how it is encrypted."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """The environment that demos stand on, what it says of them, their registry, what opens the stack of each, and the
    names of all that the backend has."""

    environment: Environment
    limits: model.Demo
    registry: Registry
    secrets: Secrets
    artifacts: Bucket
    database: SharedDatabase
    stack_of: Callable[[Demo], Stack]
    stacks: Callable[[], tuple[str, ...]]

    def settings_of(self, demo: Demo) -> Settings:
        """What a demo is made from."""
        base = self.environment.settings
        return demos.derived(base, self.limits, creation=demo.creation, open_to=demo.open_to)

    def cost_of(self, demo: Demo) -> Cost:
        """What a demo costs a day as it would be made now, by the prices of its region."""
        settings = self.settings_of(demo)
        found = prices.cost_per_day(demos.charged(settings, demo.database), prices.prices(settings.region))
        return Cost(cents=int(found.usd * 100), unknown=found.unknown)

    def role_of(self, demo: Demo) -> DatabaseRole:
        """The application's role in a database of the demo's own."""
        return replace(self.environment.database_role, settings=self.settings_of(demo))

    def refuse_other_base(self, demo: Demo) -> None:
        """Refused for a demo that stands on another environment than the section `demo` is in now."""
        if demo.base != self.environment.name:
            raise Refused(
                f"the demo of {demo.branch} stands on {demo.base}, and the section demo is in {self.environment.name}",
                hint=f"write it into the stack file of {demo.base} until its demos are gone",
            )

    def refuse_held(self, demo: Demo) -> None:
        """LeaseHeld while somebody works on a demo who is not proven to have ended."""
        held = demo.held
        is_gone = held is not None and held.process is not None and Processes().is_gone(held.process)
        refuse_held(demo, self.registry.now(), is_gone=is_gone, longest=self.longest)

    @property
    def longest(self) -> timedelta:
        """How long somebody works on a demo at most."""
        return timedelta(seconds=_limit(self.environment.settings))

    def from_now(self, life: timedelta) -> dict[str, str]:
        """What is recorded of a demo that lives so long from now on."""
        now = self.registry.now()
        return {"renewed": stamp(now), "expires": stamp(now + life)}

    def hold(self, writer: Writer) -> Held:
        """What is recorded of whoever works on a demo from now on."""
        until = self.registry.now() + self.longest
        return Held(by=writer.principal, host=writer.host, until=until.isoformat(), process=writer.process)


def open_base(project: Project) -> Base:
    """What the demos of a project stand on; InvalidSettings where no environment, or more than one, says it is that."""
    refuse_empty(project)
    environment = open_environment(project, project.demo_base)
    settings, session = environment.settings, environment.session
    if settings.demo is None:
        raise Refused(f"{environment.name} has no demos", hint="write the section demo into its stack file")
    if not settings.servers.public:
        raise Refused(f"the servers of {environment.name} are private, and demos are reached without a bastion")
    return Base(
        environment=environment,
        limits=settings.demo,
        registry=registry_of(environment),
        secrets=Secrets(session),
        artifacts=Bucket(session, settings.names.artifact_bucket),
        database=SharedDatabase(session=session, settings=settings, now=utc_now),
        stack_of=partial(_stack, environment),
        stacks=environment.stack.all,
    )


def registry_of(environment: Environment) -> Registry:
    """The registry of the demos in an environment's account and region, whether any stand on that one or not."""
    return Registry(DemosTable(environment.session, environment.settings.names.demos_table), now=utc_now)


def _stack(environment: Environment, demo: Demo) -> Stack:
    settings, folder = environment.settings, environment.project.folder
    name = f"{settings.project}/{demo.stack}"
    opening = partial(locks_at, session=environment.session, project_dir=folder, stack=name)
    return Stack(folder, demo.stack, limit=_limit(settings), open_locks=opening, variables=STATE_KNOWS)


def change_stack(base: Base, demo: Demo, progress: Progress, *, fence: int | None) -> None:
    """Make AWS what the registry says of a demo under this fence, or delete all of it where there is none.

    A Pulumi that an earlier process left behind is known by the demo's creation.
    """
    stack, wait = base.stack_of(demo), lock_wait(os.environ)
    if fence is None:
        stack.destroy(deployment=demo.creation, wait=wait, told=progress.note)
    else:
        stack.up(fence=fence, deployment=demo.creation, wait=wait, told=progress.note)


def _limit(settings: Settings) -> float:
    servers = settings.servers
    return up_limit(install_timeout=servers.install_timeout, dial_error_limit=servers.dial_error_limit)
