"""One environment opened: its settings, and every door that leads to what it holds."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from release.doors.aws.balancer import Balancer
from release.doors.aws.bucket import Bucket
from release.doors.aws.databases import Databases
from release.doors.aws.keys import SigningKey
from release.doors.aws.listeners import Entrance, Listeners, live_url
from release.doors.aws.metrics import Metrics
from release.doors.aws.secrets import Secrets
from release.doors.aws.session import AwsSession, may_pass
from release.doors.aws.table import LedgerTable
from release.doors.engine.backend import locks_at
from release.doors.engine.stack import Stack, up_limit
from release.doors.probe import Probe
from release.process.errors import Broken, WrongUsage
from release.process.leftovers import Leftovers
from release.process.output import Progress
from release.process.processes import Processes
from release.records.artifacts.releases import Releases
from release.records.configurations import Configurations
from release.records.ledger.ledger import Ledger, Writer, this_host, utc_now
from release.records.ledger.stoplog import StopLog
from release.work.database_role import DatabaseRole
from release.work.fleet import Fleet
from release.work.migrations import Migrations
from release.work.verification.units import Units
from release.work.verification.verification import Verification, health_limit
from release.work.verification.watch import Watch
from settings.model import Settings
from settings.stackfile import Project

LOCK_WAIT = "STAGELINE_LOCK_WAIT"
UP_WAIT = 120.0  # seconds for which somebody else's `pulumi up` is waited for, where LOCK_WAIT does not say it


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a verb works with. ``writer`` is asked from AWS by ``identify``, never given."""

    name: str
    settings: Settings
    project: Project
    session: AwsSession
    ledger: Ledger
    stops: StopLog
    releases: Releases
    configurations: Configurations
    backups: Bucket
    databases: Databases
    database_role: DatabaseRole
    migrations: Migrations
    stack: Stack
    leftovers: Leftovers
    fleet: Fleet
    listeners: Listeners
    balancer: Balancer
    probe: Probe
    verification: Verification
    watch: Watch

    def identify(self, ci: str, *, tolerant: bool = False) -> Writer:
        """Who is at work here, by sts:GetCallerIdentity; Refused when the credentials are of another account.

        ``tolerant``: of whoever goes back it is no more than written down that nobody could be asked.
        """
        return Writer(
            principal=self._principal(tolerant), host=this_host(), ci=ci, process=Processes().find(os.getpid())
        )

    def _principal(self, tolerant: bool) -> str:
        try:
            return self.session.caller()
        except Broken as error:
            if tolerant and may_pass(error):
                return "unknown: STS did not answer"
            raise

    def live_url(self, entrance: Entrance) -> str:
        """Where users go."""
        balancer = self.settings.load_balancer
        return live_url(
            entrance.dns_name, domain=balancer.domain, certificate=balancer.certificate, port=balancer.live_port
        )

    def preview_url(self, entrance: Entrance) -> str:
        """Where the release in the other slot is looked at."""
        balancer = self.settings.load_balancer
        return live_url(
            entrance.dns_name, domain=balancer.domain, certificate=balancer.certificate, port=balancer.preview_port
        )

    def up(
        self,
        fence: int,
        deployment: str,
        progress: Progress,
        *,
        passed_over: frozenset[str] = frozenset(),
        wait: float | None = None,
        limit: float | None = None,
    ) -> None:
        """Make AWS what HEAD says, under a lease's fence; somebody else's ``up`` is waited for, and that is told."""
        self.stack.up(
            fence=fence,
            deployment=deployment,
            passed_over=passed_over,
            wait=lock_wait(os.environ, wait),
            told=progress.note,
            limit=limit,
        )

    def replace(self, urn: str, fence: int, progress: Progress) -> None:
        """The same ``up``, which makes the resource ``urn`` anew."""
        self.stack.replace(urn, fence=fence, wait=lock_wait(os.environ), told=progress.note)

    @property
    def stack_file(self) -> Path:
        """The stack file that the settings were read from."""
        return self.project.folder / f"Pulumi.{self.name}.yaml"


def lock_wait(variables: Mapping[str, str], most: float | None = None) -> float:
    """Seconds for which a locked stack is waited for; never more than ``most`` where a caller has less time."""
    text = variables.get(LOCK_WAIT, "")
    if text and not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII):
        raise WrongUsage(f"{LOCK_WAIT} is {text[:80]!r}", hint="give whole seconds, 0 to 9999")
    wait = float(text) if text else UP_WAIT
    return wait if most is None else min(wait, most)


def open_environment(project: Project, name: str) -> Environment:
    """The environment ``name`` of the project; raises InvalidSettings when its stack file is wrong or missing."""
    settings = project.load(name)
    session = _session(settings.account, settings.region, settings.role)
    names, databases, balancer = settings.names, Databases(session), Balancer(session)
    return Environment(
        name=name,
        settings=settings,
        project=project,
        session=session,
        ledger=_ledger(session, settings),
        stops=StopLog(LedgerTable(session, names.ledger_table), now=utc_now),
        releases=_releases(session, settings),
        configurations=Configurations(
            table=LedgerTable(session, names.ledger_table),
            secrets=Secrets(session),
            bucket=Bucket(session, names.artifact_bucket),
            names=names,
            tags=settings.tags,
            now=utc_now,
        ),
        backups=Bucket(session, names.backup_bucket),
        databases=databases,
        database_role=DatabaseRole(session=session, settings=settings, databases=databases),
        migrations=Migrations(session=session, name=names.migration_parameter),
        stack=_stack(project.folder, session, settings),
        leftovers=Leftovers(),
        fleet=Fleet(session=session, settings=settings),
        listeners=Listeners(session, {"project": settings.project, "environment": settings.environment}),
        balancer=balancer,
        probe=Probe(),
        verification=Verification(Probe(), balancer, health_limit=health_limit(settings.load_balancer.health)),
        watch=_watch(session, settings, balancer),
    )


def _ledger(session: AwsSession, settings: Settings) -> Ledger:
    table = settings.names.ledger_table
    return Ledger(
        LedgerTable(session, table),
        project=settings.project,
        environment=settings.environment,
        account=settings.account,
        now=utc_now,
        beats=LedgerTable(session, table, hasty=True),
    )


def _releases(session: AwsSession, settings: Settings) -> Releases:
    return Releases(
        environment=settings.environment,
        bucket=Bucket(session, settings.names.artifact_bucket),
        key=SigningKey(session, settings.names.signing_alias),
    )


def _stack(folder: Path, session: AwsSession, settings: Settings) -> Stack:
    name, servers = settings.environment, settings.servers
    return Stack(
        folder,
        name,
        limit=up_limit(install_timeout=servers.install_timeout, dial_error_limit=servers.dial_error_limit),
        open_locks=partial(locks_at, session=session, project_dir=folder, stack=f"{settings.project}/{name}"),
    )


def _watch(session: AwsSession, settings: Settings, balancer: Balancer) -> Watch:
    return Watch(
        probe=Probe(),
        balancer=balancer,
        metrics=Metrics(session),
        units=Units(session, settings),
        bounds=settings.watch,
        now=utc_now,
    )


@cache
def _session(account: str, region: str, role: str | None) -> AwsSession:
    """Environments of one account share their clients: making one takes longer than using it."""
    return AwsSession(account=account, region=region, role=role)
